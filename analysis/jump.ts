import type { Point } from "./course.ts";
import type { Series } from "./readers/series.ts";
import { medianOf, MOST_POINTS, noiseOf, reduced } from "./trend.ts";

/** A change of level from one step to the next, which a course of learning does not have. */
export interface Jump {
  /** The level before it: the median of five values, and the step of the last of them. */
  readonly before: Point;
  /** The level after it: the median of five values, and the step of the first of them. */
  readonly after: Point;
}

/** Values on either side whose medians are the levels. */
const SIDE = 5;
/** A jump is more than this share of the higher level … */
const SMALLEST_SHARE = 0.3;
/** … so many standard deviations … */
const DEVIATIONS = 8;
/** … and so many times what the level changes by in as many values beside it. */
const STEEPER = 3;

/** The largest jump of a series; undefined if it has none. */
export function jumpOf(series: Series): Jump | undefined {
  const { steps, values } = reduced(series, MOST_POINTS);
  const noise = noiseOf({ steps, values });
  const levels = values.map((_, i) => medianOf(values.subarray(Math.max(0, i - SIDE), i || 1)));
  // The change between the five values before a place and the five from it on.
  const change = (i: number) => (levels[i + SIDE] ?? NaN) - levels[i]!;
  let [place, size] = [-1, 0];
  for (let i = 2 * SIDE; i < values.length - 2 * SIDE; i++) {
    const here = Math.abs(change(i));
    const beside = Math.max(Math.abs(change(i - SIDE)), Math.abs(change(i + SIDE)));
    const isJump = here > DEVIATIONS * noise && here > STEEPER * beside &&
      here > SMALLEST_SHARE * Math.max(Math.abs(levels[i]!), Math.abs(levels[i + SIDE]!));
    if (isJump && here > size) [place, size] = [i, here];
  }
  if (place < 0) return undefined;
  return {
    before: { step: steps[place - 1]!, value: levels[place]! },
    after: { step: steps[place]!, value: levels[place + SIDE]! },
  };
}
