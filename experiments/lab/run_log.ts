import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { AdapterInfo } from "../../kernels/mod.ts";
import { LabError } from "./errors.ts";
import { shown } from "./schema.ts";
import type { StepData } from "./step_data.ts";

/** What makes a run the run that it is: with the same code, on the same adapter, it writes the same log. */
export interface RunIdentity {
  /** Every setting. */
  readonly configuration: Readonly<Record<string, unknown>>;
  /** The seed that all random numbers follow from. */
  readonly seed: number;
  /** The base model. */
  readonly base: {
    /** Its name. */
    readonly model: string;
    /** SHA-256 of its configuration and parameters, in hexadecimal. */
    readonly sha256: string;
  };
}

/** What a run is: the content of the first line of its log. */
export interface RunDescription extends RunIdentity {
  /** The version of the code, such as a commit. */
  readonly code_version: string;
  /** What it ran on. */
  readonly adapter: AdapterInfo;
}

/** How to open a log: to begin it, or to go on with it. */
export interface RunLogOptions {
  /** What the run is. */
  readonly run: RunDescription;
  /**
   * The step to go on with, the one after the checkpoint's last: later ones are dropped. Where it is missing
   * there must be no log yet, or an empty one. A function is called once no other process can write the run,
   * and may read its checkpoint.
   */
  readonly resumeAt?: number | (() => Promise<number>);
  /** The run's last step: a log that goes on after it is complete, and not changed. */
  readonly lastStep?: number;
  /**
   * What is to be on the disk before a new log has its first line, such as the first checkpoint: a log is
   * never without one. Called once no other process can write the run.
   */
  readonly begin?: () => Promise<void>;
}

/**
 * The log of a run that goes on: `{"run": …}` in the first line, then `{"step": n, "data": {…}}` in each, as
 * verl's file logger writes them. Disposing it lets go of the file, as the end of the process does.
 */
export interface RunLog extends Disposable {
  /** The step to be written next. */
  readonly nextStep: number;
  /**
   * Appends a step and waits until it is on the disk.
   *
   * @throws {RunLogError} if it is not the next step, or cannot be written; the log then ends before it.
   */
  write(step: number, data: StepData): Promise<void>;
  /**
   * Ends the log, compressed to `.jsonl.gz` if it is larger than 1 MB.
   *
   * @returns The path of the finished log.
   * @throws {RunLogError} if it cannot be compressed; the log is then as it was.
   */
  finish(): Promise<string>;
}

/** A log that cannot be opened or written. */
export class RunLogError extends LabError {
  /** The class, as `Error.name`. */
  override name = "RunLogError";
}

/** The first step of a run, as verl counts. */
export const FIRST_STEP = 1;

/** What a person can do whose run cannot be begun or resumed, without losing anything. */
export const BEGIN_ANOTHER = "another --seed or --out begins another run";

/** A finished log larger than this is compressed, in bytes. */
const LARGEST_PLAIN = 1_000_000;

/** What is at the place of a log. */
export type LogState = "missing" | "empty" | "begun";

/**
 * Looks at the place of a log without changing anything.
 *
 * @throws {RunLogError} if the log is finished, another process writes it, or what is there is no file.
 */
export async function inspectRunLog(path: string): Promise<LogState> {
  await checkUnfinished(path);
  try {
    if (!(await Deno.stat(path)).isFile) {
      throw new RunLogError(`${path} is no file, expected a log or nothing; ${BEGIN_ANOTHER}.`);
    }
    using file = await Deno.open(path);
    await lock(path, file);
    return (await file.stat()).size === 0 ? "empty" : "begun";
  } catch (error) {
    if (isMissing(error)) return "missing";
    if (error instanceof RunLogError) throw error;
    throw new RunLogError(`${path} cannot be read: ${(error as Error).message}.`);
  }
}

/**
 * Opens the log of a run for this process alone. On resuming, the steps from `resumeAt` on and a last line
 * that was not written whole are cut off, so the log has neither gaps nor doubled steps; no other line is. Where code or
 * adapter have changed since, a further line `{"run": …}` before the next step says so.
 *
 * @param path The log, `….jsonl`; its folder is made where it is missing.
 * @throws {RunLogError} if another process writes it, it is finished, is there when it should not be or the
 * other way round, lacks steps before `resumeAt`, is no log of a run, holds a line that no run wrote, was
 * begun or gone on with by another configuration, seed or base model, or cannot be written. What is there is then as it was.
 * @throws What `resumeAt` or `begin` throws, if that is a {@linkcode LabError}.
 */
