import {
  emptyPolicyLoss,
  emptySelection,
  emptyTokenCovariance,
  type Gpu,
  groupMeans,
  PLAIN_PPO,
  policyLoss,
  type PolicyLossMetrics,
  type PolicyLossSettings,
  type PolicyLossTensors,
  readMetrics,
  type Recorder,
  restrictTokens,
  sequenceCovariance,
  TABLE_1_SHARES,
  type Tensor,
  tokenCovariance,
} from "../../kernels/mod.ts";
import { expectValidLogits } from "./finite.ts";
import type { Policy } from "./policy/parameters.ts";
import {
  atResponses,
  longestResponse,
  type PredictionBatch,
  predictionBatch,
  type Sequence,
} from "./policy/sequences.ts";
import { recycleActivations } from "./policy/forward.ts";
import { checkNorm, predict, update } from "./policy/update.ts";
import type { Response } from "./policy/rollout.ts";
import type { StepData } from "./step_data.ts";
import type { TrainSettings } from "./settings.ts";

/** A response to learn from. */
export interface Sample extends Sequence {
  /** What the rollout policy thought of its tokens. */
  readonly rollout: Response;
  /** The advantage of each of its tokens. */
  readonly advantages: ArrayLike<number>;
  /** How many responses of its group are right. */
  readonly right: number;
}

/** Mutable state of a run. */
export interface TrainedPolicies {
  /** The policy that is trained. */
  readonly policy: Policy;
  /** The base model: of the reference KL, which every step logs. */
  readonly reference: Policy;
}

/** What an update gives back, kept on the GPU until the step's one readback. */
interface MinibatchOutput {
  readonly metrics: Tensor;
  readonly norm: Tensor;
  /** How many rows of logits are invalid, and which is the first. */
  readonly invalid: Tensor;
}

/** The loss that the settings ask for. */
export function lossSettings(settings: TrainSettings): PolicyLossSettings {
  const { intervention, definition } = settings;
  const isCovariance = intervention === "clip-cov" || intervention === "kl-cov";
  return {
    ...PLAIN_PPO,
    aggregation: settings.aggregation,
    intervention: isCovariance ? `${intervention}-${definition}` : "none",
    clipLow: settings.clipLow ?? Infinity,
    clipHigh: settings.clipHigh ?? Infinity,
    dualClip: settings.dualClip ?? Infinity,
    klCoefficient: settings.klCoefficient,
    entropyCoefficient: intervention === "entropy-bonus" ? settings.entropyCoefficient : 0,
    referenceCoefficient: intervention === "reference-kl" ? settings.referenceCoefficient : 0,
    referenceKl: settings.referenceKl,
  };
}

/**
 * Updates a policy from the responses of one rollout: a submission for each minibatch, and one readback.
 *
 * @param step The number of the rollout, from 1.
 * @param updates How many updates came before.
 * @returns What the step logs of covariance and update, and how many updates there are now.
 * @throws {LabError} if logits or a gradient hold NaN or Inf.
 */
export async function updateFromSamples(
  { policy, reference }: TrainedPolicies,
  samples: readonly Sample[],
  settings: TrainSettings,
  step: number,
  updates: number,
): Promise<{ data: Partial<StepData>; updates: number }> {
  const { gpu } = policy;
  const columns = longestResponse(samples);
  const loss = lossSettings(settings);
  const covariance = recordCovariance(gpu, samples, columns, settings, loss, step);
  const outputs: MinibatchOutput[] = [];
  const learningRate = settings.learningRate *
    Math.min(1, step / Math.max(1, settings.warmupSteps));
  const parts = minibatches(samples, settings.minibatches);
  let first = 0;
  for (const [minibatch, part] of parts.entries()) {
    outputs.push(recordMinibatch({ policy, reference }, part, {
      columns,
      settings,
      loss,
      learningRate,
      update: updates + minibatch + 1,
      stream: step * settings.minibatches + minibatch,
      selected: covariance.selected,
      first,
    }));
    first += part.length;
  }
  const read = await gpu.record("metrics").read(
    ...outputs.flatMap(({ metrics, norm, invalid }) => [metrics, norm, invalid]),
    covariance.mean,
    covariance.groups,
    covariance.sequences,
  );
  for (const output of outputs) {
    for (const tensor of [output.metrics, output.norm, output.invalid]) tensor.destroy();
  }
  covariance[Symbol.dispose]();
  const metrics = outputs.map((_, i) => readMetrics(read[3 * i]!));
  const norms = outputs.map((_, i) => read[3 * i + 1]![0]!);
  for (const [i, norm] of norms.entries()) {
    expectValidLogits(`minibatch ${i + 1} in the update`, read[3 * i + 2]!);
    await checkNorm(policy, "the policy", norm);
  }
  const [mean, groups, sequences] = read.slice(3 * outputs.length);
  const average = (value: (metrics: PolicyLossMetrics) => number) =>
    metrics.reduce((sum, one) => sum + value(one), 0) / metrics.length;
  return {
    updates: updates + outputs.length,
    data: {
      "covariance/mean": mean![0]!,
      ...groupsByShare(groups!),
      ...sequenceData(samples, settings.group, sequences!),
      "actor/pg_loss": average((one) => one.loss),
      "actor/pg_clipfrac": average((one) => one.clipFraction),
      "actor/pg_clipfrac_lower": average((one) => one.clipFractionLower),
      "actor/ppo_kl": average((one) => one.ppoKl),
      "actor/kl_loss": average((one) => one.referenceKl),
      "actor/grad_norm": norms.reduce((sum, norm) => sum + norm, 0) / norms.length,
      "actor/lr": learningRate,
      "actor/touched_tokens": metrics.reduce((sum, one) => sum + one.touched, 0),
      "rollout/tokens": metrics.reduce((sum, one) => sum + one.tokens, 0),
    },
  };
}

