import type { AdamWSettings } from "./adamw.ts";

/** A parameter and its moments, changed in place by {@linkcode adamwReference}. */
export interface AdamWState {
  /** The parameter. */
  readonly parameter: Float64Array;
  /** Mean of gradients. */
  readonly firstMoment: Float64Array;
  /** Mean of squared gradients. */
  readonly secondMoment: Float64Array;
}

/** One step of AdamW in float64, as `torch.optim.AdamW` computes it. */
export function adamwReference(
  { parameter, firstMoment, secondMoment }: AdamWState,
  gradient: ArrayLike<number>,
  { learningRate, beta1, beta2, epsilon, weightDecay }: AdamWSettings,
  step: number,
): void {
  for (let i = 0; i < parameter.length; i++) {
    const g = gradient[i]!;
    firstMoment[i] = beta1 * firstMoment[i]! + (1 - beta1) * g;
    secondMoment[i] = beta2 * secondMoment[i]! + (1 - beta2) * g ** 2;
    const mean = firstMoment[i]! / (1 - beta1 ** step);
    const square = secondMoment[i]! / (1 - beta2 ** step);
    parameter[i] = (1 - learningRate * weightDecay) * parameter[i]! -
      (learningRate * mean) / (Math.sqrt(square) + epsilon);
  }
}
