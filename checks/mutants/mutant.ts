import { join } from "node:path";

/** A change to the code that must make a test fail. */
export interface Mutant {
  /** The file that is changed, from the root of the project. */
  readonly file: string;
  /** What stands there; it must occur exactly once. */
  readonly text: string;
  /** What stands there instead. */
  readonly replacement: string;
  /** What is wrong then, in a line. */
  readonly what: string;
  /** The files of tests that are run. */
  readonly tests: readonly string[];
  /** Of those, the tests whose names contain this, or match it if it is written as `/…/`; all by default. */
  readonly filter?: string;
}

/**
 * Why changes cannot be made, a sentence for each: the file is missing, or the text occurs never or several times.
 *
 * @param root The folder of the project.
 */
export async function impossible(root: string, mutants: readonly Mutant[]): Promise<string[]> {
  const sentences: string[] = [];
  const texts = new Map<string, string | undefined>();
  for (const { file, text, replacement, what } of mutants) {
    if (!texts.has(file)) texts.set(file, await readText(join(root, file)));
    const content = texts.get(file);
    const times = content === undefined ? 0 : content.split(text).length - 1;
    const problem = content === undefined
      ? "the file cannot be read"
      : times !== 1
      ? `${JSON.stringify(text)} occurs ${times} times, expected once`
      : text === replacement
      ? "the replacement is the text"
      : undefined;
    if (problem !== undefined) sentences.push(`${file} ("${what}"): ${problem}.`);
  }
  return sentences;
}

async function readText(path: string): Promise<string | undefined> {
  return await Deno.readTextFile(path).catch(() => undefined);
}
