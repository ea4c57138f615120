import { hasCheckpoint, removeCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { LabError } from "./errors.ts";
import { type Policy, policyState } from "./policy/parameters.ts";
import { loadPolicy, savePolicy } from "./policy/saved.ts";
import { type Pass, pretrain, type PretrainStep } from "./pretrain.ts";
import type { Task } from "./tasks/task.ts";

/** What is written while a base model is made, and whether one goes on. */
export interface BaseModelOptions {
  /** The folder of its checkpoint. */
  readonly folder: string;
  /** Go on with one that was stopped, or begin it. */
  readonly resume: boolean;
  /** Called after each update whose numbers were read. */
  readonly onStep: (pass: Pass, step: PretrainStep) => void;
}

/** Where the making of a base model was stopped. */
interface Progress {
  readonly passes: readonly Pass[];
  /** The pass, from 0, and its last update. */
  readonly pass: number;
  readonly step: number;
}

/** Updates between checkpoints. */
const SAVE_EVERY = 200;

/**
 * Makes a base model of an untrained policy, pass after pass. One that was stopped and goes on is the same,
 * bit by bit, on the same adapter.
 *
 * @throws {LabError} if a gradient holds NaN or Inf, a file cannot be read or written, or what was stopped had
 * other passes.
 */
export async function makeBaseModel(
  policy: Policy,
  task: Task,
  passes: readonly Pass[],
  { folder, resume, onStep }: BaseModelOptions,
): Promise<void> {
  const unfinished = `${folder}.unfinished`;
  let begun: Progress = { passes, pass: 0, step: 0 };
  if (resume && await hasCheckpoint(unfinished)) {
    begun = await loadPolicy(policy, unfinished) as Progress;
    if (JSON.stringify(begun.passes) !== JSON.stringify(passes)) {
      throw new LabError(
        `${unfinished} was begun with ${JSON.stringify(begun.passes)}, expected ${
          JSON.stringify(passes)
        }.`,
      );
    }
  }
  for (const [number, pass] of passes.entries()) {
    if (number < begun.pass) continue;
    const after = number === begun.pass ? begun.step : 0;
    await pretrain(policy, task, pass, after, async (step) => {
      onStep(pass, step);
      if (step.step % SAVE_EVERY !== 0) return;
      const progress: Progress = { passes, pass: number, step: step.step };
      await savePolicy("policy", policy, unfinished, step.step, progress);
    });
  }
  const { parameters } = await policyState(policy);
  await writeCheckpoint(folder, { config: policy.config, parameters });
  await removeCheckpoint(unfinished);
}
