import { changes } from "./changed.ts";
import { courseOf, type SeriesCourse } from "./course.ts";
import type { ScoreSeries } from "./readers/run.ts";
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

/** The course of a score; undefined for fewer than two values. */
export function scoreCourse(score: ScoreSeries): ScoreCourse | undefined {
  // A training score is that of one batch.
  const course = courseOf(score, score.kind === "training" ? "medians" : "values");
  if (course === undefined) return undefined;
  const { start, trough, peak, end, width } = course;
  // A median of n values varies by about 1.25/√n of what one does.
  const noise = noiseOf(score) * (width === 1 ? 1 : 1.25 / Math.sqrt(width));
  const gain = peak.value -
    Math.min(start.value, trough.step < peak.step ? trough.value : Infinity);
  const fall = peak.value - end.value;
  const changed = changes(score);
  // The highest of n points that scatter about a level is about √(2 ln n) deviations above it.
  const chance = Math.max(DEVIATIONS, 2 + Math.sqrt(2 * Math.log(score.values.length / width)));
  return {
    ...course,
    noise,
    changed,
    rose: changed && end.value - start.value > DEVIATIONS * noise,
    fell: changed && peak.step < end.step && fall > chance * noise &&
      fall > SMALLEST_FALL * gain,
  };
}
