import { join } from "node:path";
import type { Gpu } from "../../../kernels/mod.ts";
import { makeBaseModel } from "../base_model.ts";
import { exists, hasCheckpoint, removeCheckpoint } from "../checkpoint.ts";
import { BusyError, LabError } from "../errors.ts";
import { modelConfig } from "../families.ts";
import { passesOf, PRETRAINING, untrainedPolicy } from "../pretrain.ts";
import { taskByName } from "../tasks/task_by_name.ts";
import { train, type TrainOptions } from "../train.ts";
import { baseModelName } from "../train_settings.ts";
import type { StudyRun } from "./study_run.ts";
import { recordTiming } from "./timings.ts";

/** The folders of a study. */
export interface StudyPlace {
  /** Of finished logs. */
  readonly logs: string;
  /** Of base models. */
  readonly models: string;
  /** Of what is not finished: logs, checkpoints, and the locks that keep two processes from one run. */
  readonly unfinished: string;
}

/** Who hears of a study, and what its logs say of the code. */
export interface StudyOptions extends StudyPlace {
  /** The version of the code, for the logs. */
  readonly codeVersion: string;
  /** Called when a base model is begun. */
  readonly onBaseModel: (name: string) => void;
  /** Called when a run is begun, or gone on with. */
  readonly onRun: (run: StudyRun) => void;
  /** Called after each step of a run. */
  readonly onStep: NonNullable<TrainOptions["onStep"]>;
}

/** How long to wait for what other processes make, in milliseconds. */
const PAUSE = 5000;

/**
 * Makes the logs of runs that are missing, one after the other, and the base models that they begin with. A run
 * that was stopped is gone on with. What another process makes is passed over, and waited for in the end: as many
 * processes, on as many machines with these folders, as one likes share the work.
 *
 * @throws {LabError} as {@linkcode train} and {@linkcode makeBaseModel}.
 */
export async function runStudy(
  gpu: Gpu,
  runs: readonly StudyRun[],
  options: StudyOptions,
): Promise<void> {
  let missing = await missingRuns(runs, options.logs);
  while (missing.length > 0) {
    let made = 0;
    for (const run of missing) {
      using claim = await claimRun(run, options);
      if (claim === undefined || await isFinished(run, options.logs)) continue;
      try {
        await makeRun(gpu, run, options);
        made++;
      } catch (error) {
        // Another process makes the base model.
        if (!(error instanceof BusyError)) throw error;
      }
    }
    missing = await missingRuns(runs, options.logs);
    if (made === 0 && missing.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}

/** The runs that have no finished log yet. */
export async function missingRuns<Run extends StudyRun>(
  runs: readonly Run[],
  logs: string,
): Promise<Run[]> {
  const finished = await Promise.all(runs.map((run) => isFinished(run, logs)));
  return runs.filter((_, i) => !finished[i]);
}

async function isFinished({ name }: StudyRun, logs: string): Promise<boolean> {
  return await exists(join(logs, `${name}.jsonl`)) || await exists(join(logs, `${name}.jsonl.gz`));
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
    throw new LabError(`${path} cannot be written: ${(error as Error).message}.`);
  }
}

/** The base model, the run, and the log to its place. */
async function makeRun(gpu: Gpu, run: StudyRun, options: StudyOptions): Promise<void> {
  const { name, settings } = run;
  const { logs, unfinished, codeVersion, onStep } = options;
  const base = await baseModel(gpu, run, options);
  options.onRun(run);
  const checkpoint = join(unfinished, `${name}.checkpoint`);
  let [steps, seconds] = [0, 0];
  const log = await train(gpu, settings, {
    log: join(unfinished, `${name}.jsonl`),
    checkpoint,
    resume: true,
    base,
    codeVersion,
    onStep(step, data, timing) {
      steps++;
      seconds += timing.validation + timing.rollout + timing.update;
      onStep(step, data, timing);
    },
  });
  const ending = log.endsWith(".gz") ? ".jsonl.gz" : ".jsonl";
  try {
    await Deno.mkdir(logs, { recursive: true });
    if (steps > 0) await recordTiming(logs, { run: name, secondsPerStep: seconds / steps });
    await Deno.rename(log, join(logs, name + ending));
  } catch (error) {
    throw new LabError(`${log} cannot be moved to ${logs}: ${(error as Error).message}.`);
  }
  await removeCheckpoint(checkpoint);
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
  onBaseModel(`${name}.${taskName}`);
  using policy = untrainedPolicy(gpu, modelConfig(model), PRETRAINING[taskName].seed);
  await makeBaseModel(policy, taskByName(taskName), passesOf(taskName, { instruct }), {
    folder,
    resume: true,
    model: name,
    onStep() {},
  });
  return folder;
}
