import { basename, join } from "node:path";
import { UserError } from "../../../formats/errors.ts";
import type { Gpu } from "../../../kernels/mod.ts";
import { expectBaseModelPlace, makeBaseModel } from "../base_model.ts";
import { exists, hasCheckpoint } from "../checkpoint.ts";
import { BusyError, LabError } from "../errors.ts";
import { modelConfig } from "../families.ts";
import { passesOf, PRETRAINING, untrainedPolicy } from "../pretrain.ts";
import { removeRunCheckpoint } from "../run/run_place.ts";
import { taskByName } from "../tasks/task_by_name.ts";
import { train, type TrainOptions } from "../train.ts";
import { baseModelName } from "../train_settings.ts";
import { isFinished, missingRuns } from "./missing_runs.ts";
import { expectFinishedLog } from "./run_log_file.ts";
import type { StudyRun } from "./study_run.ts";
import { recordTiming } from "./timings.ts";

/** The files of a study. */
export interface StudyPlace {
  /** The folder of finished logs. */
  readonly logs: string;
  /** The folder of base models. */
  readonly models: string;
  /** The folder of what is not finished: logs, checkpoints, and the locks that keep two processes from one run. */
  readonly unfinished: string;
  /** The file that tells how long the runs took. */
  readonly timings: string;
}

/** Who hears of a study, and what its logs say of the code. */
export interface StudyOptions extends StudyPlace {
  /** The version of the code, for the logs. */
  readonly codeVersion: string;
  /** Called when a base model is begun, or gone on with. */
  readonly onBaseModel: (name: string) => void;
  /** Called when a run is begun, or gone on with. */
  readonly onRun: (run: StudyRun) => void;
  /** Called after each step of a run. */
  readonly onStep: NonNullable<TrainOptions["onStep"]>;
  /** Called when a run cannot be made, or not to its end: it is left, and others are made. */
  readonly onFailure: (run: StudyRun, error: UserError) => void;
  /** Called once, when all that is left waits for base models that other processes make. */
  readonly onWait: () => void;
}

/** How long to wait for base models before looking again, in milliseconds. */
const PAUSE = 2000;

/**
 * Makes the logs of runs that are missing, one after the other, and the base models that they begin with. A run
 * that was stopped is gone on with. What another process makes is left to it: as many processes, on as many
 * machines with these folders, as one likes share the work. Only for base models do they wait.
 *
 * @throws {LabError} if the folder of what is not finished cannot be written, or as {@linkcode missingRuns}.
 * @throws {GpuError} as {@linkcode train} and {@linkcode makeBaseModel}.
 */
export async function runStudy(
  gpu: Gpu,
  runs: readonly StudyRun[],
  options: StudyOptions,
): Promise<void> {
  const failed = new Set<StudyRun>();
  for (let isWaiting = false;;) {
    let waits = false;
    for (const run of await missingRuns(runs, options.logs)) {
      if (failed.has(run)) continue;
      using claim = await claimRun(run, options);
      if (claim === undefined || await isFinished(run, options.logs)) continue;
      try {
        await makeRun(gpu, run, options);
      } catch (error) {
        if (error instanceof BusyError) {
          waits = true;
        } else if (error instanceof UserError) {
          failed.add(run);
          options.onFailure(run, error);
        } else {
          throw error;
        }
      }
    }
    if (!waits) return;
    if (!isWaiting) options.onWait();
    isWaiting = true;
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

/** Keeps other processes from a run until it is disposed; undefined if one has it. */
async function claimRun(
  { name }: StudyRun,
  { unfinished }: StudyPlace,
): Promise<Deno.FsFile | undefined> {
  const path = join(unfinished, `${name}.lock`);
  try {
    await Deno.mkdir(unfinished, { recursive: true });
    const file = await Deno.open(path, { read: true, append: true, create: true });
    // The system drops the lock with the process, however that ends.
    if (await file.tryLock(true)) return file;
    file.close();
    return undefined;
  } catch (error) {
    throw new LabError(`${path} cannot be made and locked: ${(error as Error).message}.`);
  }
}

/** The base model, the run, and the log to its place. */
async function makeRun(gpu: Gpu, run: StudyRun, options: StudyOptions): Promise<void> {
  const { logs, unfinished } = options;
  const log = join(unfinished, `${run.name}.jsonl`);
  const checkpoint = join(unfinished, `${run.name}.checkpoint`);
  // A process may have been stopped when it had compressed the log.
  const compressed = `${log}.gz`;
  const isCompressed = await exists(compressed);
  if (isCompressed) await expectFinishedLog(compressed, run);
  const finished = isCompressed
    ? compressed
    : await trainTimed(gpu, run, { log, checkpoint }, options);
  try {
    await Deno.mkdir(logs, { recursive: true });
    await Deno.rename(finished, join(logs, basename(finished)));
  } catch (error) {
    throw new LabError(`${finished} cannot be moved to ${logs}: ${(error as Error).message}.`);
  }
  await removeRunCheckpoint(checkpoint);
}

/** Makes the run, and records how long it took. */
async function trainTimed(
  gpu: Gpu,
  run: StudyRun,
  place: { readonly log: string; readonly checkpoint: string },
  options: StudyOptions,
): Promise<string> {
  const base = await baseModel(gpu, run, options);
  options.onRun(run);
  let [steps, seconds] = [0, 0];
  const log = await train(gpu, run.settings, {
    ...place,
    resume: true,
    base,
    codeVersion: options.codeVersion,
    onStep(step, data, timing) {
      steps++;
      seconds += timing.validation + timing.rollout + timing.update;
      options.onStep(step, data, timing);
    },
  });
  const timing = { run: run.name, secondsPerStep: seconds / steps };
  if (steps > 0) await recordTiming(options.timings, timing);
  return log;
}

/** The folder of the base model of a run, which is made where it is missing. */
async function baseModel(
  gpu: Gpu,
  { settings: { model, task: taskName, instruct } }: StudyRun,
  { models, onBaseModel }: StudyOptions,
): Promise<string> {
  const name = baseModelName(model, instruct);
  const folder = join(models, `${name}.${taskName}`);
  if (await hasCheckpoint(folder)) return folder;
  const place = { folder, resume: true };
  let isTold = false;
  try {
    await expectBaseModelPlace(place);
    using policy = untrainedPolicy(gpu, modelConfig(model), PRETRAINING[taskName].seed);
    await makeBaseModel(policy, taskByName(taskName), passesOf(taskName, { instruct }), {
      ...place,
      model: name,
      onStep() {
        // Not earlier: another process may have been making it.
        if (!isTold) onBaseModel(`${name}.${taskName}`);
        isTold = true;
      },
    });
  } catch (error) {
    // Another process may have finished it meanwhile.
    if (!await hasCheckpoint(folder)) throw error;
  }
  return folder;
}
