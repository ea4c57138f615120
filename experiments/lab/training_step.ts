import {
  emptyPolicyLoss,
  emptySelection,
  emptyTokenCovariance,
  type Gpu,
  POLICY_LOSS_METRICS,
  policyLoss,
  type PolicyLossMetrics,
  readGradientNorm,
  readMetrics,
  type Recorder,
  selectTokens,
  type Tensor,
} from "../../kernels/mod.ts";
import { expectValidLogits, expectValidParts } from "./finite.ts";
import {
  comparesWithReference,
  lossSettings,
  selectionSettings,
  selectsAmong,
} from "./loss_settings.ts";
import { mean } from "./mean.ts";
import type { Policy } from "./policy/parameters.ts";
import { recordResponseStatistics } from "./policy/response_statistics.ts";
import { longestResponse, predictionBatch } from "./policy/sequences.ts";
import { checkNorm, predict, update } from "./policy/update.ts";
import { knownReferenceLogProb } from "./reference_log_prob.ts";
import { covarianceData, recordRolloutCovariance } from "./rollout_covariance.ts";
import { rowsOf } from "./rows_of.ts";
import { type Sample, sampleTensors } from "./sample.ts";
import type { TrainSettings } from "./train_settings.ts";
import type { StepData } from "./step_data.ts";
import { firstOrderData, methodTokenData, type UpdateTokens } from "./token_data.ts";

/** The policies of a run. */
export interface Policies {
  /** The policy that is trained. */
  readonly policy: Policy;
  /**
   * The base model, of the reference KL; needed in the steps that {@linkcode comparesWithReference} names, unless
   * the samples know what it thinks of them.
   */
  readonly reference?: Policy | undefined;
}

/** Where in a run a step is. */
export interface StepPlace {
  /** The number of its rollout, from 1. */
  readonly step: number;
  /** How many updates came before. */
  readonly updates: number;
}

/** What the updates of a step give. */
export interface StepUpdates {
  /** What the step logs of covariance and update; nothing where there were no samples. */
  readonly data: Partial<StepData>;
  /** How many updates there are now. */
  readonly updates: number;
}

/** PyTorch's defaults, which verl keeps. */
const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/**
 * Updates a policy from the responses of one rollout: a submission for each minibatch, and one readback. The
 * definition in float64 is {@linkcode updateFromSamplesReference}.
 *
 * @throws {LabError} if logits or a gradient hold NaN or Inf.
 */
export async function updateFromSamples(
  policies: Policies,
  samples: readonly Sample[],
  settings: TrainSettings,
  { step, updates }: StepPlace,
): Promise<StepUpdates> {
  if (samples.length === 0) return { data: {}, updates };
  const { policy, policy: { gpu }, reference } = policies;
  const learningRate = settings.learningRate *
    Math.min(1, step / Math.max(1, settings.warmupSteps));
  const parts = minibatches(samples, settings.minibatches);

  // Covariance is taken twice. Here of the whole rollout under the policy that made it: what the paper measures
  // (Eqs. 8-10) and every step logs, and by what its equations select (`selection: "batch"`). And in each
  // minibatch under the policy that the minibatches before have left: by what the authors' code selects
  // (`selection: "minibatch"`).
  using rollout = recordRolloutCovariance(gpu, samples, settings, step);
  const columns = longestResponse(samples);
  // What the base model thinks depends on the tokens alone, so once is enough for all minibatches.
  const { temperature } = settings;
  const compares = comparesWithReference(settings, step);
  using known = compares ? knownReferenceLogProb(gpu, samples, columns) : undefined;
  using asked = compares && known === undefined
    ? recordResponseStatistics(reference!, samples, { label: "reference", columns, temperature })
    : undefined;
  const referenceLogProb = known ?? asked?.logProb;
  using out = emptyOutput(gpu, parts.length, [samples.length, columns]);
  for (const minibatch of parts) {
    const { number } = minibatch;
    recordMinibatch(policy, minibatch, settings, {
      columns,
      learningRate,
      update: updates + number + 1,
      stream: step * settings.minibatches + number,
      selected: rollout.selected,
      referenceLogProb,
      out,
    });
  }
  const [
    metrics,
    norms,
    invalid,
    logProb,
    entropy,
    touched,
    tokenMean,
    groups,
    sequences,
    ...ofReference
  ] = await gpu
    .record("metrics").read(
      out.metrics,
      out.norms,
      out.invalid,
      out.logProb,
      out.entropy,
      out.selected,
      rollout.mean,
      rollout.groups,
      rollout.sequences,
      ...(asked === undefined ? [] : [asked.invalid]),
    );
  for (const rows of ofReference) expectValidParts("the base model", rows);

  const gradientNorms = rowsOf(norms, parts.length).map((row) => readGradientNorm(row).norm);
  for (const [number, rows] of rowsOf(invalid, parts.length).entries()) {
    expectValidLogits(`minibatch ${number + 1} in the update`, rows);
    await checkNorm(policy, "the policy", gradientNorms[number]!);
  }
  const selected = selectsAmong(settings) === undefined ? undefined : touched;
  const seen = { columns, logProb, entropy, selected };
  return {
    updates: updates + parts.length,
    data: {
      ...covarianceData(samples, settings.group, {
        mean: tokenMean,
        groups,
        sequences,
      }),
      ...updateData(rowsOf(metrics, parts.length).map(readMetrics), gradientNorms, {
        learningRate,
        hasReference: referenceLogProb !== undefined,
      }),
      ...methodTokenData(samples, seen, settings),
      // The theory is about one update.
      ...(settings.minibatches === 1
        ? await comparedWithTheory(policy, samples, seen, temperature)
        : {}),
    },
  };
}

