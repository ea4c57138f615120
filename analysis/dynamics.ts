import { mean, median, sampleCorrelation } from "simple-statistics";
import type { Series } from "./readers/series.ts";
import { exponentOf, shifted } from "./scale.ts";

/** Values at either end of a run that are averaged, so that one noisy step decides nothing. */
const END_VALUES = 3;
/** Width of the running median under which a threshold counts as crossed. */
const MEDIAN_WIDTH = 5;

/** A series from its start to its end. */
export interface Change {
  /** Mean of the first three values. */
  readonly start: number;
  /** Mean of the last three values. */
  readonly end: number;
  /** First and last step. */
  readonly steps: readonly [number, number];
}

/** What became of the policy entropy. */
export type Course = "collapse" | "decline" | "stable" | "rise" | "explosion";

/** The course of the policy entropy over a run. */
export interface EntropyCourse extends Change {
  /** `collapse`: less than a quarter is left; `explosion`: it more than doubled; within ±25 %: `stable`. */
  readonly course: Course;
  /** First step at which half of the starting entropy was spent; undefined if it never was. */
  readonly halfSpent: number | undefined;
  /** First step at which 95 % of it was spent; undefined if it never was. */
  readonly nearlySpent: number | undefined;
}

/** The start and end of a series; undefined for fewer than two values. */
export function changeOf({ steps, values }: Series): Change | undefined {
  if (values.length < 2) return undefined;
  const count = Math.min(END_VALUES, Math.floor(values.length / 2));
  return {
    start: meanOf(values.subarray(0, count)),
    end: meanOf(values.subarray(-count)),
    steps: [steps[0]!, steps.at(-1)!],
  };
}

/** The mean, also of values whose sum no float holds. */
function meanOf(values: Float64Array): number {
  const unit = exponentOf(values);
  return shifted(mean(Array.from(values, (value) => shifted(value, -unit))), unit);
}

/**
 * What became of the entropy; undefined for fewer than two values, or if it does not start above 0, so
 * that there is nothing of which a share could be left.
 */
export function entropyCourse(entropy: Series): EntropyCourse | undefined {
  const change = changeOf(entropy);
  if (change === undefined || !(change.start > 0)) return undefined;
  const { start, end } = change;
  const ratio = end / start;
  const course = ratio < 0.25
    ? "collapse"
    : ratio < 0.75
    ? "decline"
    : ratio <= 1.25
    ? "stable"
    : ratio <= 2
    ? "rise"
    : "explosion";
  return {
    ...change,
    course,
    halfSpent: firstBelow(entropy, 0.5 * start),
    nearlySpent: firstBelow(entropy, 0.05 * start),
  };
}

/** The first step at which the running median of a series is at or below a value. */
export function firstBelow({ steps, values }: Series, value: number): number | undefined {
  const half = Math.floor(MEDIAN_WIDTH / 2);
  const unit = exponentOf(values);
  const limit = shifted(value, -unit);
  for (let i = 0; i < values.length; i++) {
    const window = values.subarray(Math.max(0, i - half), i + half + 1);
    // A median above the limit has more than half of the window above it, which is quickly seen.
    let above = 0;
    for (const one of window) if (shifted(one, -unit) > limit) above++;
    if (2 * above > window.length) continue;
    if (median(Array.from(window, (one) => shifted(one, -unit))) <= limit) return steps[i];
  }
  return undefined;
}

/** Spearman's rank correlation of two series over the steps that both have. */
export interface Correlation {
  /** −1 to 1. */
  readonly rank: number;
  /** Number of common steps. */
  readonly n: number;
}

/** The rank correlation of two series; undefined for fewer than 8 common steps or a constant. */
export function correlate(left: Series, right: Series): Correlation | undefined {
  const [x, y] = commonValues(left, right);
  if (x.length < 8) return undefined;
  const rank = sampleCorrelation(ranks(x), ranks(y));
  return Number.isFinite(rank) ? { rank, n: x.length } : undefined;
}

/** The values of two series at the steps that both have. */
function commonValues(left: Series, right: Series): [number[], number[]] {
  const x: number[] = [];
  const y: number[] = [];
  for (let i = 0, j = 0; i < left.steps.length && j < right.steps.length;) {
    const [p, q] = [left.steps[i]!, right.steps[j]!];
    if (p === q) {
      x.push(left.values[i++]!);
      y.push(right.values[j++]!);
    } else if (p < q) i++;
    else j++;
  }
  return [x, y];
}

/** The rank of each value; equal values share the mean of their ranks. */
function ranks(values: readonly number[]): number[] {
  const order = Uint32Array.from(values.keys()).sort((i, j) => values[i]! - values[j]!);
  const found = new Array<number>(values.length);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let i = start; i < end; i++) found[order[i]!] = (start + end - 1) / 2;
    start = end;
  }
  return found;
}
