import { counted } from "../formats/counted.ts";
import { checkValues, LARGEST_NUMBER } from "./check_pairs.ts";
import { LawError } from "./law_error.ts";
import type { Interval } from "./interval.ts";
import { FEWEST_PAIRS, fitLaw, lawAt, type LawCurve, type LawFit } from "./law.ts";
import type { Pair } from "./pairs.ts";
import type { ScoreSeries } from "./readers/run.ts";
import { rootMeanSquare } from "./scale.ts";
import { stepText } from "./step_text.ts";

/** The part of a run that a prediction is made from: a fraction of its steps, or a number of them. */
export type Portion = { readonly fraction: number } | { readonly steps: number };

/** What is predicted of one pair, beside what was seen. */
export interface PredictedPair {
  /** Its step. */
  readonly step: number;
  /** Its entropy, in nats per token. */
  readonly entropy: number;
  /** R by the law of the fitted part. */
  readonly predicted: number;
  /** R as it was logged. */
  readonly seen: number;
  /** 95 % interval of a score there: of the law, and of the scatter about it. */
  readonly interval: Interval;
}

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
  /** That pair. */
  readonly end: PredictedPair;
  /** 95 % interval of the ceiling by the fitted part. */
  readonly ceilingInterval: Interval;
}

/** The portion that the paper predicts from: 36 of 240 rollout steps. */
export const FIRST_15_PERCENT: Portion = { fraction: 0.15 };

/**
 * Fits the law to the first part of a run and predicts the rest (paper, Sec. 2.4), or with `reverse`
 * fits the last part and predicts the earlier. Entropy of the predicted steps is taken as known, as in
 * the paper: what is predicted is the performance at that entropy. Steps count from the first pair's, which is
 * one of them.
 *
 * @param options Whether in reverse, how many series the bootstrap draws, as for `fitLaw`, and what the scores are.
 * @throws {LawError} `no-split` if fewer than 4 pairs lie in the portion or none outside it,
 * `out-of-range` if the predicted R is beyond the range of floats, and as `fitLaw` does.
 */
export function predictFrom(
  pairs: readonly Pair[],
  portion: Portion,
  options: {
    readonly reverse?: boolean;
    readonly draws?: number;
    readonly unit?: ScoreSeries["unit"];
  } = {},
): Prediction {
  checkValues(pairs);
  const reverse = options.reverse ?? false;
  const { fitted, rest } = splitPairs(pairs, portion, reverse);
  if (rest.length === 0) {
    throw new LawError(
      "no-split",
      `${
        describePortion(portion, reverse)
      } hold all ${pairs.length} pairs, so none is left to predict; the pairs are of steps ${
        stepText(pairs[0]?.step ?? 0)
      } to ${stepText(pairs.at(-1)?.step ?? 0)}.`,
    );
  }
  if (fitted.length < FEWEST_PAIRS) {
    throw new LawError(
      "no-split",
      `${
        describePortion(portion, reverse)
      } hold ${fitted.length} of the ${pairs.length} pairs, expected at least ${FEWEST_PAIRS}, as the law needs.`,
    );
  }
  const { draws } = options;
  const curve = fitLaw(fitted, draws === undefined ? {} : { draws });
  const errors = rest.map(({ entropy, score }) => lawAt(curve, entropy) - score);
  const rmse = rootMeanSquare(errors);
  const far = reverse ? rest[0]! : rest.at(-1)!;
  const end: PredictedPair = {
    step: far.step,
    entropy: far.entropy,
    predicted: lawAt(curve, far.entropy),
    seen: far.score,
    interval: intervalOfScore(curve, far.entropy, options.unit ?? "reward"),
  };
  if (![rmse, ...end.interval.map(Math.abs)].every((value) => value <= LARGEST_NUMBER)) {
    throw new LawError(
      "out-of-range",
      `the law of ${
        describePortion(portion, reverse)
      } predicts an R for the others that is too large a number to compute with.`,
    );
  }
  return {
    a: curve.a,
    b: curve.b,
    ceiling: curve.ceiling,
    portion,
    direction: reverse ? "reverse" : "forward",
    fitted: fitted.length,
    predicted: rest.length,
    fittedSteps: [fitted[0]!.step, fitted.at(-1)!.step],
    rmse,
    endError: reverse ? errors[0]! : errors.at(-1)!,
    end,
    ceilingInterval: curve.interval.ceiling,
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
  // 36 steps from step 1 on are steps 1 to 36.
  const length = "steps" in portion ? portion.steps - 1 : portion.fraction * (last - first);
  const isFitted = ({ step }: Pair) => reverse ? step >= last - length : step <= first + length;
  return {
    fitted: pairs.filter(isFitted),
    rest: pairs.filter((pair) => !isFitted(pair)),
  };
}

/** Standard deviations that hold 95 % of a normal distribution. */
const NORMAL_95 = 1.96;

/**
 * The 95 % interval of a score at an entropy: the interval of the law there, widened by the scatter of
 * single scores about it.
 *
 * @param unit Of the score: the interval of a fraction ends at 1, unless all of it lies above.
 */
export function intervalOfScore(
  fit: LawFit,
  entropy: number,
  unit: ScoreSeries["unit"],
): Interval {
  const [low, high] = fit.bootstrap.interval(1, Math.exp(entropy));
  const scatter = NORMAL_95 * fit.rmse * Math.sqrt(fit.n / Math.max(1, fit.n - 2));
  const half = Math.hypot((high - low) / 2, scatter);
  const value = lawAt(fit, entropy);
  const [from, to] = [value - half, value + half];
  return [from, unit === "fraction" && from <= 1 ? Math.min(to, 1) : to];
}

/** A portion in words: `the first 15 % of the steps`. */
export function describePortion(portion: Portion, reverse: boolean): string {
  const amount = "steps" in portion
    ? counted(portion.steps, "step")
    : `${Number((100 * portion.fraction).toFixed(2))} % of the steps`;
  return `the ${reverse ? "last" : "first"} ${amount}`;
}
