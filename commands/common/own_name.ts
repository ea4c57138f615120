import { join, resolve } from "node:path";
import { crc32 } from "node:zlib";
import type { Run } from "../../analysis/readers/run.ts";
import { isNameless, numbered } from "./output_names.ts";

/** Files by which the outputs of one name are told from those of another log. */
const TOLD_BY = [".md", ".svg"] as const;

/**
 * A comment for SVG, HTML and Markdown by which the outputs of some runs are known again: a checksum of where
 * their logs lie and of their names, and of the values of those that were piped in, which lie nowhere.
 */
export function logComment(runs: readonly Pick<Run, "source" | "name" | "series">[]): string {
  const text = JSON.stringify(runs.map(({ source, name }) => [resolve(source), name]));
  let sum = crc32(text);
  for (const { series } of runs.filter(({ source }) => isNameless(source))) {
    for (const [key, { steps, values }] of series) {
      sum = crc32(key, sum);
      for (const { buffer, byteOffset, byteLength } of [steps, values]) {
        sum = crc32(new Uint8Array(buffer, byteOffset, byteLength), sum);
      }
    }
  }
  return `<!-- logs ${sum.toString(16).padStart(8, "0")} -->\n`;
}

/**
 * The name of outputs in a folder, without their endings: `NAME.KIND`, or with a number behind NAME where the
 * outputs of that name are of other logs, which are to be kept.
 *
 * @param taken Names that this call gives to others, in lower case; this one is added.
 * @param comment That of {@linkcode logComment}.
 */
export async function ownName(
  folder: string,
  { name, kind, taken }: { name: string; kind: string; taken: Set<string> },
  comment: string,
): Promise<string> {
  for (let n = 1;; n++) {
    const stem = `${numbered(name, n)}.${kind}`;
    if (taken.has(stem.toLowerCase()) || await isOfOthers(join(folder, stem), comment)) continue;
    taken.add(stem.toLowerCase());
    return stem;
  }
}

/** Whether an output is there that says of which logs it is, and they are others. */
async function isOfOthers(stem: string, comment: string): Promise<boolean> {
  for (const ending of TOLD_BY) {
    const info = await Deno.lstat(stem + ending).catch(() => undefined);
    if (!info?.isFile) continue;
    const text = await Deno.readTextFile(stem + ending).catch(() => "");
    const found = text.slice(-END).match(/<!-- logs [\da-f]{8} -->\n/);
    if (found !== null && found[0] !== comment) return true;
  }
  return false;
}

/** Both comments are within so many characters of the end. */
const END = 200;
