import {
  tokenStatisticsReference,
  type TokenStatisticsReferenceInput,
} from "./token_statistics_reference.ts";

/** Upstream gradients of {@linkcode tokenStatisticsBackwardReference}, one for each row. */
export interface UpstreamGradients {
  /** With respect to the log-probability of the target. */
  readonly gradLogProb: ArrayLike<number>;
  /** With respect to the entropy. */
  readonly gradEntropy: ArrayLike<number>;
}

/**
 * Gradient with respect to the logits in float64, the definition that token_statistics_backward.wgsl is
 * held to.
 */
export function tokenStatisticsBackwardReference(
  input: TokenStatisticsReferenceInput,
  { gradLogProb, gradEntropy }: UpstreamGradients,
): Float64Array {
  const { logits, targets, columns, temperature } = input;
  const { entropy, logZ } = tokenStatisticsReference(input);
  const gradient = new Float64Array(logits.length);
  for (let i = 0; i < logits.length; i++) {
    const row = Math.floor(i / columns);
    const logP = logits[i]! / temperature - logZ[row]!;
    const p = Math.exp(logP);
    const isTarget = i - row * columns === targets[row] ? 1 : 0;
    const fromEntropy = p === 0 ? 0 : p * (logP + entropy[row]!);
    gradient[i] = (gradLogProb[row]! * (isTarget - p) - gradEntropy[row]! * fromEntropy) /
      temperature;
  }
  return gradient;
}
