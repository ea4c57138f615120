import { changes } from "./changed.ts";
import { courseOf, type Point, type SeriesCourse } from "./course.ts";
import { DEVIATIONS, fallOf, type ScoreFall } from "./fall.ts";
import type { ScoreSeries } from "./readers/run.ts";
import type { Series } from "./readers/series.ts";
import {
  deviationOfMedian,
  narrowestFor,
  nearlyIndependent,
  type Scatter,
  scatterOf,
} from "./scatter.ts";
import { medianOf } from "./trend.ts";
import { strayEnd, undisturbed, withoutStrayEnd } from "./undisturbed.ts";

/** The score's course, and what of it counts as a rise or a fall. */
export interface ScoreCourse extends SeriesCourse {
  /** Whether it ends above its start by more than the noise. */
  readonly rose: boolean;
  /** How it came down from its highest point by more than the noise and a fifth of the gain. */
  readonly fall: ScoreFall | undefined;
  /** Whether it does more than scatter about one level. */
  readonly changed: boolean;
  /** The last score where it is far from those beside it; all but the fall is told without it. */
  readonly stray: Point | undefined;
  /** What it rose by from its start to its end, in standard deviations of a point. */
  readonly rise: number;
  /** The standard deviation of a score. */
  readonly scatter: number;
  /** The standard deviation of a point of the course. */
  readonly noise: number;
}

/** Whether a score fell, from its highest point or from its start to its end. */
export function falls({ fall, changed, rise }: ScoreCourse): boolean {
  return fall !== undefined || (changed && rise < -DEVIATIONS);
}

/** Of fewer scores the log does not tell how far they scatter, so neither a rise nor a fall is told from chance. */
export const FEWEST_TOLD = 3;

/**
 * The course of a score; undefined for fewer than two values.
 *
 * @param ends As in {@linkcode courseOf}; by default medians of a training score, which is that of one batch.
 */
export function scoreCourse(
  whole: ScoreSeries,
  ends: "values" | "medians" = whole.kind === "training" ? "medians" : "values",
): ScoreCourse | undefined {
  const ofWhole = courseOf(whole, ends, narrowestFor(whole));
  if (ofWhole === undefined) return undefined;
  const isTold = whole.values.length >= FEWEST_TOLD;
  const fall = isTold ? fallOf(whole, ofWhole) : undefined;
  const score = withoutStrayEnd(whole);
  const course = courseOf(score, ends, narrowestFor(score))!;
  const { start, width } = course;
  // A median of three at the end of a log may be of a dip just before it.
  const rest = fall === undefined ? undisturbed(whole) : score;
  const { end } = fall === undefined ? courseOf(rest, ends)! : course;
  const scatter = scatterOf(score);
  const noise = deviationOfMedian(scatter, width);
  const rise = riseOf(rest, { start, end, noise }, scatter);
  const changed = isTold && changes(nearlyIndependent(score));
  return {
    ...course,
    end,
    scatter: scatter.deviation,
    noise,
    changed,
    rose: changed && rise > DEVIATIONS,
    rise,
    fall,
    stray: strayEnd(whole),
  };
}

/** The median of this share of the scores at either end tells where one stands that scatters for several steps. */
const ENDS = 0.1;

/** What a score rose by, in standard deviations: where neighbours are alike, by the medians over a tenth at either end. */
function riseOf(
  { values }: Series,
  { start, end, noise }: { readonly start: Point; readonly end: Point; readonly noise: number },
  scatter: Scatter,
): number {
  if (scatter.alike === 1) return ratio(end.value - start.value, noise);
  const count = Math.round(ENDS * values.length);
  const rise = medianOf(values.subarray(-count)) - medianOf(values.subarray(0, count));
  return ratio(rise, deviationOfMedian(scatter, count));
}

/** How many times a number is in another; of 0 not at all in itself. */
function ratio(one: number, other: number): number {
  return one === 0 ? 0 : one / other;
}
