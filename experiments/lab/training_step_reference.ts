import {
  adamwReference,
  amountReference,
  type CovarianceInput,
  covarianceReference,
  gradientNormReference,
  groupMeansReference,
  type PolicyLossOutput,
  policyLossReference,
  type PolicyLossSettings,
  sampleReference,
  sequenceCovarianceReference,
  topReference,
} from "../../kernels/mod.ts";
import type { ModelConfig } from "./families.ts";
import { mean } from "./mean.ts";
import { type GradientArrays, zeroGradients } from "./policy/backward_reference.ts";
import { type PredictionReference, predictionReference } from "./policy/prediction_reference.ts";
import type { Sample } from "./sample.ts";
import type { TrainSettings } from "./train_settings.ts";
import type { StepPlace, StepUpdates } from "./training_step.ts";

/** A policy and its optimizer in float64, arrays by Hugging Face's names of the parameters. */
export interface PolicyArrays {
  /** The architecture. */
  readonly config: ModelConfig;
  /** The parameters. */
  readonly parameters: Readonly<Record<string, Float64Array>>;
  /** Means of gradients. */
  readonly firstMoments: Readonly<Record<string, Float64Array>>;
  /** Means of squared gradients. */
  readonly secondMoments: Readonly<Record<string, Float64Array>>;
}

/** The policies of a run in float64. */
export interface PoliciesReference {
  /** The policy that is trained. */
  readonly policy: PolicyArrays;
  /** The base model. */
  readonly reference: Pick<PolicyArrays, "config" | "parameters">;
}

/** A policy of these parameters, its moments at zero. */
export function policyArrays(
  config: ModelConfig,
  values: Readonly<Record<string, ArrayLike<number>>>,
): PolicyArrays {
  return {
    config,
    parameters: Object.fromEntries(
      Object.entries(values).map(([name, array]) => [name, Float64Array.from(array)]),
    ),
    firstMoments: zeroGradients(config),
    secondMoments: zeroGradients(config),
  };
}

/** PyTorch's defaults, which verl keeps. */
const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** Numbers of the tokens of B responses, [B, T] each, T the tokens of the rollout's longest response. */
interface ResponseTokens extends CovarianceInput {
  /** Log-probabilities of the policy that made the rollout; `logProb` are those of the current one. */
  readonly oldLogProb: Float64Array;
}

/**
 * The updates of one rollout in float64, written down step by step from the float64 kernels and from no code of
 * `training_step.ts`: the definition that {@linkcode updateFromSamples} is held to. Changes the policy in place.
 *
 * @returns What the step logs of covariance and update, how many updates there are now, and the gradient of each
 * of the rollout's, before it is clipped.
 */
