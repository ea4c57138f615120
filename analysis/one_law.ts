import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { max, mean, min } from "simple-statistics";
import type { FittedRuns, RunPairs } from "./fit_runs.ts";
import { fitCurve, lawAt } from "./law.ts";

/** Whether kinds of runs share one law. */
export interface OneLaw {
  /** Twice the gain of log-likelihood that a law for each kind brings over one for all, for normal errors. */
  readonly likelihoodRatio: number;
  /** How many coefficients more that takes. */
  readonly degreesOfFreedom: number;
  /**
   * How often kinds that are dealt out to the runs at random gain as much: an exact test where errors of successive
   * steps, and of one run, are alike, which a χ² is not. Undefined where every kind has one run.
   */
  readonly p: number | undefined;
  /** The most by which the laws of two kinds differ over the entropies that all kinds have, in units of R. */
  readonly largestDifference: number;
}

const SEED = 20250528;
/** Times that the kinds are dealt out. */
const PERMUTATIONS = 9999;

/**
 * Compares a law for each kind of runs with one law for all.
 *
 * @throws {LawError} as `fitCurve` does, if a kind or all have no law.
 */
export function compareOneLaw(kinds: readonly FittedRuns[]): OneLaw {
  const runs = kinds.flatMap(({ runs }, kind) => runs.map((run) => ({ kind, run })));
  const all = runs.flatMap(({ run }) => run.pairs);
  const middle = {
    x: mean(all.map(({ entropy }) => Math.exp(entropy))),
    y: mean(all.map(({ score }) => score)),
  };
  const sums = runs.map(({ run }) => sumsOf(run, middle));
  const joint = squaredError(sums);
  const ratio = (labels: readonly number[]) => {
    const separate = kinds.reduce(
      (sum, _, kind) => sum + squaredError(sums.filter((_, i) => labels[i] === kind)),
      0,
    );
    return all.length * Math.log(joint / separate);
  };
  const labels = runs.map(({ kind }) => kind);
  const likelihoodRatio = ratio(labels);
  const random = xoroshiro128plus(SEED);
  let asLarge = 1;
  for (let i = 0; i < PERMUTATIONS; i++) {
    for (let last = labels.length - 1; last > 0; last--) {
      const other = uniformInt(random, 0, last);
      [labels[last], labels[other]] = [labels[other]!, labels[last]!];
    }
    // Rounding parts those that are equal.
    if (ratio(labels) >= likelihoodRatio * (1 - 1e-9)) asLarge++;
  }
  return {
    likelihoodRatio,
    degreesOfFreedom: 2 * (kinds.length - 1),
    p: kinds.every(({ runs }) => runs.length === 1) ? undefined : asLarge / (PERMUTATIONS + 1),
    largestDifference: largestDifference(kinds),
  };
}

/** n, Σx, Σy, Σx², Σxy and Σy² of the pairs of a run, x = exp(H), from a point in their middle. */
type Sums = readonly [number, number, number, number, number, number];

function sumsOf({ pairs }: RunPairs, middle: { readonly x: number; readonly y: number }): Sums {
  const sums: [number, number, number, number, number, number] = [0, 0, 0, 0, 0, 0];
  for (const { entropy, score } of pairs) {
    const [x, y] = [Math.exp(entropy) - middle.x, score - middle.y];
    for (const [i, value] of [1, x, y, x * x, x * y, y * y].entries()) sums[i]! += value;
  }
  return sums;
}

/** The sum of squared residuals of one law for some runs. */
function squaredError(runs: readonly Sums[]): number {
  const [n, x, y, xx, xy, yy] = [0, 1, 2, 3, 4, 5].map((i) =>
    runs.reduce((sum, own) => sum + own[i]!, 0)
  ) as unknown as Sums;
  const [sxx, sxy, syy] = [xx - x * x / n, xy - x * y / n, yy - y * y / n];
  return syy - sxy * sxy / sxx;
}

function largestDifference(kinds: readonly FittedRuns[]): number {
  const laws = kinds.map(({ runs }) => {
    const pairs = runs.flatMap(({ pairs }) => pairs);
    const entropies = pairs.map(({ entropy }) => entropy);
    return { law: fitCurve(pairs), low: min(entropies), high: max(entropies) };
  });
  // Laws are straight in exp(H), so they differ most at an end.
  const ends = [max(laws.map(({ low }) => low)), min(laws.map(({ high }) => high))];
  return max(ends.map((entropy) => {
    const values = laws.map(({ law }) => lawAt(law, entropy));
    return max(values) - min(values);
  }));
}
