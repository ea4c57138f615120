import { counted } from "../../formats/counted.ts";
import { enumeration } from "./key_list.ts";
import { normalKey } from "./normal_key.ts";
import type { FoundBy, Run, ScoreSeries } from "./run.ts";
import { mayBePercent, namesAccuracy } from "./score_keys.ts";
import { placeOf, type Series, union } from "./series.ts";
import { mayLosePercent, type UnitChange, unitChange } from "./unit_change.ts";

/** Characters that the label of a mean over benchmarks may have. */
const LONGEST_LABEL = 2000;

/** A log whose score is looked for. */
export interface ScoredLog {
  /** Its series by key. */
  readonly series: ReadonlyMap<string, Series>;
  /** Takes a sentence on everything that is chosen or converted. */
  readonly notes: string[];
}

/**
 * One benchmark's score, or the mean over several, as it would be read if it were chosen.
 *
 * @param keys Keys of the run's series.
 * @param kind What they are scores on.
 */
export function scoreOf(
  run: Run,
  keys: readonly string[],
  kind: ScoreSeries["kind"] = "unknown",
): ScoreSeries {
  const log = { series: run.series, notes: [] };
  return toScore(log, keys, { kind, foundBy: "caller" });
}

/**
 * The score under a key, in percent divided by 100; of several keys their mean over the steps that have
 * them all.
 */
export function toScore(
  { series, notes }: ScoredLog,
  keys: readonly string[],
  { kind, foundBy }: { readonly kind: ScoreSeries["kind"]; readonly foundBy: FoundBy },
): ScoreSeries {
  // Only of those that change, as a log may have very many keys.
  const changes = new Map<string, UnitChange>();
  for (const key of keys) {
    const change = changeOf(key, series.get(key)!);
    if (change !== undefined) changes.set(key, change);
  }
  const changing = Array.from(changes.keys());
  const units = new Map(
    keys.map((key) => [key, changes.has(key) ? "as logged" : accuracyUnit(key, series.get(key)!)]),
  );
  const inPercent = keys.filter((key) => units.get(key) === "percent");
  const unclear = keys.filter((key) => units.get(key) === "unclear");
  for (const key of inPercent.slice(0, 3)) {
    notes.push(`${key} is in percent and was divided by 100.`);
  }
  if (inPercent.length > 3) notes.push(`So are and were ${inPercent.length - 3} other keys.`);
  for (const key of unclear.slice(0, 3)) {
    notes.push(
      `${key} has many values between 0 and 1 and others above 1, so whether it is in percent cannot be told; it is left as it is.`,
    );
  }
  if (unclear.length > 3) notes.push(`So have and are ${unclear.length - 3} other keys.`);
  for (const key of changing.slice(0, 3)) notes.push(`${key} ${changes.get(key)!.note}`);
  if (changing.length > 3) notes.push(`So do ${changing.length - 3} other keys.`);
  const parts = keys.map((key) =>
    changes.get(key)?.series ??
      (units.get(key) === "percent" ? hundredth(series.get(key)!) : series.get(key)!)
  );
  const label = keys.length === 1 ? keys[0]! : `mean of ${enumeration(keys, LONGEST_LABEL)}`;
  const mean = meanOverBenchmarks(parts);
  const isWhole = parts.every(({ steps }) => steps.length === mean.steps.length);
  const partial = isWhole ? 0 : union(parts.map(({ steps }) => steps)).length - mean.steps.length;
  if (partial > 0) {
    notes.push(
      `${counted(partial, "step")} at which not all benchmarks were measured ${
        partial === 1 ? "is" : "are"
      } left out.`,
    );
  }
  const isFraction = mean.values.every((value) => value >= 0 && value <= 1) &&
    (keys.every(namesAccuracy) || (keys.length === 1 && isAccuracyByValues(keys[0]!, series)));
  return { keys, label, kind, unit: isFraction ? "fraction" : "reward", foundBy, ...mean };
}

