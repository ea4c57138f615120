/**
 * RL with verifiable rewards as the paper runs it, from a base model to a raw log. Equations are the paper's.
 *
 *     π, π_ref ← base model
 *     for each step:
 *       validate    R ← accuracy of π on the benchmarks, every few steps         validation.ts
 *       rollout     problems x, and for each a group of responses y ~ π(·|x)     experience.ts
 *                   H ← mean entropy of π before their tokens (Eq. 5)
 *       reward      r ← 1 if a program finds y right, else 0
 *                   groups that are all right or all wrong are left out
 *       advantage   A ← (r − mean r) / std r over the group (GRPO, Eq. 3)        advantages/
 *       covariance  C ← (ln π − mean ln π)·(A − mean A) of each token (Eq. 10)   rollout_covariance.ts
 *                   for the log; the paper selects by it, once for the rollout
 *       π_old ← π
 *       for each minibatch:                                                      training_step.ts
 *         select    tokens by C, taken again of the minibatch as the authors' code does:
 *                   at random between two bounds (Clip-Cov, Eq. 11), or the highest (KL-Cov, Eq. 13)
 *         loss      PPO's clipped objective in π / π_old and A; what is selected is
 *                   left out (Clip-Cov, Eq. 12), or has β·KL(π_old, π) added (KL-Cov, Eq. 14)
 *         update    π ← AdamW(π, gradient of the loss)                           policy/update.ts
 *       log         R, H, C, and what else step_data.ts names                    run/run_log.ts
 *
 * @module
 */
import type { Gpu } from "../../kernels/mod.ts";
import { inStep } from "./errors.ts";
import { gatherExperience } from "./experience.ts";
import { expectFinite } from "./finite.ts";
import { askMisconceptions, type MisconceptionKey } from "./misconceptions.ts";
import type { Policy } from "./policy/parameters.ts";
import { openRun, type Run, type RunOptions } from "./run/open_run.ts";
import type { TrainSettings } from "./train_settings.ts";
import type { StepData } from "./step_data.ts";
import { taskByName } from "./tasks/task_by_name.ts";
import type { Task } from "./tasks/task.ts";
import { updateFromSamples } from "./training_step.ts";
import { validate, type ValidationKey } from "./validation.ts";

/** Where a run begins, what it writes, and who hears of its steps. */
export interface TrainOptions extends RunOptions {
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

/**
 * Trains a policy by RL and writes the run's log. Everything random follows from the seed and the number of
 * the step, so that a run that was killed and resumed writes the same log, on the same adapter, as one that
 * was not.
 *
 * @returns The path of the finished log.
 * @throws {LabError} if a file cannot be read or written, the checkpoint is not of this run or not what it
 * wrote, another process writes the run, or a number that it needs is NaN or Inf.
 * @throws {DeviceLostError} if the GPU was lost.
 */
export async function train(
  gpu: Gpu,
  settings: TrainSettings,
  options: TrainOptions,
): Promise<string> {
  const task = taskByName(settings.task);
  using run = await openRun(gpu, task, settings, options);
  for (let step = run.state.step + 1; step <= settings.steps; step++) {
    const { data, timing } = await inStep(step, () => takeStep(run, task, settings, step));
    options.onStep?.(step, data, timing);
  }
  return await run.log.finish();
}

/** One step: all that it logs is of the policy before its updates, or of the updates. */
async function takeStep(
  run: Run,
  task: Task,
  settings: TrainSettings,
  step: number,
): Promise<{ data: StepData; timing: StepTiming }> {
  // With `algorithm: prime`, a reward model learns along.
  const { policy, rewardModel } = run;
  const begun = performance.now();
  const accuracies = await validateIfDue(policy, task, settings, step);
  const validated = performance.now();

  // Rollout, reward, advantage.
  const experience = await gatherExperience(policy, task, settings, { step, rewardModel });
  const gathered = performance.now();

  // Loss and update, minibatch by minibatch.
  const place = { step, updates: run.state.updates };
  const update = await updateFromSamples(run, experience.samples, settings, place);

  // Log.
  const data = { ...experience.data, ...update.data, ...accuracies } as StepData;
  for (const [key, value] of Object.entries(data)) expectFinite(key, [value]);
  await run.log.write(step, data);
  run.state = { step, updates: update.updates };
  if (step % settings.checkpointEvery === 0 || step === settings.steps) await run.save();
  const timing = {
    validation: (validated - begun) / 1000,
    rollout: (gathered - validated) / 1000,
    update: (performance.now() - gathered) / 1000,
  };
  return { data, timing };
}

/**
 * Accuracies before a step's update, in the steps that measure them, and what the policy makes of misconceptions
 * where all are measured; the first is of the base model.
 */
async function validateIfDue(
  policy: Policy,
  task: Task,
  settings: TrainSettings,
  step: number,
): Promise<Partial<Record<ValidationKey | MisconceptionKey, number>>> {
  const { validateEvery, validateAllEvery, validationSamples: samples, seed } = settings;
  const all = validateAllEvery > 0 && (step - 1) % validateAllEvery === 0;
  if (!all && (step - 1) % validateEvery !== 0) return {};
  const accuracies = await validate(policy, task, { seed, step, samples, all });
  if (!all) return accuracies;
  return { ...accuracies, ...await askMisconceptions(policy, task) };
}