export async function openRunLog(path: string, options: RunLogOptions): Promise<RunLog> {
  const { run, resumeAt } = options;
  await checkUnfinished(path);
  const file = await openFile(path, resumeAt === undefined);
  try {
    await lock(path, file);
    // It may have been finished since the file was opened.
    await checkUnfinished(path);
    if (resumeAt !== undefined) {
      const next = typeof resumeAt === "number" ? resumeAt : await resumeAt();
      return await resumeLog(path, file, run, next, options.lastStep ?? Infinity);
    }
    if ((await file.stat()).size > 0) {
      throw new RunLogError(
        `${path} is there already, expected none to begin a new log; ${BEGIN_ANOTHER}.`,
      );
    }
    await options.begin?.();
    return runLog(path, file, await append(path, file, 0, [{ run }]), FIRST_STEP);
  } catch (error) {
    file.close();
    throw error instanceof LabError ? error : asRunLogError(path, error);
  }
}

async function lock(path: string, file: Deno.FsFile): Promise<void> {
  // The system drops the lock with the process, however that ends.
  if (await file.tryLock(true)) return;
  throw new RunLogError(`${path} is being written by another process.`);
}

async function checkUnfinished(path: string): Promise<void> {
  if (await Deno.lstat(`${path}.gz`).then(() => true, () => false)) {
    throw new RunLogError(`${path} is finished: ${path}.gz is there; ${BEGIN_ANOTHER}.`);
  }
}

