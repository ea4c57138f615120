/** What several tests need: folders, tasks run as a user runs them, snapshots, other people's logs. */
import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";

/** The checkout. */
export const ROOT = join(import.meta.dirname!, "..");

/** Real logs that others published; they are not ours to commit, so they lie beside the checkout. */
export const LOGS = join(ROOT, "../shared/logs");

/** A test on those logs: reported as ignored where they are not. */
export function testOnLogs(name: string, body: () => Promise<void>): void {
  Deno.test({ name, ignore: !exists(LOGS), fn: body });
}

/** Small logs that were once read wrongly; they lie beside the checkout, too. */
export const CASES = join(ROOT, "../shared/cases");

/** A test on those: reported as ignored where they are not. */
export function testOnCases(name: string, body: () => Promise<void>): void {
  Deno.test({ name, ignore: !exists(CASES), fn: body });
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Runs `body` with a new folder and removes it afterwards. */
export async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "entropy test " });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What a command printed and how it ended. */
export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a task of deno.json from a folder, as `deno task NAME ARGUMENTS…` there would. */
export async function runTask(name: string, args: string[], folder: string): Promise<Outcome> {
  return await run(Deno.execPath(), [...TASK, name, ...args], { cwd: folder });
}

/** Runs a task as {@linkcode runTask} does, with a file's content piped into it; needs a shell. */
export async function pipeToTask(
  name: string,
  args: string[],
  input: string,
  folder: string,
): Promise<Outcome> {
  const script = 'input=$1; shift; cat "$input" | "$@"';
  const task = [Deno.execPath(), ...TASK, name, ...args];
  return await run("sh", ["-c", script, "sh", input, ...task], { cwd: folder });
}

const TASK = ["task", "--quiet", "--config", join(ROOT, "deno.json")];

/** Runs a command to its end, in the environment of the tests unless it is cleared. */
export async function run(
  command: string,
  args: string[],
  options: { cwd?: string; env?: Record<string, string>; clearEnv?: boolean } = {},
): Promise<Outcome> {
  // An outer task, such as the one that runs these tests, must not pass on where it was called from.
  const { INIT_CWD: _, ...own } = options.clearEnv ? {} : Deno.env.toObject();
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args,
    ...options,
    clearEnv: true,
    env: { ...own, NO_COLOR: "1", ...options.env },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** A command ended as bad input must: one sentence on stderr, nothing on stdout, no stack trace. */
export function assertOneSentence(outcome: Outcome, expected: RegExp, code = 1): void {
  assert.equal(outcome.code, code, outcome.stderr);
  assert.match(outcome.stderr, expected);
  assert.doesNotMatch(outcome.stderr, /\n\s+at /);
  assert.equal(outcome.stderr.trim().split("\n").length, 1, outcome.stderr);
  assert.equal(outcome.stdout, "");
}

/**
 * Compares a value with tests/snapshots/NAME.json. UPDATE_SNAPSHOTS=1 writes it anew: read the difference before
 * you commit it.
 */
export async function assertSnapshot(name: string, value: unknown): Promise<void> {
  const path = join(ROOT, "tests/snapshots", `${name}.json`);
  const text = JSON.stringify(value, null, 1) + "\n";
  if (Deno.env.get("UPDATE_SNAPSHOTS") === "1") await Deno.writeTextFile(path, text);
  assert.equal(text, await Deno.readTextFile(path), `${name} differs from its snapshot`);
}

/**
 * The number that the system gives to the next file, which is the lowest that is free: it rises when one stays
 * open. /proc would tell too, but Deno asks for all permissions there.
 */
export function nextHandle(): number {
  const handle = openSync(ROOT, "r");
  closeSync(handle);
  return handle;
}
