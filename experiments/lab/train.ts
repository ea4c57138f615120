import { basename, dirname, join } from "node:path";
import type { Gpu } from "../../kernels/mod.ts";
import { hasCheckpoint, readCheckpoint } from "./checkpoint.ts";
import { inStep, LabError } from "./errors.ts";
import { gatherExperience, validate } from "./experience.ts";
import { expectFinite } from "./finite.ts";
import { createPolicy, type Policy, valuesOf } from "./policy/parameters.ts";
import { loadPolicy, savePolicy } from "./policy/saved.ts";
import { rewardModel } from "./reward_model.ts";
import { FIRST_STEP, openRunLog, type RunDescription } from "./run_log.ts";
import type { TrainSettings } from "./settings.ts";
import type { StepData } from "./step_data.ts";
import { taskByName } from "./tasks/by_name.ts";
import { updateFromSamples } from "./training_step.ts";

/** Where a run begins and what it writes. */
export interface TrainOptions {
  /** The checkpoint of the base model. */
  readonly base: string;
  /** The run's log, `….jsonl`. */
  readonly log: string;
  /** The folder of the run's own checkpoint. */
  readonly checkpoint: string;
  /** Go on with the run from its checkpoint, or begin it where there is none. */
  readonly resume: boolean;
  /** The version of the code, for the log. */
  readonly codeVersion: string;
  /** Called after each step. */
  readonly onStep?: (step: number, data: StepData, timing: StepTiming) => void;
}

/** How long the parts of a step took, in seconds. They are in no log: it would differ from run to run. */
export interface StepTiming {
  /** Validation; about 0 in steps without. */
  readonly validation: number;
  /** Sampling and verifying. */
  readonly rollout: number;
  /** Updates, and writing log and checkpoint. */
  readonly update: number;
}

/** What a checkpoint knows of its run. */
interface TrainerState {
  /** Rollouts so far. */
  readonly step: number;
  /** Updates so far. */
  readonly updates: number;
  /** Updates of PRIME's reward model so far. */
  readonly rewardUpdates: number;
}

/**
 * Trains a policy by RL and writes the run's log. Everything random follows from the seed and the number of
 * the step, so that a run that was killed and resumed writes the same log, on the same adapter, as one that
 * was not.
 *
 * @returns The path of the finished log.
 * @throws {LabError} if a file cannot be read or written, another process writes the run, or a number that it
 * needs is NaN or Inf.
 * @throws {DeviceLostError} if the GPU was lost.
 *
 * Whatever is thrown, the last checkpoint stays and the log ends with the last whole step.
 */
export async function train(
  gpu: Gpu,
  settings: TrainSettings,
  options: TrainOptions,
): Promise<string> {
  const task = taskByName(settings.task);
  const run: RunDescription = {
    configuration: settings,
    seed: settings.seed,
    code_version: options.codeVersion,
    adapter: gpu.adapter,
  };
  const resumes = options.resume && await hasCheckpoint(options.checkpoint);
  const { config, parameters } = await readCheckpoint(options.base);
  for (const [name, { data }] of parameters) expectFinite(`${options.base}: ${name}`, data);
  const values = valuesOf(parameters);
  using policy = createPolicy(gpu, config, values);
  const isPrime = settings.algorithm === "prime";
  using reference = createPolicy(gpu, config, values);
  using rewardPolicy = isPrime ? createPolicy(gpu, config, values) : undefined;
  const judge = rewardPolicy === undefined
    ? undefined
    : rewardModel(rewardPolicy, reference, settings.rewardLearningRate);
  let state: TrainerState = { step: 0, updates: 0, rewardUpdates: 0 };
  const resumeAt = async () => {
    state = await loadPolicy(policy, options.checkpoint) as TrainerState;
    if (judge !== undefined) {
      await loadPolicy(judge.policy, rewardFolder(options.checkpoint, state.step));
      judge.updates = state.rewardUpdates;
      await removeOtherRewardModels(options.checkpoint, state.step);
    }
    return state.step + 1;
  };
  using log = await openRunLog(options.log, {
    run,
    ...(options.resume ? { resumeAt: resumes ? resumeAt : FIRST_STEP } : {}),
  });
  const seconds = (from: number, to: number) => (to - from) / 1000;
  const takeStep = async (step: number) => {
    const started = performance.now();
    const isValidation = (step - 1) % settings.validateEvery === 0;
    const accuracies = isValidation ? await validate(policy, task, settings.seed, step) : {};
    const validated = performance.now();
    const experience = await gatherExperience(policy, judge, task, settings, step);
    const gathered = performance.now();
    const { samples } = experience;
    const update = samples.length === 0
      ? { data: {}, updates: state.updates }
      : await updateFromSamples(
        { policy, reference },
        samples,
        settings,
        step,
        state.updates,
      );
    const data = { ...experience.data, ...update.data, ...accuracies } as StepData;
    for (const [key, value] of Object.entries(data)) expectFinite(key, [value]);
    await log.write(step, data);
    state = { step, updates: update.updates, rewardUpdates: judge?.updates ?? 0 };
    if (step % settings.checkpointEvery === 0 || step === settings.steps) {
      await saveRun(policy, judge?.policy, options.checkpoint, state);
    }
    const timing = {
      validation: seconds(started, validated),
      rollout: seconds(validated, gathered),
      update: seconds(gathered, performance.now()),
    };
    return { data, timing };
  };
  for (let step = state.step + 1; step <= settings.steps; step++) {
    const { data, timing } = await inStep(step, () => takeStep(step));
    options.onStep?.(step, data, timing);
  }
  return await log.finish();
}

/** Where the checkpoint of PRIME's reward model at a step lies. */
function rewardFolder(checkpoint: string, step: number): string {
  return `${checkpoint}${REWARD_MODEL}${step}`;
}

const REWARD_MODEL = ".reward-model-";

/** Writes the run's checkpoint. */
async function saveRun(
  policy: Policy,
  rewardPolicy: Policy | undefined,
  checkpoint: string,
  state: TrainerState,
): Promise<void> {
  // The policy's checkpoint, written last, says which of the reward model's belongs to it.
  if (rewardPolicy !== undefined) {
    const folder = rewardFolder(checkpoint, state.step);
    await savePolicy("reward model", rewardPolicy, folder, state.rewardUpdates, state);
  }
  await savePolicy("policy", policy, checkpoint, state.updates, state);
  if (rewardPolicy === undefined) return;
  await removeOtherRewardModels(checkpoint, state.step);
}

/** Removes the reward models of earlier checkpoints, and what a killed process left of one. */
async function removeOtherRewardModels(checkpoint: string, step: number): Promise<void> {
  const folder = dirname(checkpoint);
  const own = basename(rewardFolder(checkpoint, step));
  const start = basename(checkpoint) + REWARD_MODEL;
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (!name.startsWith(start) || name === own) continue;
      await Deno.remove(join(folder, name), { recursive: true });
    }
  } catch (error) {
    throw new LabError(`${folder} cannot be tidied: ${(error as Error).message}.`);
  }
}
