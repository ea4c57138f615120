import { join } from "node:path";
import { styleText } from "node:util";
import { ReadError, UserError } from "../errors.ts";
import { eventFiles } from "../readers/read_run.ts";

/** A wrong call of a command: an unknown option, a missing file name, a value out of range. */
export class UsageError extends UserError {
  /** The class, as `Error.name`. */
  override name = "UsageError";
}

/**
 * Runs a command and exits: 0 when `main` returns true, 1 when it returns false or the input is bad,
 * 2 when the command was called wrongly. What a user can act on is printed as one sentence; a fault of
 * this project keeps its stack trace.
 */
export async function runCommand(main: () => Promise<boolean>): Promise<never> {
  try {
    // Tasks run in the checkout, but their paths are those of the folder that they were called from.
    Deno.chdir(Deno.env.get("INIT_CWD") ?? ".");
    Deno.exit(await main() ? 0 : 1);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(0); // `| head` has seen enough.
    if (!(error instanceof UserError) && !isUsage(error)) throw error;
    printError((error as Error).message);
    Deno.exit(isUsage(error) ? 2 : 1);
  }
}

/** Prints one sentence about what went wrong to stderr. */
export function printError(message: string): void {
  const label = Deno.stderr.isTerminal() ? styleText("red", "error:") : "error:";
  console.error(`${label} ${message}`);
}

/** node:util's parseArgs names its errors by code. */
function isUsage(error: unknown): boolean {
  return error instanceof UsageError ||
    String((error as { code?: unknown } | null)?.code).startsWith("ERR_PARSE_ARGS");
}

/** A log to read: `path` as readRuns takes it. */
export interface Input {
  /** A file, or a folder of TensorBoard event files. */
  readonly path: string;
  /** False if it was only found in a folder or by a glob, so it may be no log at all. */
  readonly named: boolean;
}

/**
 * The logs that file names, folders and globs stand for; folders are searched to their depths, hidden
 * ones left out.
 *
 * @throws {ReadError} if a name stands for nothing.
 */
export async function expandInputs(names: readonly string[]): Promise<Input[]> {
  const inputs: Input[] = [];
  for (const name of names) {
    const info = await Deno.stat(name).catch(() => undefined);
    if (info?.isDirectory) inputs.push(...await inFolder(name));
    else if (info !== undefined || !/[*?[{]/.test(name)) inputs.push({ path: name, named: true });
    else inputs.push(...await matching(name));
  }
  const seen = new Set<string>();
  return inputs.filter(({ path }) => !seen.has(path) && seen.add(path));
}

async function inFolder(folder: string): Promise<Input[]> {
  const inputs: Input[] = [];
  const events = await eventFiles(folder);
  if (events.length > 0) inputs.push({ path: folder, named: false });
  const entries = await Array.fromAsync(Deno.readDir(folder));
  for (const { name, isDirectory, isFile } of entries.sort(byName)) {
    const path = join(folder, name);
    if (name.startsWith(".") || events.includes(path)) continue;
    if (isDirectory) inputs.push(...await inFolder(path));
    else if (isFile) inputs.push({ path, named: false });
  }
  return inputs;
}

async function matching(pattern: string): Promise<Input[]> {
  const { glob } = await import("node:fs/promises");
  const paths = await Array.fromAsync(glob(pattern));
  if (paths.length === 0) throw new ReadError(`${pattern} matches no file.`);
  return paths.sort().map((path) => ({ path, named: false }));
}

function byName(left: { name: string }, right: { name: string }): number {
  return left.name < right.name ? -1 : 1;
}

/** Shows `text` on a terminal while `work` runs, and takes it away again. */
export async function withProgress<T>(text: string, work: () => Promise<T>): Promise<T> {
  const shown = Deno.stderr.isTerminal();
  const write = (line: string) => Deno.stderr.writeSync(new TextEncoder().encode(line));
  if (shown) write(`\r\x1b[K${text} …`);
  try {
    return await work();
  } finally {
    if (shown) write("\r\x1b[K");
  }
}

/** Bold on a terminal. */
export function bold(text: string): string {
  return Deno.stdout.isTerminal() ? styleText("bold", text) : text;
}

/** A number to so many significant digits, without an exponent where it is readable. */
export function number(value: number | undefined, digits = 4): string {
  if (value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(digits - 1);
  return String(Number(value.toPrecision(digits)));
}
