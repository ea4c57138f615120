import { basename, join } from "node:path";
import { type Pair, pairs } from "../analysis/pairs.ts";
import type { Curve } from "../analysis/paper_data.ts";
import { readRun } from "../analysis/readers/read_run.ts";
import { UserError } from "../formats/errors.ts";
import { exists } from "./lab/checkpoint.ts";
import { readFinishedLog } from "./lab/study/run_log_file.ts";
import { type StudyRun, studyRun } from "./lab/study/study_run.ts";
import type { TrainSettings } from "./lab/train_settings.ts";
import { LOGS } from "./models.ts";

/** A run, by the settings in which it differs from the defaults. */
export type RunSettings = Readonly<Record<string, unknown>>;

/** A finished run of the study, as its raw log tells it. */
export interface StudyLog {
  /** The run. */
  readonly run: StudyRun;
  /** H and R of each validation by the paper's definitions and protocol. */
  readonly pairs: readonly Pair[];
  /** What was logged, by key: a value for each step that has it. */
  readonly curves: ReadonlyMap<string, Curve>;
}

/** The logs of a figure's runs, as far as they have been made. */
export interface StudyLogs {
  /** The finished ones, in the order of the runs. */
  readonly logs: readonly StudyLog[];
  /** The runs that have no finished log yet. */
  readonly missing: readonly StudyRun[];
}

/**
 * Reads the logs of a figure's runs that are there.
 *
 * @param folder Where they lie; of this repository's study unless told.
 * @throws {LabError} if a log is not that of the run, whole.
 */
export async function readStudyLogs(
  given: readonly RunSettings[],
  folder: string = LOGS,
): Promise<StudyLogs> {
  return await readRunLogs(given.map(studyRun), folder);
}

/**
 * The same of runs by their whole settings.
 *
 * @throws {LabError} as {@linkcode readStudyLogs}.
 */
export async function readRunLogs(runs: readonly StudyRun[], folder: string): Promise<StudyLogs> {
  const logs: StudyLog[] = [];
  const missing: StudyRun[] = [];
  for (const run of runs) {
    if (await exists(await logPath(run.name, folder))) logs.push(await readStudyLog(run, folder));
    else missing.push(run);
  }
  return { logs, missing };
}

/**
 * Reads the log of a run.
 *
 * @param folder Where it lies; of this repository's study unless told.
 * @throws {UserError} if it is not there.
 * @throws {LabError} if it is not as a run writes it, whole.
 */
export async function readStudyLog(run: StudyRun, folder: string = LOGS): Promise<StudyLog> {
  const path = await logPath(run.name, folder);
  if (!await exists(path)) {
    throw new UserError(`there is no log ${path}; deno task study ${run.name} makes it.`);
  }
  const curves = new Map<string, Curve>();
  for (const { step, data } of await readFinishedLog(path, run)) {
    for (const [key, value] of Object.entries(data)) {
      // A number that is not finite is logged as null.
      if (value !== null) curves.getOrInsertComputed(key, () => []).push({ step, value });
    }
  }
  return { run, curves, pairs: pairs(await readRun(path)) };
}

/** Where the log of a run lies, plain or, which it is taken for where there is none, compressed. */
export async function logPath(name: string, folder: string = LOGS): Promise<string> {
  const plain = join(folder, `${name}.jsonl`);
  return await exists(plain) ? plain : `${plain}.gz`;
}

/**
 * Puts a run's log that was made anew in the place of the one that was there.
 *
 * @param from Its folder.
 * @throws {UserError} if it cannot be moved.
 */
export async function replaceLog(name: string, from: string): Promise<void> {
  const path = await logPath(name, from);
  try {
    await Deno.mkdir(LOGS, { recursive: true });
    await Deno.rename(path, join(LOGS, basename(path)));
    // The other, where one is compressed and one is not, would be of the same run.
    const other = path.endsWith(".gz") ? path.slice(0, -".gz".length) : `${path}.gz`;
    await Deno.remove(join(LOGS, basename(other))).catch(() => {});
  } catch (error) {
    throw new UserError(`${path} cannot be moved to ${LOGS}: ${(error as Error).message}.`);
  }
}

/** The updates of the policy that were made before a step. */
export function gradientStep({ run }: StudyLog, step: number): number {
  return (step - 1) * run.settings.minibatches;
}

/** The part of a study that is of one kind of runs, with what of it is missing. */
export function partOf(
  { logs, missing }: StudyLogs,
  isOwn: (settings: TrainSettings) => boolean,
): StudyLogs {
  return {
    logs: logs.filter(({ run }) => isOwn(run.settings)),
    missing: missing.filter(({ settings }) => isOwn(settings)),
  };
}
