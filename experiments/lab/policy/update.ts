import {
  adamw,
  type AdamWSettings,
  emptyTokenStatistics,
  fusedTokenStatistics,
  fusedTokenStatisticsBackward,
  gradientNorm,
  type Recorder,
  type Tensor,
  type TokenStatistics,
} from "../../../kernels/mod.ts";
import { expectFinite } from "../finite.ts";
import { backward } from "./backward.ts";
import { type Activations, forward, recycleActivations } from "./forward.ts";
import { clearGradients, outputEmbedding, type Policy } from "./parameters.ts";
import { ofPredictors, ofResponses, type PredictionBatch } from "./sequences.ts";

/** A forward pass up to the statistics of the response tokens. */
export interface Prediction {
  /** For the backward. */
  readonly activations: Activations;
  /** Of the M tokens that predict a response token, for the backward; not a temporary: whoever predicts disposes of it. */
  readonly statistics: TokenStatistics;
  /** Log-probability of each response token, [B, R] in f32; 0 for padding; a temporary. */
  readonly logProb: Tensor<"f32">;
  /** Entropy of the distribution before it, [B, R] in f32; 0 for padding; a temporary. */
  readonly entropy: Tensor<"f32">;
}

/**
 * Records the forward pass and the statistics of the response tokens.
 *
 * @param temperature Divides the logits; 1 by default.
 */
export function predict(
  recorder: Recorder,
  policy: Policy,
  batch: PredictionBatch,
  temperature = 1,
): Prediction {
  return recorder.scope("forward", () => {
    const activations = forward(recorder, policy, batch);
    const statistics = emptyTokenStatistics(policy.gpu, batch.targets.size);
    fusedTokenStatistics(recorder, {
      hidden: activations.hidden,
      weight: outputEmbedding(policy).value,
      targets: batch.targets,
      temperature,
      out: statistics,
    });
    return {
      activations,
      statistics,
      logProb: ofResponses(recorder, batch, statistics.logProb),
      entropy: ofResponses(recorder, batch, statistics.entropy),
    };
  });
}

/** What is known of the response tokens where no backward follows; to be read with this recorder. */
export interface ResponsePrediction extends Pick<Prediction, "logProb" | "entropy"> {
  /** Which rows of logits are invalid: `TokenStatistics.invalid`. */
  readonly invalid: Tensor<"u32">;
}

/** Records {@linkcode predict} for a pass that no backward follows, and gives back the memory that one would need. */
export function predictOnly(
  recorder: Recorder,
  policy: Policy,
  batch: PredictionBatch,
  temperature = 1,
): ResponsePrediction {
  const { activations, statistics, logProb, entropy } = predict(
    recorder,
    policy,
    batch,
    temperature,
  );
  recycleActivations(recorder, activations);
  // The recorder holds what it reads until it is submitted.
  statistics[Symbol.dispose]();
  return { logProb, entropy, invalid: statistics.invalid };
}

/** What a loss gives back of the response tokens, [B, R] in f32 each. */
export interface TokenGradients {
  /** Gradient with respect to the log-probabilities. */
  readonly gradLogProb: Tensor;
  /** Gradient with respect to the entropies; zero by default. */
  readonly gradEntropy?: Tensor;
}

/** How a step is made of gradients. */
export interface StepSettings extends AdamWSettings {
  /** The gradient is clipped to this norm. */
  readonly maxGradientNorm: number;
}

/** What {@linkcode update} takes. */
export interface UpdateOptions {
  /** The sequences. */
  readonly batch: PredictionBatch;
  /** What {@linkcode predict} gave for them; its activations are recycled. */
  readonly prediction: Prediction;
  /** What the loss gave back for the prediction. */
  readonly gradients: TokenGradients;
  /** How the step is made. */
  readonly settings: StepSettings;
  /** The number of this update, 1 for the first. */
  readonly step: number;
  /** Written: the gradient's norm and the scale that clips it, [2] in f32, which `readGradientNorm` names. */
  readonly norm: Tensor;
  /** That of the prediction; 1 by default. */
  readonly temperature?: number;
}

/** Records the backward pass of a prediction and a step of AdamW. */
export function update(recorder: Recorder, policy: Policy, options: UpdateOptions): void {
  const { batch, prediction: { activations, statistics }, step, norm, temperature = 1 } = options;
  const { gradLogProb, gradEntropy } = options.gradients;
  const { maxGradientNorm, ...settings } = options.settings;
  recorder.scope("backward", () => {
    clearGradients(recorder, policy);
    const { value, gradient } = outputEmbedding(policy);
    const gradHidden = recorder.temporary(activations.hidden.shape);
    fusedTokenStatisticsBackward(recorder, {
      hidden: activations.hidden,
      weight: value,
      targets: batch.targets,
      statistics,
      temperature,
      gradLogProb: ofPredictors(recorder, batch, gradLogProb),
      ...(gradEntropy === undefined
        ? {}
        : { gradEntropy: ofPredictors(recorder, batch, gradEntropy) }),
      accumulate: true,
      out: { gradHidden, gradWeight: gradient },
    });
    backward(recorder, policy, { batch, activations, gradHidden });
  });
  recorder.scope("optimizer", () => {
    const gradients = policy.packs.map(({ gradient }) => gradient);
    gradientNorm(recorder, { gradients, maxNorm: maxGradientNorm, out: norm });
    for (const { value: parameter, gradient, firstMoment, secondMoment } of policy.packs) {
      const state = { parameter, gradient, firstMoment, secondMoment };
      adamw(recorder, { ...state, norm, settings, step });
    }
  });
}

/**
 * Checks the norm that an update wrote; the update itself has changed nothing if it is not finite.
 *
 * @param name Whose gradients, for the error.
 * @throws {LabError} naming the first parameter whose gradient holds NaN or Inf.
 */
export async function checkNorm(policy: Policy, name: string, norm: number): Promise<void> {
  if (Number.isFinite(norm)) return;
  const { gpu, parameters } = policy;
  const gradients = await gpu.record().read(...parameters.map(({ gradient }) => gradient));
  for (const [i, gradient] of gradients.entries()) {
    expectFinite(`${name}'s gradient of ${parameters[i]!.name}`, gradient);
  }
  // The squares of finite gradients may be too large, or a later update has overwritten the gradients.
  expectFinite(`the norm of ${name}'s gradient`, [norm]);
}
