import { gatherExperience } from "../../experiments/lab/experience.ts";
import type { ModelConfig } from "../../experiments/lab/families.ts";
import { untrainedPolicy } from "../../experiments/lab/pretrain.ts";
import { trainSettings } from "../../experiments/lab/train_settings.ts";
import { taskByName } from "../../experiments/lab/tasks/task_by_name.ts";
import type { Task } from "../../experiments/lab/tasks/task.ts";
import { updateFromSamples } from "../../experiments/lab/training_step.ts";
import type { Gpu } from "../../kernels/runtime/gpu.ts";
import { forwardOperations, TRAINING_PASSES } from "./operations.ts";

/** How large a step is. */
export interface StepSize {
  /** Problems of the rollout. */
  readonly prompts: number;
  /** Responses to each. */
  readonly group: number;
  /** Updates. */
  readonly minibatches: number;
  /** Tokens of every response. */
  readonly responseTokens: number;
}

/** What takes the time of a step: work on the GPU by its timestamps, and work on the CPU by the clock. */
export const PHASES = [
  "rollout",
  "verification and advantages",
  "covariance",
  "forward",
  "policy loss",
  "backward",
  "optimizer",
] as const;

/** The phase that is not on the GPU. */
const ON_CPU = "verification and advantages";

/** One part of a step. */
export interface PartTimes {
  /** By the clock. */
  readonly seconds: number;
  /** Tokens that the policy wrote (rollout) or read (training; prompts are read too). */
  readonly tokens: number;
  /** Floating-point operations, see {@linkcode forwardOperations}. */
  readonly operations: number;
}

/** How long a step took. */
export interface StepTimes {
  /** By the clock, from drawing the problems to the numbers that are logged. */
  readonly seconds: number;
  /** Until all responses are on the CPU. */
  readonly rollout: PartTimes;
  /** All updates. */
  readonly training: PartTimes;
  /** Seconds of each phase; null where the device has no timestamps. */
  readonly phases: Readonly<Record<string, number>> | null;
}

/** Runs a step without measuring it: programs are compiled, memory is taken. */
const WARM_UP = 1;

/**
 * Times GRPO steps of the lab as `deno task train` makes them, on the math task, from an untrained policy
 * whose responses never end: all are as long as can be, which is the most that a step can cost. No group is
 * filtered out, and no step takes the reference KL, which most steps do not.
 *
 * @param count How many steps to time.
 * @returns The times of the step that took the median time.
 */
export async function timeSteps(
  gpu: Gpu,
  config: ModelConfig,
  size: StepSize,
  count: number,
): Promise<StepTimes> {
  const { prompts, group, minibatches } = size;
  const settings = trainSettings({
    prompts,
    group,
    minibatches,
    filterGroups: false,
    referenceKlEvery: 0,
  });
  const task = endlessTask(taskByName("math"), size.responseTokens);
  const profile = gpu.startProfile();
  using policy = untrainedPolicy(gpu, config, 1);
  const steps: StepTimes[] = [];
  let updates = 0;
  await profile?.take();
  for (let step = 1; step <= WARM_UP + count; step++) {
    let written: number | undefined;
    const observed: Task = {
      ...task,
      // The first response is verified as soon as all of them are there.
      verify(problem, response) {
        written ??= performance.now();
        return task.verify(problem, response);
      },
    };
    const begun = performance.now();
    const { samples } = await gatherExperience(policy, observed, settings, { step });
    const gathered = performance.now();
    const trained = await updateFromSamples({ policy }, samples, settings, {
      step,
      updates,
    });
    const ended = performance.now();
    updates = trained.updates;
    const times = await profile?.take();
    if (step <= WARM_UP) continue;
    const sum = (of: (sample: typeof samples[number]) => number) =>
      samples.reduce((sum, sample) => sum + of(sample), 0);
    const operations = sum(({ prompt, response }) =>
      forwardOperations(config, prompt.length, response.length)
    );
    const seconds = (from: number, to: number) => (to - from) / 1000;
    steps.push({
      seconds: seconds(begun, ended),
      rollout: {
        seconds: seconds(begun, written!),
        tokens: sum(({ response }) => response.length),
        operations,
      },
      training: {
        seconds: seconds(gathered, ended),
        tokens: sum(({ prompt, response }) => prompt.length + response.length - 1),
        operations: TRAINING_PASSES * operations,
      },
      phases: times === undefined ? null : Object.fromEntries(
        PHASES.map((phase) => [
          phase,
          phase === ON_CPU ? seconds(written!, gathered) : (times.get(phase) ?? 0) / 1000,
        ]),
      ),
    });
  }
  return steps.toSorted((left, right) => left.seconds - right.seconds)[steps.length >> 1]!;
}

/** Seconds of a step in which the GPU worked; null where it has no timestamps. */
export function gpuSeconds({ phases }: StepTimes): number | null {
  if (phases === null) return null;
  return PHASES.reduce((sum, phase) => phase === ON_CPU ? sum : sum + phases[phase]!, 0);
}

/** No token of any vocabulary. */
const NO_TOKEN = 0xffffffff;

/** A task whose responses no token ends. */
function endlessTask(task: Task, maxResponseTokens: number): Task {
  return { ...task, maxResponseTokens, tokenizer: { ...task.tokenizer, end: NO_TOKEN } };
}
