import type { SeriesCollector } from "./series_collector.ts";

/** A value of a metric that was logged without a step, and its time in milliseconds. */
interface TimedValue {
  readonly time: number;
  readonly value: number;
}

/** What was logged under a key without steps. */
export interface TimedMetric {
  readonly key: string;
  readonly rows: TimedValue[];
}

/**
 * Adds metrics that were logged without a step: the rows of each are counted from 0 in the order of their times. A
 * metric with fewer rows than the longest takes the row of that which came last before it. Returns a note that says so.
 */
export function addByTime(metrics: readonly TimedMetric[], series: SeriesCollector): string {
  for (const { rows } of metrics) rows.sort((left, right) => left.time - right.time);
  // Of metrics of one length the one that is logged first in a row tells where it begins.
  const leader = metrics.filter(({ rows }) => rows.length > 0).reduce((best, one) => {
    const longer = one.rows.length - best.rows.length;
    return longer > 0 || (longer === 0 && one.rows[0]!.time < best.rows[0]!.time) ? one : best;
  });
  let areShorter = false;
  for (const { key, rows } of metrics) {
    series.rewind();
    const isWhole = rows.length === leader.rows.length;
    areShorter ||= !isWhole;
    let step = 0;
    for (const [i, { time, value }] of rows.entries()) {
      while (step + 1 < leader.rows.length && leader.rows[step + 1]!.time <= time) step++;
      series.add(isWhole ? i : step, key, value);
    }
  }
  const shorter = areShorter
    ? `; one with fewer rows takes the step of the last row of ${leader.key} before it`
    : "";
  return `MLflow's metrics name no step but 0, so the rows of each were counted, from 0, in the order of their times${shorter}.`;
}
