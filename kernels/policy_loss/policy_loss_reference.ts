import type { Aggregation, KlEstimator, PolicyLossSettings } from "./policy_loss_settings.ts";

/** A batch of B responses of T tokens, row-major. */
export interface PolicyLossInput {
  /** Number of tokens of a response, padding included. */
  readonly columns: number;
  /** Log-probabilities of the current policy. */
  readonly logProb: ArrayLike<number>;
  /** Log-probabilities of the rollout policy. */
  readonly oldLogProb: ArrayLike<number>;
  /** Advantages. */
  readonly advantages: ArrayLike<number>;
  /** Not 0, whatever else, for response tokens; 0 for padding. */
  readonly mask: ArrayLike<number>;
  /** Not 0, whatever else, for tokens that Clip-Cov or KL-Cov selects; 0 for others. */
  readonly selected?: ArrayLike<number>;
  /** Entropies of the current policy, for the entropy bonus. */
  readonly entropy?: ArrayLike<number>;
  /** Log-probabilities of the reference policy, for the reference KL. */
  readonly referenceLogProb?: ArrayLike<number>;
}

/** The loss, its gradients and its metrics. */
export interface PolicyLossOutput {
  /** The aggregated loss. */
  readonly loss: number;
  /** Its gradient with respect to the log-probabilities. */
  readonly gradLogProb: Float64Array;
  /** Its gradient with respect to the entropies. */
  readonly gradEntropy: Float64Array;
  /** Share of response tokens whose ratio is clipped; with Clip-Cov, that it selects. */
  readonly clipFraction: number;
  /** Share of response tokens at the bound of the dual clip. */
  readonly clipFractionLower: number;
  /** Mean of −Δ over response tokens, Δ the log-ratio to the rollout policy; with KL-Cov of |Δ|. */
  readonly ppoKl: number;
  /** Mean reference KL over response tokens. */
  readonly referenceKl: number;
  /** Mean entropy over response tokens. */
  readonly entropy: number;
  /** Number of response tokens that the intervention selects. */
  readonly selected: number;
}

/** verl clamps the argument of the k3 estimator of the reference KL here, */
const LARGEST_LOG_RATIO = 20;
/** and its value here. */
const LARGEST_K3 = 10;

/** The largest log-ratio whose ratio, 3.4e38, is within the range of float32. */
const LARGEST_FINITE_LOG_RATIO = 88.722;

/**
 * The policy loss in float64, the definition that policy_loss.wgsl is held to; matches
 * `compute_policy_loss_vanilla`, `_clip_cov` and `_kl_cov` of verl's core_algos.py.
 *
 * A response token with an input that is NaN or infinite makes the loss, its own gradient and the metrics of
 * that input NaN, also where a clip or a selection would hide it; entropies and the reference only where they
 * have a weight in the loss. So does PyTorch with NaN.
 *
 * A ratio beyond the range of float32, of a log-ratio above 88.722, counts as infinite: where the token's loss
 * depends on it, since no clip bounds the loss or KL-Cov of the paper adds the ratio, the loss and the token's
 * gradient are NaN. An advantage of 0 makes such a token's surrogate 0.
 */
export function policyLossReference(
  input: PolicyLossInput,
  settings: PolicyLossSettings,
): PolicyLossOutput {
  const { logProb, mask, columns } = input;
  const size = logProb.length;
  const weights = aggregationWeights(mask, columns, settings.aggregation);
  const count = Math.max(1, countOf(mask));
  const gradLogProb = new Float64Array(size);
  const gradEntropy = new Float64Array(size);
  let [loss, clipped, lower, ppoKl, referenceKl, entropy, selected] = [0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < size; i++) {
    if (mask[i] === 0) continue;
    const token = tokenLoss(input, i, settings);
    loss += weights[i]! * token.loss;
    gradLogProb[i] = weights[i]! * token.gradLogProb;
    gradEntropy[i] = weights[i]! * token.gradEntropy;
    clipped += token.clipped;
    lower += token.clippedLower;
    ppoKl += token.ppoKl;
    referenceKl += token.referenceKl;
    entropy += token.entropy;
    selected += token.selected;
  }
  return {
    loss,
    gradLogProb,
    gradEntropy,
    clipFraction: clipped / count,
    clipFractionLower: lower / count,
    ppoKl: ppoKl / count,
    referenceKl: referenceKl / count,
    entropy: entropy / count,
    selected,
  };
}

/** d loss / d token loss for each token: how {@linkcode Aggregation} weighs it. */
export function aggregationWeights(
  mask: ArrayLike<number>,
  columns: number,
  aggregation: Aggregation,
): Float64Array {
  const lengths = Array.from(
    { length: mask.length / columns },
    (_, row) =>
      countOf(Array.from({ length: columns }, (_, column) => mask[row * columns + column]!)),
  );
  const rows = lengths.filter((length) => length > 0).length;
  const tokens = countOf(mask);
  return Float64Array.from({ length: mask.length }, (_, i) => {
    if (mask[i] === 0) return 0;
    switch (aggregation) {
      case "token-mean":
        return 1 / tokens;
      case "seq-mean-token-sum":
        return 1 / rows;
      case "seq-mean-token-mean":
        return 1 / (rows * lengths[Math.floor(i / columns)]!);
      case "seq-mean-token-sum-norm":
        return 1 / (rows * columns);
    }
  });
}

