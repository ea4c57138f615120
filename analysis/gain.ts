import { findPlateau, type Plateau } from "./plateau.ts";
import type { Run, ScoreSeries } from "./readers/run.ts";
import type { Series } from "./readers/series.ts";
import { lastPart, medianOf, trendOf } from "./trend.ts";

/** Whether the score rises in the last half of a run. */
export interface RecentGain {
  /** Whether it does, by its trend; never on a plateau, where a trend is one of chance. */
  readonly rises: boolean;
  /** Whether there is a trend, of less than a twentieth of the whole gain, so that it counts for none. */
  readonly isSlight: boolean;
  /** Which score it is. */
  readonly kind: ScoreSeries["kind"];
  /** The first step that was looked at. */
  readonly since: number;
  /** How many scores were looked at. */
  readonly count: number;
}

/** The 95th percentile of the standard normal distribution: whether it falls is not asked. */
const RISES = 1.645;
/** A trend is looked for in at least so many scores; validations are often too few. */
const FEWEST = 8;
/** A rise by less than this share of the whole gain is hardly one. */
const SLIGHT = 0.05;

/**
 * Whether a run still gains: the trend of the score over the last half of its values, or of the training
 * score where the other has fewer than 8. Undefined if neither has as many.
 *
 * @param plateau That of the run's score, by {@linkcode findPlateau}.
 * @param until The last step that is looked at, by default that of the log.
 */
export function recentGain(
  { score, trainingScore }: Run,
  plateau: Plateau | undefined,
  until = Infinity,
): RecentGain | undefined {
  for (const one of [score, trainingScore]) {
    const series = one && upTo(one, until);
    if (series === undefined || series.values.length < FEWEST) continue;
    const part = lastPart(series, 0.5, FEWEST);
    const since = part.steps[0]!;
    const isWhole = one === score && series.values.length === one!.values.length;
    const flatSince = (isWhole ? plateau : findPlateau(series))?.since.step ?? Infinity;
    const hasTrend = trendOf(part).z > RISES && flatSince > since;
    const isSlight = hasTrend && isRise(series) && shareSince(series, since) < SLIGHT;
    return {
      rises: hasTrend && !isSlight,
      isSlight,
      kind: one!.kind,
      since,
      count: part.values.length,
    };
  }
  return undefined;
}

/** Values at either end of which the median is taken. */
export const END_VALUES = 5;

function isRise({ values }: Series): boolean {
  return medianOf(values.subarray(-END_VALUES)) > medianOf(values.subarray(0, END_VALUES));
}

/** What of the whole change of a series was made since a step; not finite where it did not change. */
export function shareSince({ steps, values }: Series, since: number): number {
  const at = Math.max(0, steps.findIndex((step) => step >= since));
  const [start, then, now] = [
    values.subarray(0, END_VALUES),
    values.subarray(at, at + END_VALUES),
    values.subarray(-END_VALUES),
  ].map(medianOf);
  return (now! - then!) / (now! - start!);
}

function upTo({ steps, values }: Series, until: number): Series {
  const count = steps.findLastIndex((step) => step <= until) + 1;
  return { steps: steps.subarray(0, count), values: values.subarray(0, count) };
}
