import type { Point } from "./course.ts";
import type { Series } from "./readers/series.ts";
import { medianOf, MOST_POINTS, noiseOf, reduced } from "./trend.ts";

/** A change of level from one step to the next, which a course of learning does not have. */
export interface Jump {
  /** The last value before it. */
  readonly before: Point;
  /** The first value after it. */
  readonly after: Point;
  /** The medians of the five values before it and of the five after it; of a long series, of medians. */
  readonly levels: readonly [number, number];
}

/** Values on either side whose medians are the levels. */
const SIDE = 5;
/** A jump is more than this share of the higher level … */
const SMALLEST_SHARE = 0.3;
/** … so many standard deviations … */
const DEVIATIONS = 8;
/** … and so many times what the level changes by in as many values beside it. */
const STEEPER = 3;
/** One step makes more than this share of it; else it came by and by. */
const IN_ONE_STEP = 0.5;
/** Levels that are apart by this share of the largest jump are apart as much. */
const AS_LARGE = 0.95;

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
  const at = steepest(values, place, change);
  const first = stepWithin(series, steps[at - 2]!, steps[at + 1]!, change(at));
  const point = (i: number): Point => ({ step: series.steps[i]!, value: series.values[i]! });
  const [before, after] = [point(first - 1), point(first)];
  const share = (after.value - before.value) / change(at);
  return share > IN_ONE_STEP
    ? { before, after, levels: [levels[at]!, levels[at + SIDE]!] }
    : undefined;
}

/** The place after the largest step in a direction that a series makes between two of its steps. */
function stepWithin(
  { steps, values }: Series,
  from: number,
  to: number,
  direction: number,
): number {
  const start = steps.findIndex((step) => step >= from) + 1;
  const rise = (i: number) => Math.sign(direction) * (values[i]! - values[i - 1]!);
  let found = start;
  for (let i = start; steps[i]! <= to; i++) if (rise(i) > rise(found)) found = i;
  return found;
}

/**
 * The place of the largest step near one where levels are apart: as medians they are apart by as much up to
 * two values before and after it.
 */
function steepest(
  values: Float64Array,
  place: number,
  change: (i: number) => number,
): number {
  const half = SIDE >> 1;
  const size = Math.abs(change(place));
  const rise = (i: number) => Math.sign(change(place)) * (values[i]! - values[i - 1]!);
  let found = place;
  for (let i = place - half; i <= place + half; i++) {
    if (Math.abs(change(i)) >= AS_LARGE * size && rise(i) > rise(found)) found = i;
  }
  return found;
}
