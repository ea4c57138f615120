import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import {
  exists,
  expectWritable,
  hasCheckpoint,
  removeCheckpoint,
  writeNewCheckpoint,
} from "./checkpoint.ts";
import { LabError } from "./errors.ts";
import { type Policy, policyState } from "./policy/parameters.ts";
import { loadPolicy, savePolicy } from "./policy/saved.ts";
import { type Pass, pretrain, type PretrainStep } from "./pretrain.ts";
import type { Task } from "./tasks/task.ts";

/** Where a base model is written, and whether one goes on. */
export interface BaseModelPlace {
  /** The folder of its checkpoint, where there must be nothing yet. */
  readonly folder: string;
  /** Go on with one that was stopped, or begin it. */
  readonly resume: boolean;
}

/** What is written while a base model is made, and whether one goes on. */
export interface BaseModelOptions extends BaseModelPlace {
  /** The model's name, `qwen2.5-7b`. */
  readonly model: string;
  /** Called after each update whose numbers were read. */
  readonly onStep: (pass: Pass, step: PretrainStep) => void;
}

/** Where the making of a base model was stopped. */
const PROGRESS = z.strictObject({
  /** What is made. */
  model: z.string(),
  task: z.string(),
  passes: z.array(z.strictObject({
    solve: z.enum(["teacher", "clean"]),
    settings: z.strictObject({
      steps: z.int().min(1),
      batch: z.int().min(1),
      learningRate: z.number().positive(),
      seed: z.int().min(0),
    }),
  })),
  /** The pass, from 0, and its last update; 0 before the first. */
  pass: z.int().min(0),
  step: z.int().min(0),
});

type Progress = z.infer<typeof PROGRESS>;

/** Updates between checkpoints. */
const SAVE_EVERY = 200;

/**
 * Throws unless a base model can be made: there is nothing at its place, nor one that was stopped unless that
 * goes on.
 *
 * @throws {LabError} saying what is there.
 */
export async function expectBaseModelPlace({ folder, resume }: BaseModelPlace): Promise<void> {
  if (await exists(folder)) {
    throw new LabError(
      `${folder} is there already, expected nothing at the place of a new base model; ` +
        "choose another --out DIR, and name the model made there to deno task train by --base.",
    );
  }
  const unfinished = unfinishedFolder(folder);
  if (!resume && await hasCheckpoint(unfinished)) {
    throw new LabError(
      `${unfinished} is there already; --resume goes on with it, and another --out begins anew.`,
    );
  }
  await expectWritable(unfinished);
}

function unfinishedFolder(folder: string): string {
  return `${folder}.unfinished`;
}

/**
 * Makes a base model of an untrained policy, pass after pass. One that was stopped and goes on is the same,
 * bit by bit, on the same adapter.
 *
 * @throws {LabError} if a gradient holds NaN or Inf, a file cannot be read or written or is not this model's,
 * or as {@linkcode expectBaseModelPlace}.
 */
export async function makeBaseModel(
  policy: Policy,
  task: Task,
  passes: readonly Pass[],
  options: BaseModelOptions,
): Promise<void> {
  const { folder, model, onStep } = options;
  await expectBaseModelPlace(options);
  const unfinished = unfinishedFolder(folder);
  const made = { model, task: task.name, passes: [...passes] };
  const save = async (pass: number, step: number) => {
    const progress: Progress = { ...made, pass, step };
    await savePolicy("policy", policy, unfinished, step, progress);
  };
  let begun = { pass: 0, step: 0 };
  if (await hasCheckpoint(unfinished)) {
    begun = await loadPolicy(policy, unfinished, PROGRESS, (progress) => {
      for (const name of ["model", "task", "passes"] as const) {
        if (isDeepStrictEqual(progress[name], made[name])) continue;
        const [before, now] = [progress, made].map((one) => JSON.stringify(one[name]));
        throw new LabError(`${unfinished} was begun with ${name} ${before}, expected ${now}.`);
      }
    });
  } else {
    // A place that cannot be written is told before the work.
    await save(0, 0);
  }
  for (const [number, pass] of passes.entries()) {
    if (number < begun.pass) continue;
    const after = number === begun.pass ? begun.step : 0;
    await pretrain(policy, task, pass, after, async (step) => {
      onStep(pass, step);
      if (step.step % SAVE_EVERY === 0) await save(number, step.step);
    });
  }
  const { parameters } = await policyState(policy);
  await writeNewCheckpoint(folder, { config: policy.config, task: task.name, parameters });
  await removeCheckpoint(unfinished);
}
