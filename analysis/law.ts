import { max, min } from "simple-statistics";
import { LawError } from "./errors.ts";
import type { Pair } from "./pairs.ts";
import { type Bootstrap, bootstrapLine } from "./bootstrap.ts";
import { type Identification, identify } from "./identification.ts";

/** The least number of pairs that a law is fitted to. */
export const FEWEST_PAIRS = 4;

/** Lower and upper end of a 95 % interval. */
export type Interval = readonly [number, number];

/** The point estimate of R = −a·exp(H) + b (paper, Eq. 4) by ordinary least squares. */
export interface LawCurve {
  /** a, in units of R. */
  readonly a: number;
  /** b, in units of R. */
  readonly b: number;
  /** b − a: the performance at H = 0, where all entropy is spent. */
  readonly ceiling: number;
}

/** The law fitted to one run, with its uncertainty. */
export interface LawFit extends LawCurve {
  /** Number of pairs. */
  readonly n: number;
  /** Share of the variance of R that the law explains. */
  readonly r2: number;
  /** Root mean squared residual over the n pairs, in units of R. */
  readonly rmse: number;
  /** Smallest and largest H of the pairs, in nats per token. */
  readonly entropyRange: Interval;
  /** 95 % intervals, see {@linkcode bootstrapLine}. */
  readonly interval: { readonly a: Interval; readonly b: Interval; readonly ceiling: Interval };
  /** How the intervals were made; also draws the band around the curve. */
  readonly bootstrap: Bootstrap;
  /** Whether the pairs identify the law, and why. */
  readonly identified: Identification;
}

/**
 * Fits R = −a·exp(H) + b (paper, Eq. 4): linear in exp(H), so ordinary least squares in closed form.
 * Pure and deterministic; the bootstrap is seeded.
 *
 * @param pairs H in nats per token, R as a fraction or reward, in order of their steps.
 * @throws {LawError} `too-few-pairs` for fewer than 4, `not-finite` for NaN or infinity,
 * `constant-entropy` and `constant-score` where no slope can be told.
 */
export function fitLaw(pairs: readonly Pair[]): LawFit {
  const { a, b, ceiling } = fitCurve(pairs);
  const x = pairs.map(({ entropy }) => Math.exp(entropy));
  const residuals = pairs.map(({ score }, i) => score - (b - a * x[i]!));
  const mean = pairs.reduce((sum, { score }) => sum + score, 0) / pairs.length;
  const total = pairs.reduce((sum, { score }) => sum + (score - mean) ** 2, 0);
  const squared = residuals.reduce((sum, residual) => sum + residual ** 2, 0);
  const bootstrap = bootstrapLine(x, residuals, { intercept: b, slope: -a });
  const interval = {
    a: flipped(bootstrap.interval(0, 1)),
    b: bootstrap.interval(1, 0),
    ceiling: bootstrap.interval(1, 1),
  };
  const entropies = pairs.map(({ entropy }) => entropy);
  return {
    a,
    b,
    ceiling,
    n: pairs.length,
    r2: 1 - squared / total,
    rmse: Math.sqrt(squared / pairs.length),
    entropyRange: [min(entropies), max(entropies)],
    interval,
    bootstrap,
    identified: identify(pairs, interval.a),
  };
}

/**
 * The point estimate of {@linkcode fitLaw} without its uncertainty.
 *
 * @throws {LawError} as {@linkcode fitLaw} does.
 */
export function fitCurve(pairs: readonly Pair[]): LawCurve {
  checkPairs(pairs);
  const x = pairs.map(({ entropy }) => Math.exp(entropy));
  const meanX = x.reduce((sum, value) => sum + value, 0) / x.length;
  const meanY = pairs.reduce((sum, { score }) => sum + score, 0) / x.length;
  let xx = 0;
  let xy = 0;
  for (const [i, { score }] of pairs.entries()) {
    xx += (x[i]! - meanX) ** 2;
    xy += (x[i]! - meanX) * (score - meanY);
  }
  const a = -xy / xx;
  const b = meanY + a * meanX;
  return { a, b, ceiling: b - a };
}

/** R at an entropy, by a fitted law. */
export function lawAt({ a, b }: LawCurve, entropy: number): number {
  return b - a * Math.exp(entropy);
}

function checkPairs(pairs: readonly Pair[]): void {
  for (const [i, { step, entropy, score }] of pairs.entries()) {
    if (Number.isFinite(entropy) && Number.isFinite(score)) continue;
    throw new LawError(
      "not-finite",
      `pair ${i} (step ${step}) has entropy ${entropy} and score ${score}, expected finite numbers.`,
    );
  }
  if (pairs.length < FEWEST_PAIRS) {
    throw new LawError(
      "too-few-pairs",
      `there are ${pairs.length} pairs of entropy and score, the law needs at least ${FEWEST_PAIRS}.`,
    );
  }
  const [first] = pairs;
  if (pairs.every(({ entropy }) => entropy === first!.entropy)) {
    throw new LawError(
      "constant-entropy",
      `the entropy is ${first!.entropy} in all ${pairs.length} pairs, so no law can be fitted.`,
    );
  }
  if (pairs.every(({ score }) => score === first!.score)) {
    throw new LawError(
      "constant-score",
      `the score is ${first!.score} in all ${pairs.length} pairs, so no law can be fitted.`,
    );
  }
}

function flipped([low, high]: Interval): Interval {
  return [-high, -low];
}
