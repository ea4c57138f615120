import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "../../formats/errors.ts";
import { hasMark, type MarkedFormat } from "../../analysis/figures/mark.ts";
import { isSelectedList } from "../../analysis/tokens/selected_list.ts";
import { isStandardInput, STANDARD_INPUT } from "../../formats/standard_input.ts";

/** What file names do not hold: separators, and what a terminal acts on. */
const UNSAFE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\\/]/gu;
/** What a shell makes of `<(…)`. */
const DESCRIPTOR = /^\/(?:dev|proc\/self)\/fd\/\d+$/;
/** Bytes of a name, which leave room for endings within the 255 that file systems allow. */
const LONGEST_BYTES = 200;

/**
 * What the files that a command writes for each of its inputs are called, without their endings: the name
 * of the input without its own, or its whole path where names are alike, and a number where these are,
 * too; `stdin` for standard input, and `pipe` for another descriptor, whose number says nothing. Every one is
 * the name of a file in a folder, and not of a place outside of it.
 *
 * @param paths Of the inputs.
 * @param endings That are taken off names, such as `.jsonl`.
 */
export function outputNames(paths: readonly string[], endings: RegExp): string[] {
  const taken = new Set<string>();
  return wantedNames(paths, endings).map((wanted) => {
    let n = 1;
    while (taken.has(numbered(wanted, n).toLowerCase())) n++;
    taken.add(numbered(wanted, n).toLowerCase());
    return numbered(wanted, n);
  });
}

/** Whether the name of an input says nothing of it, as that of a pipe does not. */
export function isNameless(path: string): boolean {
  return path === STANDARD_INPUT || isStandardInput(path) || DESCRIPTOR.test(path);
}

/** The first, second, … of several outputs of one name: `NAME`, `NAME-2` and so on. */
export function numbered(name: string, n: number): string {
  return n === 1 ? name : `${name}-${n}`;
}

/** What {@linkcode outputNames} would call each input if no other were called so. */
export function wantedNames(paths: readonly string[], endings: RegExp): string[] {
  const named = paths.map((path) =>
    isStandardInput(path) ? "stdin" : DESCRIPTOR.test(path) ? "pipe" : path
  );
  const short = named.map((path) => {
    const name = basename(path);
    const stem = name.replace(endings, "");
    return safe(/^\.*$/.test(stem) ? name : stem);
  });
  // Some file systems do not tell upper from lower case.
  const counts = new Map<string, number>();
  for (const name of short) {
    counts.set(name.toLowerCase(), 1 + (counts.get(name.toLowerCase()) ?? 0));
  }
  return short.map((name, i) =>
    counts.get(name.toLowerCase()) === 1 ? name : safe(partsOf(named[i]!).join("."))
  );
}

function partsOf(path: string): string[] {
  return path.split(/[\\/]/).filter((part) => part !== "" && part !== ".");
}

function safe(name: string): string {
  const bytes = new TextEncoder().encode(name.replace(UNSAFE, "_"));
  if (bytes.length <= LONGEST_BYTES) return name.replace(UNSAFE, "_");
  // What is cut in the middle of a character becomes U+FFFD.
  return new TextDecoder().decode(bytes.subarray(0, LONGEST_BYTES)).replace(/\uFFFD+$/, "");
}

/**
 * Refuses outputs that would replace what is to be read, or as {@linkcode checkReplaceable}.
 *
 * @param isInput Whether a file, which is among the inputs, can be read: what the command wrote before may
 * be found again in a folder.
 * @throws {UserError} that names the first.
 */
export async function checkOutputs(
  outputs: readonly string[],
  inputs: readonly string[],
  isInput: (path: string) => Promise<boolean>,
): Promise<void> {
  const known = new Map<string, string>();
  for (const input of inputs) {
    for (const place of [await placeOf(input), await Deno.realPath(input).catch(() => undefined)]) {
      if (place !== undefined) known.set(place, input);
    }
  }
  for (const output of outputs) {
    const input = known.get(await placeOf(output) ?? "");
    if (input !== undefined && await isInput(input)) {
      throw new UserError(
        `${output} would be replaced, but it is to be read; name another folder with --out.`,
      );
    }
    await checkReplaceable(output);
  }
}

/**
 * Refuses the place of an output where something is that no command wrote: it would be lost.
 *
 * @param output A picture or a report, `….svg`, `….png`, `….html` or `….md`, or a list of selected tokens.
 * @throws {UserError} that names what is there.
 */
export async function checkReplaceable(output: string): Promise<void> {
  const info = await Deno.lstat(output).catch(() => undefined);
  if (info === undefined) return;
  if (info.isDirectory) {
    throw new UserError(`${output} is a folder, where a file is to be written.`);
  }
  // What cannot be read cannot be known, either.
  if (info.isFile && await isOwn(output).catch(() => false)) return;
  throw new UserError(
    `${output} is there and was not written by this command, so it is not replaced; ` +
      "name another folder with --out.",
  );
}

async function isOwn(path: string): Promise<boolean> {
  const format = /\.(svg|png|html|md)$/.exec(path)?.[1] as MarkedFormat | undefined;
  return format === undefined
    ? await isSelectedList(path)
    : hasMark(format, await Deno.readFile(path));
}

/** A path with the links of its folders followed, but not its own; undefined if there is no such folder. */
async function placeOf(path: string): Promise<string | undefined> {
  const folder = await Deno.realPath(dirname(resolve(path))).catch(() => undefined);
  return folder === undefined ? undefined : join(folder, basename(path));
}