/** How far apart two equal numbers may be that went through 32-bit floats. */
const FLOAT32 = 1e-6;

/** Whether what a key holds is that of one that names an accuracy, as a reward of no other term is. */
function isAccuracyByValues(key: string, series: ScoredLog["series"]): boolean {
  const { steps, values } = series.get(key)!;
  return Array.from(series).some(([other, one]) =>
    one.values.length === values.length && namesAccuracy(other) &&
    values.every((value, i) =>
      one.steps[i] === steps[i] && Math.abs(value - one.values[i]!) <= FLOAT32
    )
  );
}

/** Where the unit of an accuracy changes, if it may and its key does not name it. */
function changeOf(key: string, series: Series): UnitChange | undefined {
  const mayChange = isPercentLike(key, series.values) && !/percent/.test(normalKey(key));
  return mayChange ? unitChange(series) : undefined;
}

/** Whether the unit of one of a score's keys changes within the log. */
export function changesUnit({ series }: Pick<Run, "series">, keys: readonly string[]): boolean {
  return keys.some((key) => series.has(key) && changeOf(key, series.get(key)!) !== undefined);
}

/** Whether a score that fell may only have changed its unit, which its values are too few to tell. */
export function mayHaveLostPercent(score: ScoreSeries): boolean {
  return score.unit === "reward" && score.keys.length === 1 &&
    isPercentLike(score.keys[0]!, score.values) && mayLosePercent(score);
}

/** The share of values in percent that may be below 1, zeros left out; one may be in any series. */
const MOST_BELOW_ONE = 0.1;
/** How many times its last value below 1 an accuracy in percent may be at the next validation. */
const MOST_RISE = 10;

/** Whether a series of an accuracy is in percent; `unclear` if it may be a mix of percent and fractions. */
function accuracyUnit(key: string, { values }: Series): "as logged" | "percent" | "unclear" {
  if (!isPercentLike(key, values)) return "as logged";
  if (/percent/.test(normalKey(key))) return "percent";
  const nonZero = values.filter((value) => value !== 0);
  const below = nonZero.filter((value) => value < 1).length;
  if (below <= Math.max(1, MOST_BELOW_ONE * nonZero.length)) return "percent";
  // A run may take long to leave the first percent; a log that changes its unit leaps a hundredfold.
  const first = nonZero.findIndex((value) => value >= 1);
  const isRise = first === below && nonZero[first]! < MOST_RISE * nonZero[first - 1]!;
  return isRise ? "percent" : "unclear";
}

function isPercentLike(key: string, values: Float64Array): boolean {
  return mayBePercent(key) && areOnPercentScale(values);
}

/** Whether values can be in percent and are no fractions. */
export function areOnPercentScale(values: Float64Array): boolean {
  return values.some((value) => value > 1) && values.every((value) => value >= 0 && value <= 100);
}

/** A series in percent as one of fractions. */
export function hundredth({ steps, values }: Series): Series {
  return { steps, values: values.map((value) => value / 100) };
}

/** The mean of several series over the steps that all of them have. */
export function meanOverBenchmarks(parts: readonly Series[]): Series {
  if (parts.length === 1) return parts[0]!;
  // Steps that all have are steps of the shortest.
  const shortest = parts.reduce((left, right) =>
    right.steps.length < left.steps.length ? right : left
  );
  const { steps } = shortest;
  const sums = new Float64Array(steps.length);
  const counts = new Uint32Array(steps.length);
  for (const part of parts) {
    for (const [i, step] of part.steps.entries()) {
      const place = placeOf(steps, step);
      if (steps[place] !== step) continue;
      sums[place]! += part.values[i]!;
      counts[place]!++;
    }
  }
  const isWhole = (_: number, i: number) => counts[i] === parts.length;
  return {
    steps: steps.filter(isWhole),
    values: sums.map((sum) => sum / parts.length).filter(isWhole),
  };
}
