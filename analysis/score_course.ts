import { changes } from "./changed.ts";
import { courseOf, type SeriesCourse } from "./course.ts";
import type { ScoreSeries } from "./readers/run.ts";
import type { Series } from "./readers/series.ts";
import { noiseOf } from "./trend.ts";

/** A fall counts from this share of the gain before it on, and above the noise. */
const SMALLEST_FALL = 0.2;
/** What is above so many standard deviations of a point is no noise. */
const DEVIATIONS = 3;

/** The score's course, and what of it counts as a rise or a fall. */
export interface ScoreCourse extends SeriesCourse {
  /** Whether it ends above its start by more than the noise. */
  readonly rose: boolean;
  /** Whether it ends below its highest point by more than the noise and a fifth of the gain. */
  readonly fell: boolean;
  /** Whether it does more than scatter about one level. */
  readonly changed: boolean;
  /** The standard deviation of a point. */
  readonly noise: number;
}

/** Whether a score fell, from its highest point or from its start to its end. */
export function falls({ start, end, fell, changed, noise }: ScoreCourse): boolean {
  return fell || (changed && start.value - end.value > DEVIATIONS * noise);
}

/**
 * Whether a fall is larger than one by chance and than a fifth of the gain before it.
 *
 * @param sides Of how many extremes it is the distance from a level: 2 from the highest point to the lowest.
 */
export function isAboveChance(
  fall: number,
  gain: number,
  { score, course: { noise, width }, sides = 1 }: {
    readonly sides?: 1 | 2;
    readonly score: Series;
    readonly course: Pick<ScoreCourse, "noise" | "width">;
  },
): boolean {
  // The highest of n points that scatter about a level is about √(2 ln n) deviations above it.
  const chance = Math.max(DEVIATIONS, 2 + Math.sqrt(2 * Math.log(score.values.length / width)));
  return fall > sides * chance * noise && fall > SMALLEST_FALL * gain;
}

/**
 * The course of a score; undefined for fewer than two values.
 *
 * @param ends As in {@linkcode courseOf}; by default medians of a training score, which is that of one batch.
 */
export function scoreCourse(
  score: ScoreSeries,
  ends: "values" | "medians" = score.kind === "training" ? "medians" : "values",
): ScoreCourse | undefined {
  const course = courseOf(score, ends);
  if (course === undefined) return undefined;
  const { start, trough, peak, end, width } = course;
  // A median of n values varies by about 1.25/√n of what one does.
  const noise = noiseOf(score) * (width === 1 ? 1 : 1.25 / Math.sqrt(width));
  const gain = peak.value -
    Math.min(start.value, trough.step < peak.step ? trough.value : Infinity);
  const fall = peak.value - end.value;
  const changed = changes(score);
  return {
    ...course,
    noise,
    changed,
    rose: changed && end.value - start.value > DEVIATIONS * noise,
    fell: changed && peak.step < end.step &&
      isAboveChance(fall, gain, { score, course: { noise, width } }),
  };
}