/** {@linkcode firstOrderData}, for which the updated policy is asked once more; reads back. */
async function comparedWithTheory(
  policy: Policy,
  samples: readonly Sample[],
  seen: UpdateTokens,
  temperature: number,
): Promise<Partial<StepData>> {
  const question = { label: "after the update", columns: seen.columns, temperature };
  using now = recordResponseStatistics(policy, samples, question);
  const [logProb, entropy, invalid] = await policy.gpu.record().read(
    now.logProb,
    now.entropy,
    now.invalid,
  );
  expectValidParts("the updated policy", invalid);
  return firstOrderData(samples, seen, { logProb, entropy });
}

/** The samples of one update. */
interface Minibatch {
  /** Which of the step's minibatches it is, from 0. */
  readonly number: number;
  /** Its samples. */
  readonly samples: readonly Sample[];
  /** The place of the first among the rollout's. */
  readonly first: number;
}

/** As many parts as asked, or one for each sample if those are fewer, as equal as can be. */
function minibatches(samples: readonly Sample[], count: number): Minibatch[] {
  const parts = Math.min(count, samples.length);
  const bound = (part: number) => Math.round((part * samples.length) / parts);
  return Array.from({ length: parts }, (_, number) => ({
    number,
    samples: samples.slice(bound(number), bound(number + 1)),
    first: bound(number),
  }));
}

/** What an update needs beside its samples. */
interface UpdateOptions {
  /** R, the tokens of the rollout's longest response. */
  readonly columns: number;
  readonly learningRate: number;
  /** Number of this update in the run, from 1. */
  readonly update: number;
  /** Tells apart the draws of Clip-Cov. */
  readonly stream: number;
  /** The selection in the whole rollout, [B·R] in u32. */
  readonly selected: Tensor;
  /** Log-probabilities of the base model in the whole rollout, [B·R] in f32; undefined where nothing needs them. */
  readonly referenceLogProb: Tensor | undefined;
  /** Written: the minibatch's row of each tensor. */
  readonly out: StepOutput;
}

