import { findPlateau } from "./plateau.ts";
import type { Run, ScoreSeries } from "./readers/run.ts";
import type { Series } from "./readers/series.ts";
import { lastPart, trendOf } from "./trend.ts";

/** Whether the score rises in the last half of a run. */
export interface RecentGain {
  /** Whether it does, by its trend; never on a plateau, where a trend is one of chance. */
  readonly rises: boolean;
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

/**
 * Whether a run still gains: the trend of the score over the last half of its values, or of the training
 * score where the other has fewer than 8. Undefined if neither has as many.
 */
export function recentGain(
  { score, trainingScore }: Run,
  until = Infinity,
): RecentGain | undefined {
  for (const one of [score, trainingScore]) {
    const series = one && upTo(one, until);
    if (series === undefined || series.values.length < FEWEST) continue;
    const part = lastPart(series, 0.5, FEWEST);
    const since = part.steps[0]!;
    const flatSince = findPlateau(series)?.since.step ?? Infinity;
    return {
      rises: trendOf(part).z > RISES && flatSince > since,
      kind: one!.kind,
      since,
      count: part.values.length,
    };
  }
  return undefined;
}

function upTo({ steps, values }: Series, until: number): Series {
  const count = steps.findLastIndex((step) => step <= until) + 1;
  return { steps: steps.subarray(0, count), values: values.subarray(0, count) };
}
