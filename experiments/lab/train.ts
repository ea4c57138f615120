import { basename, dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { Gpu } from "../../kernels/mod.ts";
import {
  expectWritable,
  hasCheckpoint,
  PREVIOUS,
  readCheckpoint,
  removeCheckpoint,
  WRITING,
} from "./checkpoint.ts";
import { modelDigest } from "./digest.ts";
import { inStep, LabError } from "./errors.ts";
import { gatherExperience } from "./experience.ts";
import { expectFinite } from "./finite.ts";
import { createPolicy, type Policy, valuesOf } from "./policy/parameters.ts";
import { expectRoom } from "./policy/room.ts";
import { loadPolicy, savePolicy } from "./policy/saved.ts";
import { rewardModel } from "./reward_model.ts";
import {
  BEGIN_ANOTHER,
  expectSameRun,
  inspectRunLog,
  openRunLog,
  type RunDescription,
  type RunIdentity,
} from "./run_log.ts";
import { shown } from "./schema.ts";
import { baseModelName, runId, type TrainSettings } from "./settings.ts";
import type { StepData } from "./step_data.ts";
import { taskByName } from "./tasks/by_name.ts";
import { updateFromSamples } from "./training_step.ts";
import { validate } from "./validation.ts";
import { expectBase } from "./base_fits.ts";

/** What a run writes, and whether it goes on. */
export interface RunPlace {
  /** The run's log, `….jsonl`. */
  readonly log: string;
  /** The folder of the run's own checkpoint. */
  readonly checkpoint: string;
  /** Go on with the run from its checkpoint, or begin it where there is neither checkpoint nor log. */
  readonly resume: boolean;
}

/** Where a run begins and what it writes. */
export interface TrainOptions extends RunPlace {
  /** The checkpoint of the base model. */
  readonly base: string;
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

const count = z.int().min(0);

/** How far a run is. */
const PROGRESS = {
  /** Rollouts so far. */
  step: count,
  /** Updates so far. */
  updates: count,
  /** Updates of PRIME's reward model so far. */
  rewardUpdates: count,
};

/** What a checkpoint knows of its run. */
const SAVED = z.strictObject({
  /** Whose parameters it holds. */
  part: z.enum(["policy", "reward model"]),
  run: z.strictObject({
    id: z.string(),
    configuration: z.record(z.string(), z.unknown()),
    seed: count,
    base: z.strictObject({ model: z.string(), sha256: z.string() }),
  }),
  ...PROGRESS,
});

type Saved = z.infer<typeof SAVED>;
type TrainerState = Pick<Saved, keyof typeof PROGRESS>;

/**
 * Throws unless a run can be begun, or gone on with, without touching what is not this run's: a log is never
 * written to without its checkpoint, and the other way round. Nothing is changed.
 *
 * @throws {LabError} saying what is there, and what can be done without losing it.
 */
export async function expectRunPlace({ log, checkpoint, resume }: RunPlace): Promise<void> {
  const state = await inspectRunLog(log);
  if (!await hasCheckpoint(checkpoint)) {
    if (state === "begun") {
      throw new LabError(
        `${log} is there already, and has no checkpoint to go on from: it is left as it is, ` +
          `${BEGIN_ANOTHER}.`,
      );
    }
    const own = basename(rewardFolder(checkpoint, 0));
    const left = (await rewardModels(checkpoint)).find((name) => name !== own);
    if (left !== undefined) throw isThere(join(dirname(checkpoint), left), "");
  } else if (!resume) {
    const what = state === "begun" ? log : checkpoint;
    throw isThere(what, "--resume goes on with it, ");
  } else if (state === "missing") {
    throw new LabError(
      `there is no log ${log}, expected that of the checkpoint ${checkpoint}; ${BEGIN_ANOTHER}.`,
    );
  }
  await expectWritable(checkpoint);
}

function isThere(path: string, hint: string): LabError {
  return new LabError(
    `${path} is there already, expected nothing at the place of a new run; ${hint}${BEGIN_ANOTHER}.`,
  );
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
  await expectRunPlace(options);
  const task = taskByName(settings.task);
  // Before what may be a real model's gigabytes are read.
  await expectBase(options.base, settings.model, task);
  const { config, parameters } = await readCheckpoint(options.base);
  expectRoom(gpu, config, task, settings);
  for (const [name, { data }] of parameters) expectFinite(`${options.base}: ${name}`, data);
  const { seed } = settings;
  const identity: RunIdentity = {
    configuration: settings,
    seed,
    base: {
      model: baseModelName(settings.model, settings.instruct),
      sha256: modelDigest(config, parameters),
    },
  };
  const run: RunDescription = {
    ...identity,
    code_version: options.codeVersion,
    adapter: gpu.adapter,
  };
  const values = valuesOf(parameters);
  using policy = createPolicy(gpu, config, values);
  const isPrime = settings.algorithm === "prime";
  using reference = createPolicy(gpu, config, values);
  using rewardPolicy = isPrime ? createPolicy(gpu, config, values) : undefined;
  const judge = rewardPolicy === undefined
    ? undefined
    : rewardModel(rewardPolicy, reference, settings.rewardLearningRate);
  const { checkpoint } = options;
  const named = { id: runId(settings), ...identity };
  let state: TrainerState = { step: 0, updates: 0, rewardUpdates: 0 };
  const save = () => saveRun(policy, judge?.policy, checkpoint, { run: named, ...state });
  const begin = async () => {
    // Another process may have begun the run meanwhile.
    if (await hasCheckpoint(checkpoint)) throw isThere(checkpoint, "");
    await save();
  };
  const resumeAt = async () => {
    state = await loadPart("policy", policy, checkpoint, named);
    if (judge !== undefined) {
      const folder = rewardFolder(checkpoint, state.step);
      const rewardState = await loadPart("reward model", judge.policy, folder, named);
      if (!isDeepStrictEqual(rewardState, state)) {
        throw new LabError(
          `${folder} is of ${describe(rewardState)}, expected ${
            describe(state)
          } as in ${checkpoint}.`,
        );
      }
      judge.updates = state.rewardUpdates;
    }
    return state.step + 1;
  };
  const resumes = options.resume && await hasCheckpoint(checkpoint);
  using log = await openRunLog(options.log, {
    run,
    lastStep: settings.steps,
    ...(resumes ? { resumeAt } : { begin }),
  });
  if (resumes && isPrime) await removeOtherRewardModels(checkpoint, state.step);
  const seconds = (from: number, to: number) => (to - from) / 1000;
  const takeStep = async (step: number) => {
    const started = performance.now();
    const { validateAllEvery } = settings;
    const all = validateAllEvery > 0 && (step - 1) % validateAllEvery === 0;
    const accuracies = all || (step - 1) % settings.validateEvery === 0
      ? await validate(policy, task, { seed, step, samples: settings.validationSamples, all })
      : {};
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
      await save();
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

/** Puts back a part of a run. */
async function loadPart(
  part: Saved["part"],
  policy: Policy,
  folder: string,
  run: RunIdentity & { readonly id: string },
): Promise<TrainerState> {
  const { step, updates, rewardUpdates } = await loadPolicy(policy, folder, SAVED, (saved) => {
    expectSameRun(folder, saved.run, run);
    if (saved.run.id !== run.id) {
      throw new LabError(`${folder} is of the run ${shown(saved.run.id)}, expected ${run.id}.`);
    }
    if (saved.part === part) return;
    throw new LabError(`${folder} holds the run's ${saved.part}, expected its ${part}.`);
  });
  return { step, updates, rewardUpdates };
}

function describe({ step, updates, rewardUpdates }: TrainerState): string {
  return `step ${step} with ${updates} updates and ${rewardUpdates} of the reward model`;
}

/** Where the checkpoint of PRIME's reward model at a step lies. */
function rewardFolder(checkpoint: string, step: number): string {
  return `${checkpoint}${REWARD_MODEL}${step}`;
}

const REWARD_MODEL = ".reward-model-";

/** The names of the folders of a run's reward models, without what is left of writing one. */
async function rewardModels(checkpoint: string): Promise<string[]> {
  const folder = dirname(checkpoint);
  const start = basename(checkpoint) + REWARD_MODEL;
  const names = new Set<string>();
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (!name.startsWith(start)) continue;
      const [, step] = name.slice(start.length).match(ENDING) ?? [];
      if (step !== undefined) names.add(start + step);
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return [];
    }
    throw new LabError(`${folder} cannot be read: ${(error as Error).message}.`);
  }
  return [...names];
}

const ENDING = new RegExp(`^(0|[1-9]\\d*)(?:\\${WRITING}|\\${PREVIOUS})?$`);

/** Writes the run's checkpoint. */
async function saveRun(
  policy: Policy,
  rewardPolicy: Policy | undefined,
  checkpoint: string,
  state: Omit<Saved, "part">,
): Promise<void> {
  // The policy's checkpoint, written last, says which of the reward model's belongs to it.
  if (rewardPolicy !== undefined) {
    const folder = rewardFolder(checkpoint, state.step);
    const part = { part: "reward model", ...state };
    await savePolicy("reward model", rewardPolicy, folder, state.rewardUpdates, part);
  }
  await savePolicy("policy", policy, checkpoint, state.updates, { part: "policy", ...state });
  if (rewardPolicy !== undefined) await removeOtherRewardModels(checkpoint, state.step);
}

/** Removes the reward models of earlier checkpoints, and what a killed process left of one. */
async function removeOtherRewardModels(checkpoint: string, step: number): Promise<void> {
  const own = basename(rewardFolder(checkpoint, step));
  for (const name of await rewardModels(checkpoint)) {
    if (name !== own) await removeCheckpoint(join(dirname(checkpoint), name));
  }
}