export function updateFromSamplesReference(
  { policy, reference }: PoliciesReference,
  samples: readonly Sample[],
  settings: TrainSettings,
  { step, updates }: StepPlace,
): StepUpdates & { readonly gradients: readonly GradientArrays[] } {
  const { group, temperature, weightDecay } = settings;
  const columns = Math.max(...samples.map(({ response }) => response.length));
  const think = ({ config, parameters }: typeof reference, of: readonly Sample[]) =>
    of.map((sample) => predictionReference(config, parameters, sample, temperature));
  const learningRate = settings.learningRate *
    (step < settings.warmupSteps ? step / settings.warmupSteps : 1);

  // What is measured of the whole rollout is as the policy that made it saw it, and so is what the paper selects.
  const rollout = tokensOf(samples, columns, samples.map(({ oldLogProb }) => oldLogProb));
  const { covariance, mean: meanCovariance } = covarianceReference(rollout);
  const [top2e4, top2e3, top2e2, top2e1, top5e1] = groupMeansReference(
    covariance,
    rollout.mask,
    [0.0002, 0.002, 0.02, 0.2, 0.5],
  );
  const ofResponses = sequenceCovarianceReference(rollout, columns, group);
  const prompts = ofResponses.map(({ withPolicyAdvantage }, prompt) => ({
    covariance: withPolicyAdvantage,
    right: samples[prompt * group]!.right,
  }));
  const selectedInRollout = settings.selection === "batch"
    ? select(rollout, settings, step * settings.minibatches)
    : undefined;

  // The base model is asked by the loss that has its KL, and where it is time to log that.
  const { intervention, referenceKlEvery } = settings;
  const hasReference = intervention === "reference-kl" ||
    (referenceKlEvery !== 0 && (step - 1) % referenceKlEvery === 0);

  // One update for each minibatch, of the policy that the one before has left.
  const parts = Math.min(settings.minibatches, samples.length);
  const losses: PolicyLossOutput[] = [];
  const gradients: GradientArrays[] = [];
  const norms: number[] = [];
  const seen: SeenToken[] = [];
  for (let part = 0; part < parts; part++) {
    const first = Math.round((part * samples.length) / parts);
    const end = Math.round(((part + 1) * samples.length) / parts);
    const own = samples.slice(first, end);
    const predictions = think(policy, own);
    const tokens = tokensOf(own, columns, predictions.map(({ logProb }) => logProb));
    const selected = selectedInRollout === undefined
      ? select(tokens, settings, step * settings.minibatches + part)
      : selectedInRollout.subarray(first * columns, end * columns);
    const loss = policyLossReference({
      ...tokens,
      columns,
      selected,
      entropy: inRows(columns, predictions.map(({ entropy }) => entropy)),
      ...(hasReference
        ? {
          referenceLogProb: inRows(columns, think(reference, own).map(({ logProb }) => logProb)),
        }
        : {}),
    }, lossOf(settings));
    const gradient = gradientOf(policy.config, predictions, loss);
    const { norm, scale } = gradientNormReference(
      Object.values(gradient),
      settings.maxGradientNorm,
    );
    for (const [name, values] of Object.entries(gradient)) {
      const state = {
        parameter: policy.parameters[name]!,
        firstMoment: policy.firstMoments[name]!,
        secondMoment: policy.secondMoments[name]!,
      };
      adamwReference({
        ...state,
        gradient: values.map((value) => scale * value),
        settings: { ...ADAM, learningRate, weightDecay },
        step: updates + part + 1,
      });
    }
    for (const [row, { response }] of own.entries()) {
      for (let token = 0; token < response.length; token++) {
        const i = row * columns + token;
        seen.push({
          logProb: predictions[row]!.logProb[token]!,
          entropy: predictions[row]!.entropy[token]!,
          selected: selected[i]! !== 0,
          advantage: tokens.advantages[i]!,
          ratio: Math.exp(predictions[row]!.logProb[token]! - tokens.oldLogProb[i]!),
          oldLogProb: tokens.oldLogProb[i]!,
          covariance: covariance[first * columns + i]!,
        });
      }
    }
    losses.push(loss);
    gradients.push(gradient);
    norms.push(norm);
  }

  const meanOf = (value: (loss: PolicyLossOutput) => number) => mean(losses.map(value));
  return {
    updates: updates + parts,
    gradients,
    data: {
      "covariance/mean": meanCovariance,
      "covariance/top-0.0002": top2e4!,
      "covariance/top-0.002": top2e3!,
      "covariance/top-0.02": top2e2!,
      "covariance/top-0.2": top2e1!,
      "covariance/top-0.5": top5e1!,
      "covariance/sequence": mean(prompts.map(({ covariance }) => covariance)),
      "covariance/sequence-advantage": mean(ofResponses.map(({ withAdvantage }) => withAdvantage)),
      ...Object.fromEntries(prompts.map(({ right }) => [
        `covariance/difficulty/${right}`,
        mean(prompts.filter((other) => other.right === right).map(({ covariance }) => covariance)),
      ])),
      "actor/pg_loss": meanOf(({ loss }) => loss),
      "actor/pg_clipfrac": meanOf(({ clipFraction }) => clipFraction),
      "actor/pg_clipfrac_lower": meanOf(({ clipFractionLower }) => clipFractionLower),
      "actor/ppo_kl": meanOf(({ ppoKl }) => ppoKl),
      ...(hasReference ? { "actor/kl_loss": meanOf(({ referenceKl }) => referenceKl) } : {}),
      "actor/grad_norm": mean(norms),
      "actor/lr": learningRate,
      "actor/touched_tokens": losses.reduce((sum, { selected }) => sum + selected, 0),
      "rollout/tokens": samples.reduce((sum, { response }) => sum + response.length, 0),
      ...methodTokens(seen, settings),
      ...(settings.minibatches === 1 ? firstOrder(seen, think(policy, samples)) : {}),
    },
  };
}

/** A response token as its update finds it. */
interface SeenToken {
  readonly logProb: number;
  readonly entropy: number;
  readonly selected: boolean;
  readonly advantage: number;
  readonly ratio: number;
  readonly oldLogProb: number;
  readonly covariance: number;
}

/** What is logged of selected tokens, and of those within a clip range wider than ε = 0.2. */
function methodTokens(seen: readonly SeenToken[], { clipLow, clipHigh }: TrainSettings) {
  const selected = seen.filter((token) => token.selected);
  const bounds = (low: number, high: number) => ({ advantage, ratio }: SeenToken) =>
    advantage > 0 ? ratio <= 1 + high : advantage === 0 || ratio >= 1 - low;
  const isWithin = bounds(clipLow ?? Infinity, clipHigh ?? Infinity);
  const freed = seen.filter((token) => isWithin(token) && !bounds(0.2, 0.2)(token));
  const isWider = (clipLow ?? Infinity) > 0.2 || (clipHigh ?? Infinity) > 0.2;
  return {
    ...(selected.length > 0
      ? {
        "touched/covariance": mean(selected.map(({ covariance }) => covariance)),
        "touched/log_prob": mean(selected.map(({ oldLogProb }) => oldLogProb)),
        "touched/positive": selected.filter(({ advantage }) => advantage > 0).length /
          selected.length,
      }
      : {}),
    ...(isWider ? { "freed/tokens": freed.length } : {}),
    ...(freed.length > 0
      ? { "freed/covariance": mean(freed.map(({ covariance }) => covariance)) }
      : {}),
  };
}