/** As many parts as asked, or one for each sample if those are fewer, as equal as can be. */
function minibatches<T>(samples: readonly T[], count: number): T[][] {
  const parts = Math.min(count, samples.length);
  const bound = (part: number) => Math.round((part * samples.length) / parts);
  return Array.from({ length: parts }, (_, part) => samples.slice(bound(part), bound(part + 1)));
}

interface BatchCovariance extends Disposable {
  readonly mean: Tensor;
  readonly groups: Tensor;
  readonly sequences: Tensor;
  /** The tokens of the whole batch that are restricted where they are selected in it, [B·T] in u32. */
  readonly selected: Tensor;
}

/** The covariance of the whole batch under the policy of its rollout, and what is selected in it. */
function recordCovariance(
  gpu: Gpu,
  samples: readonly Sample[],
  columns: number,
  settings: TrainSettings,
  loss: PolicyLossSettings,
  step: number,
): BatchCovariance {
  const shape = [samples.length, columns];
  using logProb = gpu.tensor(logProbs(samples, columns), shape);
  using advantages = gpu.tensor(advantagesOf(samples, columns), shape);
  using mask = gpu.tensor(Uint32Array.from(atResponses(samples, columns, () => 1)), shape);
  const covariance = emptyTokenCovariance(gpu, samples.length * columns);
  const selection = emptySelection(gpu, samples.length * columns);
  const groups = gpu.empty([TABLE_1_SHARES.length]);
  const sequences = gpu.empty([Math.ceil(samples.length / settings.group), 2]);
  const recorder = gpu.record("covariance");
  const input = { logProb, oldLogProb: logProb, advantages, mask };
  recorder.scope("covariance", () => {
    if (selectsInBatch(settings)) {
      const amount = restriction(settings, step * settings.minibatches);
      restrictTokens(recorder, input, loss, amount, covariance, selection);
    } else tokenCovariance(recorder, input, covariance);
    groupMeans(recorder, { covariance: covariance.covariance, mask }, groups);
    sequenceCovariance(recorder, { ...input, group: settings.group, out: sequences });
  });
  recorder.submit();
  return {
    mean: covariance.mean,
    groups,
    sequences,
    selected: selection.selected,
    [Symbol.dispose]() {
      for (const made of [covariance, selection, groups, sequences]) made[Symbol.dispose]();
    },
  };
}

function selectsInBatch({ intervention, selection }: TrainSettings): boolean {
  return selection === "batch" && (intervention === "clip-cov" || intervention === "kl-cov");
}

function restriction(
  { intervention, clipCovRatio, klCovRatio, covarianceLow, covarianceHigh, seed }: TrainSettings,
  stream: number,
) {
  const ratio = intervention === "clip-cov" ? clipCovRatio : klCovRatio;
  return { ratio, low: covarianceLow, high: covarianceHigh, seed, stream };
}

interface Minibatch {
  columns: number;
  settings: TrainSettings;
  loss: PolicyLossSettings;
  learningRate: number;
  /** Number of this update, from 1. */
  update: number;
  /** Tells apart the draws of Clip-Cov. */
  stream: number;
  /** The selection in the whole batch, and the row at which this minibatch begins. */
  selected: Tensor;
  first: number;
}

