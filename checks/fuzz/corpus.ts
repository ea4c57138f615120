import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What is fuzzed; also the folders of the corpus. */
export const TARGETS = ["readers", "tokens", "checkpoints"] as const;

/** One of {@linkcode TARGETS}. */
export type TargetName = typeof TARGETS[number];

/** A small file that mutations begin with. */
export interface Entry {
  /** Its path within the corpus of its target. */
  readonly name: string;
  /** Its content. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The entries of each target, in the order of their names. */
export type Corpus = Readonly<Record<TargetName, readonly Entry[]>>;

/** The folder of the corpus that comes with the project. */
export const CORPUS_FOLDER = fileURLToPath(new URL("../../tests/fuzz_corpus", import.meta.url));

/** Reads the corpus into memory. */
export function readCorpus(folder = CORPUS_FOLDER): Corpus {
  const read = (target: TargetName) => Array.from(entries(join(folder, target), ""));
  return { readers: read("readers"), tokens: read("tokens"), checkpoints: read("checkpoints") };
}

function* entries(folder: string, parent: string): Generator<Entry> {
  const found = Array.from(Deno.readDirSync(folder)).sort((a, b) => a.name < b.name ? -1 : 1);
  for (const { name, isDirectory } of found) {
    const path = join(folder, name);
    if (isDirectory) yield* entries(path, `${parent}${name}/`);
    else yield { name: parent + name, bytes: Deno.readFileSync(path) };
  }
}
