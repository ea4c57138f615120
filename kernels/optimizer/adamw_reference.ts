import type { AdamWSettings } from "./adamw.ts";

/** What {@linkcode adamwReference} takes; the parameter and its moments are changed in place. */
export interface AdamWReferenceInput {
  /** The parameter. */
  readonly parameter: Float64Array;
  /** Mean of gradients. */
  readonly firstMoment: Float64Array;
  /** Mean of squared gradients. */
  readonly secondMoment: Float64Array;
  /** The gradient of the loss with respect to the parameter, clipped. */
  readonly gradient: ArrayLike<number>;
  /** The settings. */
  readonly settings: AdamWSettings;
  /** The number of this step, 1 for the first. */
  readonly step: number;
}

/** One step of AdamW in float64, as `torch.optim.AdamW` computes it. */
export function adamwReference(input: AdamWReferenceInput): void {
  const { parameter, firstMoment, secondMoment, gradient, settings, step } = input;
  const { learningRate, beta1, beta2, epsilon, weightDecay } = settings;
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
