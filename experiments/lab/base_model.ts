import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import {
  exists,
  expectWritable,
  hasCheckpoint,
  removeCheckpoint,
  writeNewCheckpoint,
} from "./checkpoint.ts";
import { BusyError, LabError } from "./errors.ts";
import { type Policy, policyState } from "./policy/parameters.ts";
import { loadPolicy, savePolicy } from "./policy/saved.ts";
import { type Pass, pretrain, type PretrainStep, SOLVERS } from "./pretrain.ts";
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
    solve: z.enum(SOLVERS),
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
 * Throws unless a base model can be made: no other process makes it, there is nothing at its place, nor one
 * that was stopped unless that goes on.
 *
 * @throws {LabError} saying what is there.
 */
export async function expectBaseModelPlace(place: BaseModelPlace): Promise<void> {
  (await lock(place.folder, false))?.close();
  await expectPlace(place);
}

async function expectPlace({ folder, resume }: BaseModelPlace): Promise<void> {
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

function lockFile(folder: string): string {
  return `${unfinishedFolder(folder)}.lock`;
}

/**
 * Keeps other processes from making the same base model, until the file is closed. The checkpoint's own files
 * are replaced meanwhile, so the lock has a file of its own, which is empty.
 *
 * @param create Whether to make the file where it is missing.
 * @returns undefined if it is missing.
 * @throws {LabError} if another process has the lock, the file is no lock, or cannot be opened.
 */
async function lock(folder: string, create: boolean): Promise<Deno.FsFile | undefined> {
  const path = lockFile(folder);
  const before = await Deno.lstat(path).catch(() => undefined);
  if (before !== undefined && !(before.isFile && before.size === 0)) {
    throw new LabError(`${path} is there and is no lock, an empty file; move it away.`);
  }
  if (before === undefined && !create) return undefined;
  let file: Deno.FsFile | undefined;
  try {
    if (create) await Deno.mkdir(dirname(path), { recursive: true });
    file = await Deno.open(path, { read: true, append: true, create });
    // The system drops the lock with the process, however that ends.
    const isOurs = await file.tryLock(true) &&
      // Whoever had it may have removed the file since it was opened.
      (await file.stat()).ino === (await Deno.lstat(path).catch(() => undefined))?.ino;
    if (isOurs) return file;
  } catch (error) {
    file?.close();
    throw new LabError(`${path} cannot be written: ${(error as Error).message}.`);
  }
  file.close();
  throw new BusyError(`${unfinishedFolder(folder)} is being made by another process.`);
}

/**
 * Makes a base model of an untrained policy, pass after pass. One that was stopped and goes on is the same,
 * bit by bit, on the same adapter.
 *
 * @throws {LabError} if a gradient holds NaN or Inf, a file cannot be read or written or is not this model's, another
 * process makes it, or as {@linkcode expectBaseModelPlace}.
 */
export async function makeBaseModel(
  policy: Policy,
  task: Task,
  passes: readonly Pass[],
  options: BaseModelOptions,
): Promise<void> {
  const { folder } = options;
  await expectBaseModelPlace(options);
  const held = await lock(folder, true);
  try {
    // Another process may have made it meanwhile.
    await expectPlace(options);
    await makeAlone(policy, task, passes, options);
  } finally {
    // Windows removes no file that is open.
    if (Deno.build.os === "windows") held?.close();
    await Deno.remove(lockFile(folder)).catch(() => {});
    if (Deno.build.os !== "windows") held?.close();
  }
}

async function makeAlone(
  policy: Policy,
  task: Task,
  passes: readonly Pass[],
  { folder, model, onStep }: BaseModelOptions,
): Promise<void> {
  const unfinished = unfinishedFolder(folder);
  const made = { model, task: task.name, passes: [...passes] };
  const save = async (pass: number, step: number) => {
    const trainer: Progress = { ...made, pass, step };
    await savePolicy(policy, unfinished, { name: "policy", updates: step, trainer });
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
    await pretrain(policy, task, pass, {
      after,
      async onStep(step) {
        onStep(pass, step);
        if (step.step % SAVE_EVERY === 0) await save(number, step.step);
      },
    });
  }
  const { parameters } = await policyState(policy);
  await writeNewCheckpoint(folder, { config: policy.config, task: task.name, parameters });
  await removeCheckpoint(unfinished);
}
