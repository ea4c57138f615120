import { counted } from "../formats/counted.ts";
import { checkValues, LARGEST_NUMBER } from "./check_pairs.ts";
import { LawError } from "./law_error.ts";
import { FEWEST_PAIRS, fitCurve, lawAt, type LawCurve } from "./law.ts";
import type { Pair } from "./pairs.ts";
import { rootMeanSquare } from "./scale.ts";

/** The part of a run that a prediction is made from: a fraction of its steps, or a number of them. */
export type Portion = { readonly fraction: number } | { readonly steps: number };

/** A prediction of one part of a run from the other. */
export interface Prediction extends LawCurve {
  /** What it was made from. */
  readonly portion: Portion;
  /** `forward`: from the first part, the later is predicted; `reverse`: the other way round. */
  readonly direction: "forward" | "reverse";
  /** Number of pairs fitted. */
  readonly fitted: number;
  /** Number of pairs predicted. */
  readonly predicted: number;
  /** First and last step of the fitted pairs. */
  readonly fittedSteps: readonly [number, number];
  /** Root mean squared error over the predicted pairs, in units of R. */
  readonly rmse: number;
  /** Predicted less actual R at the far end of the run: the last pair, or the first in reverse. */
  readonly endError: number;
}

/** The portion that the paper predicts from: 36 of 240 rollout steps. */
export const FIRST_15_PERCENT: Portion = { fraction: 0.15 };

/**
 * Fits the law to the first part of a run and predicts the rest (paper, Sec. 2.4), or with `reverse`
 * fits the last part and predicts the earlier. Entropy of the predicted steps is taken as known, as in
 * the paper: what is predicted is the performance at that entropy. Steps count from the first pair's.
 *
 * @throws {LawError} `no-split` if fewer than 4 pairs lie in the portion or none outside it,
 * `out-of-range` if the predicted R is beyond the range of floats, and as `fitLaw` does.
 */
export function predictFrom(
  pairs: readonly Pair[],
  portion: Portion,
  options: { readonly reverse?: boolean } = {},
): Prediction {
  checkValues(pairs);
  const reverse = options.reverse ?? false;
  const { fitted, rest } = splitPairs(pairs, portion, reverse);
  if (fitted.length < FEWEST_PAIRS || rest.length === 0) {
    throw new LawError(
      "no-split",
      `${
        describePortion(portion, reverse)
      } hold ${fitted.length} of the ${pairs.length} pairs, expected at least ${FEWEST_PAIRS} there and 1 outside.`,
    );
  }
  const curve = fitCurve(fitted);
  const errors = rest.map(({ entropy, score }) => lawAt(curve, entropy) - score);
  const rmse = rootMeanSquare(errors);
  if (!(rmse <= LARGEST_NUMBER)) {
    throw new LawError(
      "out-of-range",
      `the law of ${
        describePortion(portion, reverse)
      } predicts an R for the others that is too large a number to compute with.`,
    );
  }
  return {
    ...curve,
    portion,
    direction: reverse ? "reverse" : "forward",
    fitted: fitted.length,
    predicted: rest.length,
    fittedSteps: [fitted[0]!.step, fitted.at(-1)!.step],
    rmse,
    endError: reverse ? errors[0]! : errors.at(-1)!,
  };
}

/** The pairs of a portion of a run, and the others. Steps count from the first pair's. */
export function splitPairs(
  pairs: readonly Pair[],
  portion: Portion,
  reverse: boolean,
): { fitted: Pair[]; rest: Pair[] } {
  const first = pairs[0]?.step ?? 0;
  const last = pairs.at(-1)?.step ?? 0;
  const length = "steps" in portion ? portion.steps : portion.fraction * (last - first);
  const isFitted = ({ step }: Pair) => reverse ? step >= last - length : step <= first + length;
  return {
    fitted: pairs.filter(isFitted),
    rest: pairs.filter((pair) => !isFitted(pair)),
  };
}

/** A portion in words: `the first 15 % of the steps`. */
export function describePortion(portion: Portion, reverse: boolean): string {
  const amount = "steps" in portion
    ? counted(portion.steps, "step")
    : `${Number((100 * portion.fraction).toFixed(2))} % of the steps`;
  return `the ${reverse ? "last" : "first"} ${amount}`;
}