/** Records and submits one update. */
function recordMinibatch(
  { policy, reference }: TrainedPolicies,
  samples: readonly Sample[],
  { columns, settings, loss, learningRate, update: number, stream, selected, first }: Minibatch,
): MinibatchOutput {
  const { gpu } = policy;
  const shape = [samples.length, columns];
  const size = samples.length * columns;
  using batch = predictionBatch(gpu, policy.config, samples, columns);
  using oldLogProb = gpu.tensor(logProbs(samples, columns), shape);
  using advantages = gpu.tensor(advantagesOf(samples, columns), shape);
  using covariance = emptyTokenCovariance(gpu, size);
  using selection = emptySelection(gpu, size);
  using gradients = emptyPolicyLoss(gpu, samples.length, columns);
  const norm = gpu.empty([2]);
  const recorder = gpu.record("update");
  const { temperature } = settings;
  const prediction = predict(recorder, policy, batch, temperature);
  using _statistics = prediction.statistics;
  const invalid = gpu.empty([2], "u32");
  recorder.copy(prediction.statistics.invalid, invalid, { count: 2 });
  const input: PolicyLossTensors = {
    logProb: prediction.logProb,
    oldLogProb,
    advantages,
    mask: batch.mask,
    selected: selection.selected,
    entropy: prediction.entropy,
    referenceLogProb: predictReference(recorder, reference, batch, temperature),
  };
  const metrics = gpu.empty(gradients.metrics.shape);
  recorder.scope("policy loss", () => {
    if (selectsInBatch(settings)) {
      recorder.copy(selected, selection.selected, { from: first * columns, count: size });
    } else if (loss.intervention !== "none") {
      restrictTokens(recorder, input, loss, restriction(settings, stream), covariance, selection);
    }
    policyLoss(recorder, input, loss, gradients);
    recorder.copy(gradients.metrics, metrics);
  });
  update(
    recorder,
    policy,
    batch,
    prediction,
    {
      gradLogProb: gradients.gradLogProb,
      ...(loss.entropyCoefficient === 0 ? {} : { gradEntropy: gradients.gradEntropy }),
    },
    {
      learningRate,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: settings.weightDecay,
      maxGradientNorm: settings.maxGradientNorm,
    },
    number,
    norm,
    temperature,
  );
  recorder.submit();
  return { metrics, norm, invalid };
}

/** Log-probabilities of the reference, [B, R]; a temporary. */
function predictReference(
  recorder: Recorder,
  reference: Policy,
  batch: PredictionBatch,
  temperature: number,
): Tensor {
  const prediction = predict(recorder, reference, batch, temperature);
  recycleActivations(recorder, prediction.activations);
  prediction.statistics[Symbol.dispose]();
  return prediction.logProb;
}

function logProbs(samples: readonly Sample[], columns: number): Float32Array<ArrayBuffer> {
  return atResponses(samples, columns, (row, token) => samples[row]!.rollout.logProb[token]!);
}

function advantagesOf(samples: readonly Sample[], columns: number): Float32Array<ArrayBuffer> {
  return atResponses(samples, columns, (row, token) => samples[row]!.advantages[token]!);
}

/** The group means of Table 1 but for that of all tokens, which is the mean. */
function groupsByShare(means: ArrayLike<number>): Partial<StepData> {
  return Object.fromEntries(
    TABLE_1_SHARES.slice(0, -1).map((share, i) => [`covariance/top-${share}`, means[i]!]),
  );
}

/** The covariance over whole responses, of all prompts and by how many of a prompt's responses are right. */
function sequenceData(
  samples: readonly Sample[],
  group: number,
  covariances: ArrayLike<number>,
): Partial<StepData> {
  const byRight = new Map<number, number[]>();
  const all: number[] = [];
  for (let i = 0; i * group < samples.length; i++) {
    // With π·A, as the policy gradient sees it (paper, Theorem 1).
    const covariance = covariances[2 * i + 1]!;
    all.push(covariance);
    const { right } = samples[i * group]!;
    byRight.set(right, [...byRight.get(right) ?? [], covariance]);
  }
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    "covariance/sequence": mean(all),
    ...Object.fromEntries(
      [...byRight].sort(([left], [right]) => left - right).map(([right, values]) => [
        `covariance/difficulty/${right}`,
        mean(values),
      ]),
    ),
  };
}