/** Records and submits one update: forward, selection, loss, backward, AdamW. */
function recordMinibatch(
  policy: Policy,
  { number, samples, first }: Minibatch,
  settings: TrainSettings,
  { columns, learningRate, update: updateNumber, stream, selected, referenceLogProb, out }:
    UpdateOptions,
): void {
  const { gpu } = policy;
  const { temperature } = settings;
  const loss = lossSettings(settings);
  const size = samples.length * columns;
  const rows = { from: first * columns, count: size };
  using batch = predictionBatch(gpu, policy.config, samples, columns);
  using tensors = sampleTensors(gpu, samples, columns);
  using covariance = emptyTokenCovariance(gpu, size);
  using selection = emptySelection(gpu, size);
  using gradients = emptyPolicyLoss(gpu, samples.length, columns);
  using norm = gpu.empty([2]);
  const recorder = gpu.record("update");

  // Forward: what the policy thinks of the tokens now.
  const prediction = predict(recorder, policy, batch, temperature);
  using statistics = prediction.statistics;
  const { oldLogProb, advantages } = tensors;
  const input = {
    logProb: prediction.logProb,
    oldLogProb,
    advantages,
    mask: batch.mask,
    selected: selection.selected,
    entropy: prediction.entropy,
    ...(referenceLogProb === undefined
      ? {}
      : { referenceLogProb: rowsOfRollout(recorder, referenceLogProb, rows, batch.mask.shape) }),
  };

  // Selection and loss, with its gradient with respect to what the policy thinks.
  recorder.scope("policy loss", () => {
    switch (selectsAmong(settings)) {
      case "batch":
        recorder.copy(selected, selection.selected, rows);
        break;
      case "minibatch":
        selectTokens(recorder, {
          ...input,
          ...selectionSettings(settings, stream),
          settings: loss,
          out: { covariance, selection },
        });
    }
    policyLoss(recorder, { ...input, settings: loss, out: gradients });
  });

  // Backward, and AdamW.
  const { weightDecay, maxGradientNorm } = settings;
  update(recorder, policy, {
    batch,
    prediction,
    gradients: {
      gradLogProb: gradients.gradLogProb,
      ...(loss.entropyCoefficient === 0 ? {} : { gradEntropy: gradients.gradEntropy }),
    },
    settings: { ...ADAM, learningRate, weightDecay, maxGradientNorm },
    step: updateNumber,
    norm,
    temperature,
  });

  recorder.copy(gradients.metrics, out.metrics, { to: number * POLICY_LOSS_METRICS });
  recorder.copy(norm, out.norms, { to: number * 2 });
  recorder.copy(statistics.invalid, out.invalid, { to: number * 2, count: 2 });
  recorder.copy(prediction.logProb, out.logProb, { to: rows.from });
  recorder.copy(prediction.entropy, out.entropy, { to: rows.from });
  recorder.copy(selection.selected, out.selected, { to: rows.from });
  recorder.submit();
}

/** Some rows of what is known of a whole rollout, of that shape; a temporary. */
function rowsOfRollout(
  recorder: Recorder,
  whole: Tensor,
  rows: { readonly from: number; readonly count: number },
  shape: readonly number[],
): Tensor {
  const own = recorder.temporary(shape);
  recorder.copy(whole, own, rows);
  return own;
}

/** What the M updates of a step give back, kept on the GPU until they all are read. */
interface StepOutput extends Disposable {
  /** What {@linkcode readMetrics} names, [M, 8] in f32. */
  readonly metrics: Tensor<"f32">;
  /** The gradient's norm, and the factor that clipped it, [M, 2] in f32. */
  readonly norms: Tensor<"f32">;
  /** How many rows of logits are invalid, and which is the first, [M, 2] in u32. */
  readonly invalid: Tensor<"u32">;
  /** What {@linkcode UpdateTokens} has of the rollout's tokens, [B, R] in f32. */
  readonly logProb: Tensor<"f32">;
  /** The same. */
  readonly entropy: Tensor<"f32">;
  /** The same, [B, R] in u32; undefined values where nothing is selected. */
  readonly selected: Tensor<"u32">;
}

/** @param tokens B and R. */
function emptyOutput(gpu: Gpu, parts: number, tokens: readonly number[]): StepOutput {
  const tensors = {
    metrics: gpu.empty([parts, POLICY_LOSS_METRICS]),
    norms: gpu.empty([parts, 2]),
    invalid: gpu.empty([parts, 2], "u32"),
    logProb: gpu.empty(tokens),
    entropy: gpu.empty(tokens),
    selected: gpu.empty(tokens, "u32"),
  };
  return {
    ...tensors,
    [Symbol.dispose]() {
      for (const tensor of Object.values(tensors)) tensor.destroy();
    },
  };
}

/** What a step logs of its updates, from the metrics and the norm of each. */
function updateData(
  metrics: readonly PolicyLossMetrics[],
  norms: readonly number[],
  { learningRate, hasReference }: { learningRate: number; hasReference: boolean },
): Partial<StepData> {
  const average = (value: (of: PolicyLossMetrics) => number) => mean(metrics.map(value));
  return {
    "actor/pg_loss": average(({ loss }) => loss),
    "actor/pg_clipfrac": average(({ clipFraction }) => clipFraction),
    "actor/pg_clipfrac_lower": average(({ clipFractionLower }) => clipFractionLower),
    "actor/ppo_kl": average(({ ppoKl }) => ppoKl),
    ...(hasReference ? { "actor/kl_loss": average(({ referenceKl }) => referenceKl) } : {}),
    "actor/grad_norm": mean(norms),
    "actor/lr": learningRate,
    "actor/touched_tokens": metrics.reduce((sum, { selected }) => sum + selected, 0),
    "rollout/tokens": metrics.reduce((sum, { tokens }) => sum + tokens, 0),
  };
}