/** What Lemma 1 and the theorems say of one update, at the states and for the actions that were sampled. */
function firstOrder(seen: readonly SeenToken[], after: readonly PredictionReference[]) {
  const logProbs = after.flatMap(({ logProb }) => [...logProb]);
  const entropies = after.flatMap(({ entropy }) => [...entropy]);
  const sum = (value: (token: SeenToken, i: number) => number) =>
    seen.reduce((sum, token, i) => sum + value(token, i), 0) / seen.length;
  return {
    "theory/entropy_change": sum(({ entropy }, i) => entropies[i]! - entropy),
    "theory/lemma_1": sum(({ logProb, entropy }, i) =>
      -(logProb + entropy) * (logProbs[i]! - logProb)
    ),
    "theory/theorem_1": sum(({ logProb, entropy, advantage }) =>
      (logProb + entropy) * (Math.exp(logProb) * advantage)
    ),
    "theory/theorem_2": sum(({ logProb, entropy, advantage }) => (logProb + entropy) * advantage),
  };
}

/** The loss that the settings stand for. */
function lossOf(settings: TrainSettings): PolicyLossSettings {
  const { intervention, definition } = settings;
  return {
    aggregation: settings.aggregation,
    intervention: intervention === "clip-cov" || intervention === "kl-cov" ? intervention : "none",
    definition,
    clipLow: settings.clipLow ?? Infinity,
    clipHigh: settings.clipHigh ?? Infinity,
    dualClip: settings.dualClip ?? Infinity,
    largestLogRatio: Infinity,
    klCoefficient: settings.klCoefficient,
    entropyCoefficient: intervention === "entropy-bonus" ? settings.entropyCoefficient : 0,
    referenceCoefficient: intervention === "reference-kl" ? settings.referenceCoefficient : 0,
    referenceKl: settings.referenceKl,
  };
}

/**
 * The tokens that Clip-Cov draws or KL-Cov takes from the top, as a mask of 0 and 1. verl's definitions take at
 * least one, and its Clip-Cov none whose ratio PPO has clipped.
 *
 * @param stream Tells apart the draws of a run.
 */
function select(tokens: ResponseTokens, settings: TrainSettings, stream: number): Uint32Array {
  const { mask, logProb, oldLogProb, advantages } = tokens;
  const { covariance, count } = covarianceReference(tokens);
  const isVerl = settings.definition === "verl";
  const atLeast = isVerl ? 1 : 0;
  if (settings.intervention === "kl-cov") {
    const k = amountReference(settings.klCovRatio, atLeast, count, count);
    return topReference(covariance, mask, k);
  }
  if (settings.intervention !== "clip-cov") return new Uint32Array(mask.length);
  const { covarianceLow, covarianceHigh, clipLow, clipHigh, seed } = settings;
  const isClipped = (i: number) => {
    const ratio = Math.exp(logProb[i]! - oldLogProb[i]!);
    return advantages[i]! > 0
      ? ratio > 1 + (clipHigh ?? Infinity)
      : advantages[i]! < 0 && ratio < 1 - (clipLow ?? Infinity);
  };
  const isCandidate = (i: number) =>
    mask[i] === 1 && covariance[i]! > covarianceLow && covariance[i]! < covarianceHigh &&
    !(isVerl && isClipped(i));
  const candidates = Array.from({ length: mask.length }, (_, i) => i).filter(isCandidate).length;
  const k = amountReference(settings.clipCovRatio, atLeast, count, candidates);
  return sampleReference({ size: mask.length, isCandidate, k, seed, stream });
}

/** The gradient of the loss with respect to every parameter. */
function gradientOf(
  config: ModelConfig,
  predictions: readonly PredictionReference[],
  { gradLogProb, gradEntropy }: PolicyLossOutput,
): GradientArrays {
  const gradients = zeroGradients(config);
  const columns = gradLogProb.length / predictions.length;
  for (const [row, prediction] of predictions.entries()) {
    const [start, end] = [row * columns, row * columns + prediction.logProb.length];
    prediction.backward(
      gradLogProb.subarray(start, end),
      gradEntropy.subarray(start, end),
      gradients,
    );
  }
  return gradients;
}

/** Tokens of responses with what a policy thinks of them. */
function tokensOf(
  samples: readonly Sample[],
  columns: number,
  logProbs: readonly ArrayLike<number>[],
): ResponseTokens {
  return {
    logProb: inRows(columns, logProbs),
    oldLogProb: inRows(columns, samples.map(({ oldLogProb }) => oldLogProb)),
    advantages: inRows(
      columns,
      samples.map(({ advantages, response }) =>
        Array.from({ length: response.length }, (_, i) => advantages[i]!)
      ),
    ),
    mask: inRows(columns, samples.map(({ response }) => Array.from(response, () => 1))),
  };
}

/** Numbers of each response's tokens, one row each; 0 for padding. */
function inRows(columns: number, rows: readonly ArrayLike<number>[]): Float64Array {
  const values = new Float64Array(rows.length * columns);
  for (const [row, numbers] of rows.entries()) values.set(Array.from(numbers), row * columns);
  return values;
}
