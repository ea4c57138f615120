import type { Series } from "../readers/series.ts";
import { headOf, tailOf } from "../trend.ts";
import { type Alarm, problem } from "./alarm.ts";

/** A mismatch that grew so much is a problem, if it is no longer negligible. */
const GREW = 5;
const NEGLIGIBLE_MISMATCH = 1e-3;

/** What is worth a word about how far trainer and sampler disagree. */
export function mismatchAlarm(series: Series): Alarm | undefined {
  const [start, end] = [Math.abs(headOf(series)), Math.abs(tailOf(series))];
  return end > GREW * start && end > NEGLIGIBLE_MISMATCH
    ? problem("trainer and sampler disagree more than five times as much as at the start")
    : undefined;
}
