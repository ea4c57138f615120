import { max, min } from "simple-statistics";
import { type Bootstrap, bootstrapLine } from "./bootstrap.ts";
import { checkPairs, LARGEST_NUMBER } from "./check_pairs.ts";
import { LawError } from "./law_error.ts";
import { type FitEvidence, identify } from "./identification.ts";
import { type Influence, influenceOf } from "./influence.ts";
import type { Interval } from "./interval.ts";
import { fitLine } from "./line.ts";
import type { Pair } from "./pairs.ts";
import { findPlateau, type Plateau } from "./plateau.ts";
import { exponentOf, shifted } from "./scale.ts";

export { FEWEST_PAIRS } from "./check_pairs.ts";

/** The point estimate of R = −a·exp(H) + b (paper, Eq. 6) by ordinary least squares. */
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
  /** What the pair that moves a most does to it, by {@linkcode influenceOf}; undefined if none does. */
  readonly influence: Influence | undefined;
  /** Where the scores gain nothing more, by {@linkcode findPlateau}. */
  readonly plateau: Plateau | undefined;
  /** Whether a and b can be relied on within their intervals, by {@linkcode identify}. */
  readonly identified: boolean;
  /** Why, in one sentence with its numbers. */
  readonly identifiedBecause: string;
}

/** How {@linkcode fitLaw} fits. */
export interface FitOptions {
  /** How many series the bootstrap draws. */
  readonly draws?: number;
  /** What the scores are, as a run's `score` tells it. */
  readonly score?: FitEvidence["score"];
}

/**
 * Fits R = −a·exp(H) + b (paper, Eq. 6): linear in exp(H), so ordinary least squares in closed form.
 * Pure and deterministic; the bootstrap is seeded.
 *
 * @param pairs H in nats per token, R as a fraction or reward, in order of their steps.
 * @param options How many series the bootstrap draws: 2,000 unless there are more than 49,950 pairs; and
 * what the scores are, which the verdict takes into account.
 * @throws {LawError} `too-few-pairs` for fewer than 4, `not-finite` for NaN or infinity,
 * `constant-entropy` and `constant-score` where no slope can be told, because the values are the same
 * or move by no more than rounding, and `out-of-range` where exp(H), a, b or an interval is too large
 * or too small for 64-bit floats. So every number of a fit is finite.
 */
export function fitLaw(pairs: readonly Pair[], options: FitOptions = {}): LawFit {
  const { a, b, ceiling } = fitCurve(pairs);
  const x = pairs.map(({ entropy }) => Math.exp(entropy));
  const residuals = pairs.map(({ score }, i) => score - (b - a * x[i]!));
  const mean = pairs.reduce((sum, { score }) => sum + score, 0) / pairs.length;
  const unit = exponentOf(pairs.map(({ score }) => score));
  const square = (value: number) => shifted(value, -unit) ** 2;
  const total = pairs.reduce((sum, { score }) => sum + square(score - mean), 0);
  const squared = residuals.reduce((sum, residual) => sum + square(residual), 0);
  const bootstrap = bootstrapLine(x, residuals, { intercept: b, slope: -a }, options.draws);
  const interval = {
    a: flipped(bootstrap.interval(0, 1)),
    b: bootstrap.interval(1, 0),
    ceiling: bootstrap.interval(1, 1),
  };
  checkResults(
    Object.entries(interval).flatMap(([name, ends]) =>
      ends.map((end) => [`an end of the interval of ${name}`, end])
    ),
  );
  const entropies = pairs.map(({ entropy }) => entropy);
  const influence = influenceOf(pairs, { a, interval: interval.a }, options.draws);
  const plateau = findPlateau({
    steps: Float64Array.from(pairs, ({ step }) => step),
    values: Float64Array.from(pairs, ({ score }) => score),
  });
  const { identified, identifiedBecause } = identify(pairs, interval.a, {
    a,
    influence,
    plateau,
    ceiling,
    intervalOfCeiling: interval.ceiling,
    score: options.score,
  });
  return {
    a,
    b,
    ceiling,
    n: pairs.length,
    r2: 1 - squared / total,
    rmse: shifted(Math.sqrt(squared / pairs.length), unit),
    entropyRange: [min(entropies), max(entropies)],
    interval,
    bootstrap,
    influence,
    plateau,
    identified,
    identifiedBecause,
  };
}

/**
 * The point estimate of {@linkcode fitLaw} without its uncertainty.
 *
 * @throws {LawError} as {@linkcode fitLaw} does.
 */
export function fitCurve(pairs: readonly Pair[]): LawCurve {
  checkPairs(pairs);
  const { slope, intercept, underflows } = fitLine(
    pairs.map(({ entropy }) => Math.exp(entropy)),
    pairs.map(({ score }) => score),
  );
  const a = -slope;
  if (underflows) throw outOfRange("a", a);
  checkResults([["a", a], ["b", intercept], ["the ceiling b − a", intercept - a]]);
  return { a, b: intercept, ceiling: intercept - a };
}

function checkResults(results: readonly (readonly [string, number])[]): void {
  for (const [name, value] of results) {
    if (Math.abs(value) > LARGEST_NUMBER || Number.isNaN(value)) throw outOfRange(name, value);
  }
}

function outOfRange(name: string, value: number): LawError {
  return new LawError(
    "out-of-range",
    `${name} would be ${value}, beyond what can be computed with, so no law can be fitted.`,
  );
}

/** R at an entropy, by a fitted law. */
export function lawAt({ a, b }: LawCurve, entropy: number): number {
  return b - a * Math.exp(entropy);
}

function flipped([low, high]: Interval): Interval {
  return [-high, -low];
}