async function openFile(path: string, create: boolean): Promise<Deno.FsFile> {
  try {
    if (create) await Deno.mkdir(dirname(path), { recursive: true });
    return await Deno.open(path, { read: true, append: true, create });
  } catch (error) {
    if (!isMissing(error) || create) throw asRunLogError(path, error);
    throw new RunLogError(
      `${path} does not exist, expected the log of the run to resume; ${BEGIN_ANOTHER}.`,
    );
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

/** Cuts the log before the step to go on with. */
async function resumeLog(
  path: string,
  file: Deno.FsFile,
  run: RunDescription,
  next: number,
  lastStep: number,
): Promise<RunLog> {
  const bytes = await readAll(file);
  const kept = keptLines(path, bytes, run, next, lastStep);
  if (kept.lastStep !== next - 1) {
    throw new RunLogError(
      `${path} has whole steps up to ${kept.lastStep}, expected up to ${
        next - 1
      } to resume at ${next}.`,
    );
  }
  if (kept.end < bytes.length) {
    await file.truncate(kept.end);
    await file.sync();
  }
  if (kept.run === undefined) {
    return runLog(path, file, await append(path, file, 0, [{ run }]), next);
  }
  const isSame = isDeepStrictEqual(kept.run, asJson(run));
  return runLog(path, file, kept.end, next, isSame ? undefined : { run });
}

const [RUN_LINE, STEP_LINE] = ['{"run":', '{"step":'].map((text) => new TextEncoder().encode(text));

/** Whether this can be a line that was not written whole; a machine that stopped leaves zeros. */
function isBeginning(bytes: Uint8Array, line: Uint8Array): boolean {
  return bytes.subarray(0, line.length).every((byte, i) => byte === 0 || byte === line[i]);
}

interface KeptLines {
  /** Bytes up to the end of the last line kept. */
  end: number;
  /** The last step among them; one before the first where there is none. */
  lastStep: number;
  /** The last description of the run among them. */
  run: Record<string, unknown> | undefined;
}

/**
 * The lines before the step to go on with. What comes after is this run's, too: whole steps, and a line that
 * was not written whole.
 *
 * @throws {RunLogError} naming the first line that is not.
 */
function keptLines(
  path: string,
  bytes: Uint8Array,
  run: RunIdentity,
  next: number,
  lastStep: number,
): KeptLines {
  const kept: KeptLines = { end: 0, lastStep: FIRST_STEP - 1, run: undefined };
  let expected = FIRST_STEP;
  let start = 0;
  for (let number = 1; start < bytes.length; number++) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline + 1;
    const line = bytes.subarray(start, end);
    const { run: described, step } = newline < 0 ? {} : parseLine(line);
    if (number === 1 && described === undefined) {
      if (newline < 0 && isBeginning(line, RUN_LINE!)) return kept;
      throw new RunLogError(
        `${path} does not begin with a run's settings, expected the log of the run to resume; ` +
          `it is left as it is, ${BEGIN_ANOTHER}.`,
      );
    }
    if (described !== undefined) {
      const where = number === 1 ? path : `${path}, whose line ${number} is of another run,`;
      expectSameRun(where, described, run);
    } else if (step === expected && step <= lastStep) {
      expected++;
    } else if (newline >= 0 || next > lastStep || !isCutShort(line)) {
      throw new RunLogError(
        `${path} holds a line ${number} that no run wrote, ${
          shown(new TextDecoder().decode(line).trimEnd())
        }, expected ${
          expected > lastStep ? "no more" : `step ${expected}`
        }; the log is left as it is.`,
      );
    }
    if (newline >= 0 && expected <= next) {
      kept.end = end;
      kept.lastStep = expected - 1;
      kept.run = described ?? kept.run;
    }
    start = end;
  }
  return kept;
}

/** Whether a last line without its end is what a kill, or the end of a machine, left of a run's. */
function isCutShort(line: Uint8Array): boolean {
  return line.includes(0) || [RUN_LINE!, STEP_LINE!].some((whole) => isBeginning(line, whole));
}

/** What a line that a run wrote holds, nothing else. */
function parseLine(bytes: Uint8Array): { run?: Record<string, unknown>; step?: number } {
  try {
    const line = JSON.parse(new TextDecoder().decode(bytes));
    const [keys, content] = [Object.keys(line).join(), line.run ?? line.data];
    if (typeof content !== "object" || content === null || Array.isArray(content)) return {};
    return keys === "run" || keys === "step,data" ? line : {};
  } catch {
    return {};
  }
}

/**
 * One log or checkpoint is of one configuration, seed and base model; code and adapter may change on the way.
 *
 * @param where What was begun.
 * @throws {RunLogError} naming the first setting that differs.
 */
export function expectSameRun(
  where: string,
  before: Readonly<Record<string, unknown>>,
  now: RunIdentity,
): void {
  const flat = (run: Readonly<Record<string, unknown>>): Record<string, unknown> => {
    const { model, sha256 } = (run["base"] ?? {}) as Record<string, unknown>;
    return {
      ...run["configuration"] as Record<string, unknown>,
      seed: run["seed"],
      "base model": model,
      "base model of SHA-256": sha256,
    };
  };
  const [old, current] = [flat(before), flat(asJson(now))];
  for (const name of new Set([...Object.keys(old), ...Object.keys(current)])) {
    if (isDeepStrictEqual(old[name], current[name])) continue;
    throw new RunLogError(
      `${where} was begun with ${name} ${shown(old[name])}, expected the same to resume it, not ${
        shown(current[name])
      }.`,
    );
  }
}

function asJson(run: RunIdentity): Record<string, unknown> {
  return JSON.parse(JSON.stringify(run));
}

/** @param note A line to write before the next step. */
function runLog(
  path: string,
  file: Deno.FsFile,
  end: number,
  first: number,
  note?: { readonly run: RunDescription },
): RunLog {
  let isOpen = true;
  let nextStep = first;
  const close = () => {
    if (isOpen) file.close();
    isOpen = false;
  };
  return {
    get nextStep() {
      return nextStep;
    },
    async write(step, data) {
      if (!isOpen) throw new RunLogError(`${path} is closed, step ${step} cannot be written.`);
      if (step !== nextStep) {
        throw new RunLogError(`${path} goes on with step ${nextStep}, expected no step ${step}.`);
      }
      end = await append(path, file, end, [...(note === undefined ? [] : [note]), { step, data }]);
      note = undefined;
      nextStep++;
    },
    async finish() {
      if (!isOpen) throw new RunLogError(`${path} is closed and cannot be finished.`);
      try {
        return end > LARGEST_PLAIN ? await compress(path, file) : path;
      } finally {
        close();
      }
    },
    [Symbol.dispose]: close,
  };
}

/** Adds lines and returns the new length; where that fails, takes back what was written of them. */
async function append(
  path: string,
  file: Deno.FsFile,
  end: number,
  lines: readonly unknown[],
): Promise<number> {
  // NaN and infinities become null.
  const text = lines.map((line) => JSON.stringify(line) + "\n").join("");
  const bytes = new TextEncoder().encode(text);
  try {
    for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
    await file.sync();
    return end + bytes.length;
  } catch (error) {
    await file.truncate(end).catch(() => {});
    throw asRunLogError(path, error);
  }
}

async function compress(path: string, file: Deno.FsFile): Promise<string> {
  const compressed = `${path}.gz`;
  const temporary = `${compressed}.writing`;
  // It may have come while the run went on.
  await checkUnfinished(path);
  try {
    if ((await Deno.lstat(temporary).catch(() => undefined))?.isFile) await Deno.remove(temporary);
    await writeCompressed(temporary, await readAll(file));
    await Deno.rename(temporary, compressed);
    await Deno.remove(path);
    return compressed;
  } catch (error) {
    throw asRunLogError(compressed, error);
  }
}

/** Writes a new file, whole or not at all. */
async function writeCompressed(path: string, plain: Uint8Array<ArrayBuffer>): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  try {
    const compressed = new Blob([plain]).stream().pipeThrough(new CompressionStream("gzip"));
    await compressed.pipeTo(file.writable, { preventClose: true });
    await file.sync();
  } catch (error) {
    await Deno.remove(path).catch(() => {});
    throw error;
  }
}

/** Reads through the handle that has the lock: on Windows no other may read. */
async function readAll(file: Deno.FsFile): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array((await file.stat()).size);
  await file.seek(0, Deno.SeekMode.Start);
  let done = 0;
  while (done < bytes.length) {
    const got = await file.read(bytes.subarray(done));
    if (got === null) break;
    done += got;
  }
  return bytes.subarray(0, done);
}

function asRunLogError(path: string, error: unknown): RunLogError {
  if (error instanceof RunLogError) return error;
  const { message } = error as Error;
  return new RunLogError(`${path} cannot be written: ${message}.`, { cause: error });
}
