import { courseOf, type SeriesCourse, smoothed } from "./course.ts";
import type { Series } from "./readers/series.ts";
import { exponentOf, shifted } from "./scale.ts";
import { noiseOf } from "./trend.ts";

/**
 * What became of the policy entropy, by its start: `collapse`: less than a quarter is left; `collapse, then
 * surge`: less than a quarter was, and half or more is again; `explosion`: more than double; `stable`: it
 * ends within a quarter of it and was never further away; `oscillation`: it turned so three times.
 */
export type CourseName =
  | "collapse"
  | "collapse, then surge"
  | "decline"
  | "stable"
  | "rise"
  | "explosion"
  | "oscillation"
  | "rise, then fall"
  | "fall, then rise";

/** The course of the policy entropy over a run. */
export interface EntropyCourse extends SeriesCourse {
  /** In a word. */
  readonly course: CourseName;
  /** First step at which half of the starting entropy was spent; undefined if it never was. */
  readonly halfSpent: number | undefined;
  /** First step at which 95 % of it was spent; undefined if it never was. */
  readonly nearlySpent: number | undefined;
}

/** A turn counts from this ratio of two levels on. */
const SMALLEST_LEG = 1.5;
/** Movements below this share of the start are none: near 0 every ratio is large. */
const NEGLIGIBLE = 0.05;
/** An oscillation turns so often. */
const FEWEST_TURNS = 3;
/** Entropies are looked at through a running median of at least so many values. */
const NARROWEST = 5;

/**
 * What became of the entropy; undefined for fewer than two values, or if it does not start above 0, so
 * that there is nothing of which a share could be left.
 */
export function entropyCourse(entropy: Series): EntropyCourse | undefined {
  const course = courseOf(entropy, "medians");
  if (course === undefined || !(course.start.value > 0)) return undefined;
  const { start } = course;
  return {
    ...course,
    course: nameOf(entropy, course),
    halfSpent: firstBelow(entropy, 0.5 * start.value),
    nearlySpent: firstBelow(entropy, 0.05 * start.value),
  };
}

function nameOf(entropy: Series, { start, trough, peak, end }: SeriesCourse): CourseName {
  const left = end.value / start.value;
  const { turns, goesUp } = turnsOf(entropy, start.value);
  if (turns >= FEWEST_TURNS) return "oscillation";
  if (trough.value < 0.25 * start.value && trough.step < end.step && left >= 0.5) {
    return "collapse, then surge";
  }
  if (left < 0.25) return "collapse";
  if (left > 2) return "explosion";
  if (turns > 0) return goesUp ? "fall, then rise" : "rise, then fall";
  if (left < 0.75) return "decline";
  if (left > 1.25) return "rise";
  // As far from its ends as these may be apart, and above the noise.
  const clear = 4 * noiseOf(entropy);
  const [lower, upper] = [Math.min(start.value, end.value), Math.max(start.value, end.value)];
  if (trough.value < Math.min(0.75 * lower, lower - clear)) return "fall, then rise";
  return peak.value > Math.max(1.25 * upper, upper + clear) ? "rise, then fall" : "stable";
}

/**
 * How often a series turned between up and down, and whether it goes up last. Turns count where they are by
 * a factor of 1.5 and above the noise.
 */
function turnsOf(entropy: Series, start: number): { turns: number; goesUp: boolean } {
  const height = (value: number) => Math.log(Math.max(value, 0) / start + NEGLIGIBLE);
  const heights = smoothed(entropy, NARROWEST).values.map(height);
  const noise = noiseOf({ steps: entropy.steps, values: entropy.values.map(height) });
  const leg = Math.max(Math.log(SMALLEST_LEG), 4 * noise);
  let [low, high] = [heights[0]!, heights[0]!];
  let turns = 0;
  // 1: upwards; −1: downwards; 0: not known yet.
  let direction = 0;
  for (const here of heights) {
    [low, high] = [Math.min(low, here), Math.max(high, here)];
    const isUp = direction <= 0 && here - low >= leg;
    const isDown = direction >= 0 && high - here >= leg;
    if (!isUp && !isDown) continue;
    if (direction !== 0) turns++;
    direction = isUp ? 1 : -1;
    low = high = here;
  }
  return { turns, goesUp: direction > 0 };
}

/** The first step at which the running median of a series is at or below a value. */
export function firstBelow(series: Series, value: number): number | undefined {
  const { steps, values } = smoothed(series, NARROWEST);
  const unit = exponentOf(values);
  const limit = shifted(value, -unit);
  const place = values.findIndex((one) => shifted(one, -unit) <= limit);
  return place < 0 ? undefined : steps[place];
}
