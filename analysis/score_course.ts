import { changes } from "./changed.ts";
import { courseOf, type SeriesCourse } from "./course.ts";
import { DEVIATIONS, fallOf, type ScoreFall } from "./fall.ts";
import type { ScoreSeries } from "./readers/run.ts";
import { noiseOf } from "./trend.ts";

/** The score's course, and what of it counts as a rise or a fall. */
export interface ScoreCourse extends SeriesCourse {
  /** Whether it ends above its start by more than the noise. */
  readonly rose: boolean;
  /** How it came down from its highest point by more than the noise and a fifth of the gain. */
  readonly fall: ScoreFall | undefined;
  /** Whether it does more than scatter about one level. */
  readonly changed: boolean;
  /** The standard deviation of a score. */
  readonly scatter: number;
  /** The standard deviation of a point of the course. */
  readonly noise: number;
}

/** Whether a score fell, from its highest point or from its start to its end. */
export function falls({ start, end, fall, changed, noise }: ScoreCourse): boolean {
  return fall !== undefined || (changed && start.value - end.value > DEVIATIONS * noise);
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
  const { start, end, width } = course;
  const scatter = noiseOf(score);
  // A median of n values varies by about 1.25/√n of what one does.
  const noise = scatter * (width === 1 ? 1 : 1.25 / Math.sqrt(width));
  const changed = changes(score);
  return {
    ...course,
    scatter,
    noise,
    changed,
    rose: changed && end.value - start.value > DEVIATIONS * noise,
    fall: fallOf(score, course),
  };
}
