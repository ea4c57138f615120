import { type Gpu, readGradientNorm } from "../../kernels/mod.ts";
import { inStep } from "./errors.ts";
import type { ModelConfig } from "./families.ts";
import { initialParameters } from "./initial_parameters.ts";
import { createPolicy, type Policy } from "./policy/parameters.ts";
import { atResponses, predictionBatch, type Sequence } from "./policy/sequences.ts";
import { checkNorm, predict, type StepSettings, update } from "./policy/update.ts";
import type { TaskName } from "./tasks/task_by_name.ts";
import { seededRandom } from "./tasks/random.ts";
import type { Task } from "./tasks/task.ts";

/** How a base model is made. */
export interface PretrainSettings {
  /** Updates. */
  readonly steps: number;
  /** Solutions of an update. */
  readonly batch: number;
  /** The largest learning rate; it rises over the first twentieth and falls as a cosine to a tenth. */
  readonly learningRate: number;
  /** Of initial parameters and corpus. */
  readonly seed: number;
}

/** The settings that made the base models in this repository. */
export const PRETRAINING: Readonly<Record<TaskName, PretrainSettings>> = {
  math: { steps: 2500, batch: 128, learningRate: 3e-3, seed: 1 },
  code: { steps: 2500, batch: 128, learningRate: 3e-3, seed: 1 },
};

/** The pass on clean solutions that makes an instruct variant of a base model. */
export const INSTRUCTION: PretrainSettings = {
  steps: 60,
  batch: 128,
  learningRate: 3e-4,
  seed: 2,
};

/** Who writes the solutions of a corpus: the fallible teacher, or one who makes no mistakes. */
export const SOLVERS = ["teacher", "clean"] as const;

/** A pass over a corpus. */
export interface Pass {
  /** Who writes the solutions. */
  readonly solve: typeof SOLVERS[number];
  /** How the policy learns from them. */
  readonly settings: PretrainSettings;
}

/** The passes that make this repository's base model for a task, or its instruct variant. */
export function passesOf(
  task: TaskName,
  { instruct, steps = PRETRAINING[task].steps }: { instruct: boolean; steps?: number },
): Pass[] {
  return [
    { solve: "teacher", settings: { ...PRETRAINING[task], steps } },
    ...(instruct ? [{ solve: "clean", settings: INSTRUCTION } as const] : []),
  ];
}

/** One update of pretraining. */
export interface PretrainStep {
  /** Its number, from 1. */
  readonly step: number;
  /** Mean loss of the predicted tokens, in nats. */
  readonly loss: number;
  /** Mean entropy of the predictions, in nats. */
  readonly entropy: number;
  /** The norm of the gradient before clipping. */
  readonly gradientNorm: number;
}

const OPTIMIZER = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.01, maxGradientNorm: 1 };
const WARM_UP_SHARE = 0.05;
const LAST_SHARE = 0.1;

/** Where a pass begins, and who hears of it. */
export interface PretrainOptions {
  /** The update that was made last, where the policy is one that goes on; 0 for a new one. */
  readonly after: number;
  /** Awaited after each update whose numbers were read, which is every twentieth and the last. */
  readonly onStep: (step: PretrainStep) => Promise<void>;
}

/** A policy that was never trained, its parameters drawn by {@linkcode initialParameters}. */
export function untrainedPolicy(gpu: Gpu, config: ModelConfig, seed: number): Policy {
  return createPolicy(gpu, config, initialParameters(config, seed));
}

/**
 * Trains a policy on solutions to a task's corpus by next-token prediction of the responses.
 *
 * @throws {LabError} if the gradient holds NaN or Inf.
 */
export async function pretrain(
  policy: Policy,
  task: Task,
  { solve, settings }: Pass,
  { after, onStep }: PretrainOptions,
): Promise<void> {
  const { gpu, config } = policy;
  const random = seededRandom(settings.seed);
  using norm = gpu.empty([2]);
  for (let step = 1; step <= settings.steps; step++) {
    const sequences = Array.from({ length: settings.batch }, (): Sequence => {
      const problem = task.pretraining(random);
      const text = solve === "teacher" ? task.teacher(problem, random) : task.clean(problem);
      return {
        prompt: task.tokenizer.encode(problem.prompt),
        response: task.tokenizer.encode(text),
      };
    });
    // The corpus is drawn from its beginning, so that the rest is what it would have been.
    if (step <= after) continue;
    using batch = predictionBatch(gpu, config, sequences);
    const mask = atResponses(sequences, batch.responseColumns, () => 1);
    const tokens = mask.reduce((sum, value) => sum + value, 0);
    using gradLogProb = gpu.tensor(mask.map((value) => -value / tokens), batch.mask.shape);
    const optimizer: StepSettings = { ...OPTIMIZER, learningRate: learningRateAt(step, settings) };
    const gradients = { gradLogProb };
    const recorder = gpu.record("pretraining");
    const prediction = predict(recorder, policy, batch);
    using _statistics = prediction.statistics;
    update(recorder, policy, { batch, prediction, gradients, settings: optimizer, step, norm });
    if (step % READ_EVERY !== 0 && step < settings.steps) {
      recorder.submit();
      continue;
    }
    const { logProb: logProbs, entropy: entropies } = prediction;
    const [logProb, entropy, words] = await recorder.read(logProbs, entropies, norm);
    const { norm: gradientNorm } = readGradientNorm(words);
    await inStep(step, () => checkNorm(policy, "the policy", gradientNorm));
    const mean = (values: ArrayLike<number>) =>
      mask.reduce((sum, weight, i) => sum + weight * values[i]!, 0) / tokens;
    await onStep({
      step,
      loss: -mean(logProb),
      entropy: mean(entropy),
      gradientNorm,
    });
  }
}

/** Reading back costs more than ten milliseconds, and updates can be queued. */
const READ_EVERY = 20;

function learningRateAt(step: number, { steps, learningRate }: PretrainSettings): number {
  const warmUp = Math.max(1, Math.round(WARM_UP_SHARE * steps));
  if (step < warmUp) return learningRate * step / warmUp;
  const progress = (step - warmUp) / Math.max(1, steps - warmUp);
  const cosine = (1 + Math.cos(Math.PI * progress)) / 2;
  return learningRate * (LAST_SHARE + (1 - LAST_SHARE) * cosine);
}
