import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { AdapterInfo } from "../../kernels/mod.ts";
import { LabError } from "./errors.ts";
import type { StepData } from "./step_data.ts";

/** What a run is: the content of the first line of its log. */
export interface RunDescription {
  /** Every setting. */
  readonly configuration: Readonly<Record<string, unknown>>;
  /** The seed that all random numbers follow from. */
  readonly seed: number;
  /** The version of the code, such as a commit. */
  readonly code_version: string;
  /** What it ran on. */
  readonly adapter: AdapterInfo;
}

/** How to open a log. */
export interface RunLogOptions {
  /** What the run is. */
  readonly run: RunDescription;
  /**
   * The step to go on with, the one after the checkpoint's last: later ones are dropped. {@linkcode FIRST_STEP}
   * begins a log anew. Where it is missing there must be no log yet. A function is called once no other
   * process can write the run, and may read its checkpoint.
   */
  readonly resumeAt?: number | (() => Promise<number>);
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

/** A finished log larger than this is compressed, in bytes. */
const LARGEST_PLAIN = 1_000_000;

/**
 * Opens the log of a run for this process alone. On resuming, the steps from `resumeAt` on and a last line
 * that was not written whole are cut off, so the log has neither gaps nor doubled steps. Where code or
 * adapter have changed since, a further line `{"run": …}` says so.
 *
 * @param path The log, `….jsonl`; its folder is made where it is missing.
 * @throws {RunLogError} if another process writes it, it is finished, is there when it should not be or the
 * other way round, lacks steps before `resumeAt`, was begun with another configuration, or cannot be
 * written.
 * @throws What `resumeAt` throws, if that is a {@linkcode LabError}.
 */
export async function openRunLog(path: string, options: RunLogOptions): Promise<RunLog> {
  const { resumeAt = FIRST_STEP } = options;
  await checkUnfinished(path);
  const file = await openFile(path, resumeAt === FIRST_STEP);
  try {
    // The system drops the lock with the process, however that ends.
    if (!await file.tryLock(true)) {
      throw new RunLogError(`${path} is being written by another process.`);
    }
    // It may have been finished since the file was opened.
    await checkUnfinished(path);
    if (options.resumeAt === undefined && (await file.stat()).size > 0) {
      throw new RunLogError(
        `${path} is there already, expected to begin a new log; --resume goes on with it.`,
      );
    }
    const next = typeof resumeAt === "number" ? resumeAt : await resumeAt();
    return runLog(path, file, await cut(path, file, options.run, next), next);
  } catch (error) {
    file.close();
    throw error instanceof LabError ? error : asRunLogError(path, error);
  }
}

async function checkUnfinished(path: string): Promise<void> {
  if (await Deno.stat(`${path}.gz`).then(() => true, () => false)) {
    throw new RunLogError(`${path} is finished: ${path}.gz is there.`);
  }
}

async function openFile(path: string, create: boolean): Promise<Deno.FsFile> {
  try {
    if (create) await Deno.mkdir(dirname(path), { recursive: true });
    return await Deno.open(path, { read: true, append: true, create });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && !create) {
      throw new RunLogError(`${path} does not exist, expected the log of the run to resume.`);
    }
    throw asRunLogError(path, error);
  }
}

/** Cuts the log before the step to go on with, and returns its length in bytes. */
async function cut(
  path: string,
  file: Deno.FsFile,
  run: RunDescription,
  next: number,
): Promise<number> {
  const kept = keptLines(await readAll(file), next);
  if (kept.lastStep !== next - 1) {
    throw new RunLogError(
      `${path} has whole steps up to ${kept.lastStep}, expected up to ${
        next - 1
      } to resume at ${next}.`,
    );
  }
  if (kept.run !== undefined) checkSameRun(path, kept.run, run);
  await file.truncate(kept.end);
  await file.sync();
  const isSame = isDeepStrictEqual(kept.run, asJson(run));
  return isSame ? kept.end : await append(path, file, kept.end, { run });
}

interface KeptLines {
  /** Bytes up to the end of the last line kept. */
  end: number;
  /** The last step among them; one before the first where there is none. */
  lastStep: number;
  /** The last description of the run among them. */
  run: Record<string, unknown> | undefined;
}

/** The lines up to the first that is not whole or not before a step. */
function keptLines(bytes: Uint8Array, next: number): KeptLines {
  const kept: KeptLines = { end: 0, lastStep: FIRST_STEP - 1, run: undefined };
  while (true) {
    const newline = bytes.indexOf(0x0a, kept.end);
    if (newline < 0) return kept;
    const line = parseLine(bytes.subarray(kept.end, newline));
    if (line?.run !== undefined) kept.run = line.run;
    else if (kept.run === undefined || line?.step !== kept.lastStep + 1) return kept;
    else if (line.step >= next) return kept;
    else kept.lastStep = line.step;
    kept.end = newline + 1;
  }
}

function parseLine(
  bytes: Uint8Array,
): { run?: Record<string, unknown>; step?: number } | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) ?? undefined;
  } catch {
    return undefined;
  }
}

/** One log is of one configuration and seed; the code and the adapter may change on the way. */
function checkSameRun(path: string, before: Record<string, unknown>, now: RunDescription): void {
  const flat = (run: Record<string, unknown>): Record<string, unknown> => ({
    ...run["configuration"] as Record<string, unknown>,
    seed: run["seed"],
  });
  const [old, current] = [flat(before), flat(asJson(now))];
  for (const name of new Set([...Object.keys(old), ...Object.keys(current)])) {
    if (isDeepStrictEqual(old[name], current[name])) continue;
    throw new RunLogError(
      `${path} was begun with ${name} ${
        JSON.stringify(old[name])
      }, expected the same to resume it, not ${JSON.stringify(current[name])}.`,
    );
  }
}

function asJson(run: RunDescription): Record<string, unknown> {
  return JSON.parse(JSON.stringify(run));
}

function runLog(path: string, file: Deno.FsFile, end: number, first: number): RunLog {
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
      end = await append(path, file, end, { step, data });
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

/** Adds a line and returns the new length; where that fails, takes back what was written of it. */
async function append(
  path: string,
  file: Deno.FsFile,
  end: number,
  line: unknown,
): Promise<number> {
  // NaN and infinities become null.
  const bytes = new TextEncoder().encode(JSON.stringify(line) + "\n");
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
  try {
    const plain = new Blob([await readAll(file)]).stream();
    await Deno.writeFile(temporary, plain.pipeThrough(new CompressionStream("gzip")));
    {
      using written = await Deno.open(temporary, { write: true });
      await written.sync();
    }
    await Deno.rename(temporary, compressed);
    await Deno.remove(path);
    return compressed;
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw asRunLogError(compressed, error);
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
