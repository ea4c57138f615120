import { changes } from "./changed.ts";
import { courseOf, type Point, type SeriesCourse } from "./course.ts";
import { DEVIATIONS, fallOf, type ScoreFall } from "./fall.ts";
import type { ScoreSeries } from "./readers/run.ts";
import { noiseOf } from "./trend.ts";
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
  /** The standard deviation of a score. */
  readonly scatter: number;
  /** The standard deviation of a point of the course. */
  readonly noise: number;
}

/** Whether a score fell, from its highest point or from its start to its end. */
export function falls({ start, end, fall, changed, noise }: ScoreCourse): boolean {
  return fall !== undefined || (changed && start.value - end.value > DEVIATIONS * noise);
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
  const ofWhole = courseOf(whole, ends);
  if (ofWhole === undefined) return undefined;
  const isTold = whole.values.length >= FEWEST_TOLD;
  const fall = isTold ? fallOf(whole, ofWhole) : undefined;
  const score = withoutStrayEnd(whole);
  const course = courseOf(score, ends)!;
  const { start, width } = course;
  // A median of three at the end of a log may be of a dip just before it.
  const { end } = fall === undefined ? courseOf(undisturbed(whole), ends)! : course;
  const scatter = noiseOf(score);
  // A median of n values varies by about 1.25/√n of what one does.
  const noise = scatter * (width === 1 ? 1 : 1.25 / Math.sqrt(width));
  const changed = isTold && changes(score);
  return {
    ...course,
    end,
    scatter,
    noise,
    changed,
    rose: changed && end.value - start.value > DEVIATIONS * noise,
    fall,
    stray: strayEnd(whole),
  };
}
