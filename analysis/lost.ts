import type { Point } from "./course.ts";
import type { Run } from "./readers/run.ts";
import type { Series } from "./readers/series.ts";
import { scatterOf } from "./scatter.ts";
import { medianOf } from "./trend.ts";

/** What a score was before a step, at most five values of it, and is from it on. */
export interface ScoreAround {
  /** The last one before. */
  readonly last: Point;
  /** The median since. */
  readonly since: number;
  /** Whether that is below the median before. */
  readonly falls: boolean;
  /** Whether the two medians differ by more than the noise. */
  readonly differ: boolean;
}

/** The score before and since a step; undefined where it is not logged on both sides. */
export function scoreAround({ score }: Run, step: number): ScoreAround | undefined {
  const at = score?.steps.findIndex((one) => one >= step) ?? -1;
  if (score === undefined || at < 1) return undefined;
  const before = medianOf(score.values.subarray(Math.max(0, at - 5), at));
  const since = medianOf(score.values.subarray(at));
  const last = { step: score.steps[at - 1]!, value: score.values[at - 1]! };
  const away = since - before;
  const differ = Math.abs(away) > 5 * scatterOf(score).deviation;
  return { last, since, falls: away < 0, differ };
}

/** So many values that are not finite at the end of a series are no single bad step. */
const FEWEST_LOST = 3;

/**
 * The step from which on no value of a key is finite, to the end of the log; undefined where single values
 * are not finite and others follow.
 */
export function lostSince({ notFinite, series }: Run, key: string): number | undefined {
  const found = notFinite.get(key);
  if (found === undefined) return undefined;
  const last = series.get(key)?.steps.at(-1) ?? -Infinity;
  const lost = found.steps.filter((step) => step > last);
  return lost.length < FEWEST_LOST ? undefined : lost[0];
}

/** A series whose last value lies before the last so much of a run says nothing of how it is now. */
const RECENT = 0.25;

/** The step of a series' last value, where that lies before the last quarter of the run. */
export function endedAt({ steps: { first, last } }: Run, { steps }: Series): number | undefined {
  const end = steps.at(-1)!;
  return end < last - RECENT * (last - first) ? end : undefined;
}
