import { sampleCorrelation } from "simple-statistics";
import { evenlyThinned } from "./effort.ts";
import type { Series } from "./readers/series.ts";

/** Spearman's rank correlation of two series over the steps that both have. */
export interface Correlation {
  /** −1 to 1. */
  readonly rank: number;
  /** Number of common steps that were compared: at most 20,000, evenly spaced. */
  readonly n: number;
}

/** Ranks of more values take long and tell no more. */
const MOST_COMPARED = 20_000;

/** The rank correlation of two series; undefined for fewer than 8 common steps, or as given, or a constant. */
export function correlate(left: Series, right: Series, fewest = 8): Correlation | undefined {
  const [x, y] = commonValues(left, right).map((values) => evenlyThinned(values, MOST_COMPARED));
  if (x === undefined || y === undefined || x.length < fewest) return undefined;
  const rank = sampleCorrelation(ranks(x), ranks(y));
  return Number.isFinite(rank) ? { rank, n: x.length } : undefined;
}

/** How many steps two series have in common. */
export function commonSteps(left: Series, right: Series): number {
  return commonValues(left, right)[0].length;
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
