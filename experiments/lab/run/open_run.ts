import type { Gpu } from "../../../kernels/mod.ts";
import { expectBase } from "../base_fits.ts";
import { type Checkpoint, hasCheckpoint, readCheckpoint } from "../checkpoint.ts";
import { modelDigest } from "../digest.ts";
import { expectFinite } from "../finite.ts";
import { everComparesWithReference } from "../loss_settings.ts";
import { createPolicy, type Policy, valuesOf } from "../policy/parameters.ts";
import { expectRoom } from "../policy/room.ts";
import { type RewardModel, rewardModel } from "../reward_model.ts";
import { baseModelName, runId, type TrainSettings } from "../train_settings.ts";
import type { Task } from "../tasks/task.ts";
import { openLogFile } from "./log_file.ts";
import { loadRun, type RunState, saveRun } from "./run_checkpoint.ts";
import type { RunDescription, RunIdentity } from "./run_identity.ts";
import { beginRunLog, expectNoLog, resumeRunLog, type RunLog } from "./run_log.ts";
import {
  expectNoCheckpoint,
  expectRunPlace,
  removeOtherRewardModels,
  type RunPlace,
} from "./run_place.ts";

/** Where a run begins and what it writes. */
export interface RunOptions extends RunPlace {
  /** The checkpoint of the base model. */
  readonly base: string;
  /** The version of the code, for the log. */
  readonly codeVersion: string;
}

/** A run that no other process writes until it is disposed. */
export interface Run extends Disposable {
  /** The policy that is trained. */
  readonly policy: Policy;
  /** The base model; undefined where no step asks it. */
  readonly reference: Policy | undefined;
  /** PRIME's reward model, which is trained, too; none with other algorithms. */
  readonly rewardModel: RewardModel | undefined;
  /** How far the run is. */
  state: RunState;
  /** The log, which goes on with the step after `state.step`. */
  readonly log: RunLog;
  /** Writes the checkpoint: the models as they are, and the state. */
  save(): Promise<void>;
}

/**
 * Begins a run, or goes on with it where its last checkpoint was written. What is on the disk is whole at every
 * moment: a new run has its first checkpoint before its log has a line, and one that goes on is loaded, and found
 * to be this run, before its log is cut to the checkpoint's step.
 *
 * @throws {LabError} if a file cannot be read or written, the checkpoint is not of this run or not what it
 * wrote, another process writes the run, or the base model holds NaN or Inf or does not fit the adapter.
 * @throws {DeviceLostError} if the GPU was lost.
 */
export async function openRun(
  gpu: Gpu,
  task: Task,
  settings: TrainSettings,
  options: RunOptions,
): Promise<Run> {
  await expectRunPlace(options);
  const { config, parameters } = await readBase(gpu, task, settings, options.base);
  const identity: RunIdentity = {
    configuration: settings,
    seed: settings.seed,
    base: {
      model: baseModelName(settings.model, settings.instruct),
      sha256: modelDigest(config, parameters),
    },
  };

  using opened = new DisposableStack();
  const baseModel = () => opened.use(createPolicy(gpu, config, valuesOf(parameters)));
  const hasRewardModel = settings.algorithm === "prime";
  const policy = baseModel();
  const reference = hasRewardModel || everComparesWithReference(settings) ? baseModel() : undefined;
  const models = {
    policy,
    rewardModel: hasRewardModel
      ? rewardModel(baseModel(), reference!, settings.rewardLearningRate)
      : undefined,
  };

  const { checkpoint } = options;
  const place = { folder: checkpoint, run: { id: runId(settings), ...identity } };
  const description: RunDescription = {
    ...identity,
    code_version: options.codeVersion,
    adapter: gpu.adapter,
  };
  const resumes = options.resume && await hasCheckpoint(checkpoint);
  const file = opened.use(await openLogFile(options.log, !resumes));
  let state: RunState = { step: 0, updates: 0 };
  let log: RunLog;
  if (resumes) {
    state = await loadRun(place, models);
    const { steps: lastStep } = settings;
    log = await resumeRunLog(file, description, { next: state.step + 1, lastStep });
    if (models.rewardModel !== undefined) await removeOtherRewardModels(checkpoint, state.step);
  } else {
    expectNoLog(file);
    // Another process may have begun the run meanwhile.
    await expectNoCheckpoint(checkpoint);
    await saveRun(place, models, state);
    log = await beginRunLog(file, description);
  }

  const kept = opened.move();
  const run: Run = {
    ...models,
    reference,
    state,
    log,
    save: () => saveRun(place, models, run.state),
    [Symbol.dispose]: () => kept.dispose(),
  };
  return run;
}

/** The base model, once it is known to be what the settings name, to fit the adapter, and to be finite. */
async function readBase(
  gpu: Gpu,
  task: Task,
  settings: TrainSettings,
  folder: string,
): Promise<Pick<Checkpoint, "config" | "parameters">> {
  // Before what may be a real model's gigabytes are read.
  await expectBase(folder, settings.model, task);
  const { config, parameters } = await readCheckpoint(folder);
  expectRoom(gpu, config, task, settings);
  for (const [name, { data }] of parameters) expectFinite(`${folder}: ${name}`, data);
  return { config, parameters };
}
