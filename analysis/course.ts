import type { Series } from "./readers/series.ts";
import { medianOf, MOST_POINTS, noiseOf, reduced } from "./trend.ts";

/** A value at a step. */
export interface Point {
  /** The step. */
  readonly step: number;
  /** The value, in the series' unit. */
  readonly value: number;
}

/** A series from its start over its lowest and highest point to its end. */
export interface SeriesCourse {
  /** The first value, or the median of the first three. */
  readonly start: Point;
  /** The lowest point, the first of equal ones. */
  readonly trough: Point;
  /** The highest point, the first of equal ones. */
  readonly peak: Point;
  /** The last value, or the median of the last three. */
  readonly end: Point;
  /** The running median that the points are of: each of the median of so many neighbours; 1: of none. */
  readonly width: number;
}

/** Values at either end of which the median may be taken, so that one wild step decides nothing. */
const END_VALUES = 3;
/** Fewer values than this are taken one by one: a run is validated a few times only. */
export const FEWEST_SMOOTHED = 12;
/** The widest window of the running median. */
const WIDEST = 51;

/**
 * The course of a series; undefined for fewer than two values.
 *
 * @param ends Whether its start and its end are single values or, of 12 values and more, medians of three, at
 * the step of the median.
 * @param narrowest The least width of the running median, odd.
 */
export function courseOf(
  series: Series,
  ends: "values" | "medians" = "values",
  narrowest = 1,
): SeriesCourse | undefined {
  const count = series.values.length;
  if (count < 2) return undefined;
  const { steps, values: smooth, width } = smoothed(series, narrowest);
  const few = ends === "values" || width === 1 ? 1 : END_VALUES;
  let [low, high] = [0, 0];
  for (let i = 1; i < smooth.length; i++) {
    if (smooth[i]! < smooth[low]!) low = i;
    if (smooth[i]! > smooth[high]!) high = i;
  }
  const at = (i: number): Point => ({ step: steps[i]!, value: smooth[i]! });
  return {
    start: middleOf(series, 0, few),
    trough: at(low),
    peak: at(high),
    end: middleOf(series, count - few, few),
    width,
  };
}

/** A value within so many standard deviations of the lowest or highest point has not left it. */
const NEAR_DEVIATIONS = 3;

/**
 * The last step at which a series is still at its lowest or highest point: a running median turns up to half its
 * width before the values do.
 */
export function lastAt(
  name: "trough" | "peak",
  series: Series,
  course: SeriesCourse,
): number {
  const { steps, values } = series;
  const { step, value } = course[name];
  const near = NEAR_DEVIATIONS * noiseOf(series);
  const first = steps.findLastIndex((one) => one <= step);
  let last = first;
  for (let i = first + 1; i <= first + course.width && i < values.length; i++) {
    const away = name === "trough" ? values[i]! - value : value - values[i]!;
    if (away <= near) last = i;
  }
  return steps[last]!;
}

/** The middle one in size of so many values from a place on: one that there was. */
function middleOf({ steps, values }: Series, from: number, count: number): Point {
  const order = Array.from({ length: count }, (_, i) => from + i)
    .sort((one, other) => values[one]! - values[other]!);
  const middle = order[count >> 1]!;
  return { step: steps[middle]!, value: values[middle]! };
}

/** A series through a running median whose width follows the number of values. */
export function smoothed(series: Series, narrowest = 1): Series & { readonly width: number } {
  const { steps, values } = reduced(series, MOST_POINTS);
  const width = Math.max(narrowest, widthFor(values.length));
  return { steps, values: runningMedian(values, width), width };
}

/** The width of the running median that so many values are looked at through, odd. */
function widthFor(count: number): number {
  if (count < FEWEST_SMOOTHED) return 1;
  return Math.min(WIDEST, Math.max(5, 2 * Math.floor(count / 80) + 1));
}

/**
 * The running median: of each value and its neighbours on both sides, fewer of them towards the ends, so
 * that the first and the last value are themselves.
 *
 * @param width Odd.
 */
export function runningMedian(values: Float64Array, width: number): Float64Array {
  const found = new Float64Array(values.length);
  const half = (width - 1) / 2;
  for (let i = 0; i < values.length; i++) {
    const reach = Math.min(half, i, values.length - 1 - i);
    found[i] = reach === 0 ? values[i]! : medianOf(values.subarray(i - reach, i + reach + 1));
  }
  return found;
}
