import { medianOf } from "../trend.ts";
import {
  areOnPercentScale,
  hundredth,
  meanOverBenchmarks,
  type ScoredLog,
} from "./score_series.ts";
import type { ScoreSeries } from "./run.ts";

/** A median apart by less than this factor is nearer to a score in percent than to tenths or to tens of it. */
const NEAR = Math.sqrt(10);
/** What is divided by 100 is so but for rounding. */
const ROUNDING = 1e-9;

/**
 * The training score, in percent divided by 100 as the validation score beside it was: its key may not name an
 * accuracy, but its values are then on the same scale.
 */
export function likeValidation(
  training: ScoreSeries,
  validation: ScoreSeries,
  { series, notes }: ScoredLog,
): ScoreSeries {
  const logged = medianOf(
    meanOverBenchmarks(validation.keys.map((key) => series.get(key)!)).values,
  );
  const isDivided = validation.kind === "validation" &&
    Math.abs(100 * medianOf(validation.values) - logged) < ROUNDING * logged;
  const isAsLogged = training.keys.length === 1 &&
    medianOf(training.values) === medianOf(series.get(training.keys[0]!)!.values);
  if (!isDivided || !isAsLogged || !areOnPercentScale(training.values)) return training;
  const factor = medianOf(training.values) / logged;
  if (!(factor > 1 / NEAR && factor < NEAR)) return training;
  notes.push(
    `${training.label} is on the scale of ${validation.label}, in percent, and was divided by 100, too.`,
  );
  return { ...training, ...hundredth(training) };
}
