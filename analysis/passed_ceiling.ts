import { scatterOf } from "./scatter.ts";
import { medianOf } from "./trend.ts";
import type { Pair } from "./pairs.ts";

/** A score that ends above what a law allows. */
export interface PassedCeiling {
  /** Where the score ends: the median of the last three. */
  readonly now: number;
  /** b − a, the most that the law allows at any entropy. */
  readonly ceiling: number;
}

/** Pairs at either end of a run of which the middle one is taken. */
const END_PAIRS = 3;
/** A score is above the ceiling by more than this share of the gain up to it … */
const SMALLEST_SHARE = 0.1;
/** … and by more than so many standard deviations of a score. */
const DEVIATIONS = 3;

/**
 * Where a score ends clearly above the ceiling of the law that is fitted to its run, so that the run refutes
 * the law there; undefined where it does not, for fewer than 6 pairs, for a law that falls, and where entropies are below 0,
 * so that H = 0 is no end of what can be spent.
 *
 * @param pairs In order of their steps.
 */
export function passedCeiling(
  pairs: readonly Pair[],
  { a, ceiling }: { readonly a: number; readonly ceiling: number },
): PassedCeiling | undefined {
  if (pairs.length < 2 * END_PAIRS || !(a > 0)) return undefined;
  if (pairs.some(({ entropy }) => entropy < 0)) return undefined;
  const scores = pairs.map(({ score }) => score);
  const [start, now] = [medianOf(scores.slice(0, END_PAIRS)), medianOf(scores.slice(-END_PAIRS))];
  const { deviation } = scatterOf({
    steps: Float64Array.from(pairs, ({ step }) => step),
    values: Float64Array.from(scores),
  });
  const above = now - ceiling;
  const isClear = above > DEVIATIONS * deviation && above > SMALLEST_SHARE * (ceiling - start);
  return isClear && above > 0 ? { now, ceiling } : undefined;
}
