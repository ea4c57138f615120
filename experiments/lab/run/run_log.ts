import { isDeepStrictEqual } from "node:util";
import type { StepData } from "../step_data.ts";
import { BEGIN_ANOTHER, type LogFile, RunLogError } from "./log_file.ts";
import { FIRST_STEP, keptLines } from "./log_lines.ts";
import { asJson, type RunDescription } from "./run_identity.ts";

/**
 * The log of a run that goes on: `{"run": …}` in the first line, then `{"step": n, "data": {…}}` in each, as
 * verl's file logger writes them. Disposing it lets go of the file, as the end of the process does.
 */
export class RunLog implements Disposable {
  readonly #file: LogFile;
  #nextStep: number;
  /** A line to write before the next step. */
  #note: { readonly run: RunDescription } | undefined;

  /** Made by {@linkcode beginRunLog} and {@linkcode resumeRunLog}. */
  constructor(file: LogFile, nextStep: number, note?: { readonly run: RunDescription }) {
    this.#file = file;
    this.#nextStep = nextStep;
    this.#note = note;
  }

  /** The step to be written next. */
  get nextStep(): number {
    return this.#nextStep;
  }

  /**
   * Appends a step and waits until it is on the disk.
   *
   * @throws {RunLogError} if it is not the next step, or cannot be written; the log then ends before it.
   */
  async write(step: number, data: StepData): Promise<void> {
    const { path, isOpen } = this.#file;
    const nextStep = this.#nextStep;
    if (!isOpen) throw new RunLogError(`${path} is closed, step ${step} cannot be written.`);
    if (step !== nextStep) {
      throw new RunLogError(`${path} goes on with step ${nextStep}, expected no step ${step}.`);
    }
    const line = { step, data };
    await this.#file.append(this.#note === undefined ? [line] : [this.#note, line]);
    this.#note = undefined;
    this.#nextStep++;
  }

  /**
   * Ends the log, compressed to `.jsonl.gz` if it is larger than 250 kB.
   *
   * @returns The path of the finished log.
   * @throws {RunLogError} if it cannot be compressed; the log is then as it was.
   */
  async finish(): Promise<string> {
    const { path, isOpen } = this.#file;
    if (!isOpen) throw new RunLogError(`${path} is closed and cannot be finished.`);
    return await this.#file.finish();
  }

  /** Lets go of the file. */
  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

/**
 * Throws unless a new log can be begun in a file.
 *
 * @throws {RunLogError} if there is anything in it.
 */
export function expectNoLog({ path, size }: LogFile): void {
  if (size === 0) return;
  throw new RunLogError(
    `${path} is there already, expected none to begin a new log; ${BEGIN_ANOTHER}.`,
  );
}

/**
 * Begins the log of a run, with its first line.
 *
 * @throws {RunLogError} if there is one already, or the line cannot be written.
 */
export async function beginRunLog(file: LogFile, run: RunDescription): Promise<RunLog> {
  expectNoLog(file);
  await file.append([{ run }]);
  return new RunLog(file, FIRST_STEP);
}

/** Where a log goes on. */
export interface ResumeOptions {
  /** The step to go on with, the one after the checkpoint's last: later ones are dropped. */
  readonly next: number;
  /** The run's last step: a log that goes on after it is complete, and not changed. */
  readonly lastStep?: number;
}

/**
 * Goes on with the log of a run. The steps from `next` on and a last line that was not written whole are cut
 * off, so the log has neither gaps nor doubled steps; no other line is. Where code or adapter have changed
 * since, a further line `{"run": …}` before the next step says so.
 *
 * @throws {RunLogError} if the log lacks steps before `next`, is no log of a run, holds a line that no run
 * wrote, was begun or gone on with by another configuration, seed or base model, or cannot be written. What is
 * there is then as it was.
 */
export async function resumeRunLog(
  file: LogFile,
  run: RunDescription,
  { next, lastStep = Infinity }: ResumeOptions,
): Promise<RunLog> {
  const { path } = file;
  const kept = keptLines(await file.read(), { path, run, next, lastStep });
  if (kept.lastStep !== next - 1) {
    throw new RunLogError(
      `${path} has whole steps up to ${kept.lastStep}, expected up to ${
        next - 1
      } to resume at ${next}.`,
    );
  }
  await file.cut(kept.end);
  if (kept.run === undefined) {
    await file.append([{ run }]);
    return new RunLog(file, next);
  }
  return new RunLog(file, next, isDeepStrictEqual(kept.run, asJson(run)) ? undefined : { run });
}