function tokenLoss(input: PolicyLossInput, i: number, settings: PolicyLossSettings) {
  const { intervention, definition, clipLow, clipHigh, dualClip } = settings;
  const selected = (input.selected?.[i] ?? 0) !== 0;
  const hasKl = Number.isFinite(input.logProb[i]! - input.oldLogProb[i]!);
  let hasLoss = hasKl && Number.isFinite(input.advantages[i]);
  const advantage = hasLoss ? input.advantages[i]! : 0;
  const raw = hasKl ? input.logProb[i]! - input.oldLogProb[i]! : 0;
  // What is clamped has no gradient.
  const delta = Math.min(settings.largestLogRatio, Math.max(-settings.largestLogRatio, raw));
  const ratio = delta > LARGEST_FINITE_LOG_RATIO ? Infinity : Math.exp(delta);
  let loss = advantage === 0 ? 0 : -advantage * ratio;
  let gradLogProb = delta === raw ? loss : 0;
  let [clipped, clippedLower] = [0, 0];
  const bounded = -advantage * Math.min(1 + clipHigh, Math.max(1 - clipLow, ratio));
  if (bounded > loss) {
    loss = bounded;
    gradLogProb = 0;
    clipped = 1;
  }
  if (advantage < 0 && -advantage * dualClip < loss) {
    loss = -advantage * dualClip;
    gradLogProb = 0;
    clippedLower = 1;
  }
  let ppoKl = -delta;
  if (intervention === "clip-cov") {
    clipped = Number(selected);
    if (selected) loss = gradLogProb = 0;
  } else if (intervention === "kl-cov" && definition === "verl") {
    ppoKl = Math.abs(delta);
    if (selected) {
      loss += settings.klCoefficient * Math.abs(delta);
      gradLogProb += settings.klCoefficient * Math.sign(delta);
    }
  } else if (intervention === "kl-cov" && selected && settings.klCoefficient !== 0) {
    loss += settings.klCoefficient * (ratio - 1 - delta);
    gradLogProb += settings.klCoefficient * (ratio - 1);
  }
  hasLoss &&= Number.isFinite(loss);
  if (!hasLoss) loss = gradLogProb = NaN;
  if (!hasKl) ppoKl = NaN;
  const reference = referenceKl(input, i, settings);
  if (settings.referenceCoefficient !== 0) {
    loss += settings.referenceCoefficient * reference.value;
    gradLogProb += settings.referenceCoefficient * reference.gradient;
  }
  const given = input.entropy?.[i] ?? 0;
  const entropy = Number.isFinite(given) ? given : NaN;
  let gradEntropy = -settings.entropyCoefficient;
  if (settings.entropyCoefficient !== 0) {
    loss -= settings.entropyCoefficient * entropy;
    if (Number.isNaN(entropy)) gradEntropy = NaN;
  }
  return {
    loss,
    gradLogProb,
    gradEntropy,
    entropy,
    clipped,
    clippedLower,
    ppoKl,
    referenceKl: reference.value,
    selected: Number(selected && intervention !== "none"),
  };
}

function referenceKl(
  { logProb, referenceLogProb }: PolicyLossInput,
  i: number,
  settings: PolicyLossSettings,
) {
  if (referenceLogProb === undefined) return { value: 0, gradient: 0 };
  const d = logProb[i]! - referenceLogProb[i]!;
  return Number.isFinite(d) ? tokenKl(d, settings.referenceKl) : { value: NaN, gradient: NaN };
}

/** An estimate of the KL to the reference from one token, and its gradient; d = ln π − ln π_reference. */
export function tokenKl(
  d: number,
  estimator: KlEstimator,
): { value: number; gradient: number } {
  switch (estimator) {
    case "k1":
      return { value: d, gradient: 1 };
    case "abs":
      return { value: Math.abs(d), gradient: Math.sign(d) };
    case "k2":
      return { value: d ** 2 / 2, gradient: d };
    case "k3": {
      const clamped = Math.min(LARGEST_LOG_RATIO, Math.max(-LARGEST_LOG_RATIO, -d));
      const value = Math.exp(clamped) - clamped - 1;
      if (value > LARGEST_K3) return { value: LARGEST_K3, gradient: 0 };
      return { value, gradient: clamped === -d ? 1 - Math.exp(clamped) : 0 };
    }
  }
}

/** Number of elements that are not 0. */
function countOf(flags: ArrayLike<number>): number {
  return Array.from(flags).filter((value) => value !== 0).length;
}
