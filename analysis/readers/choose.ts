import { ReadError } from "../../formats/errors.ts";
import { enumeration, LONGEST_LIST } from "./key_list.ts";
import {
  benchmarkOf,
  ENTROPY_RULES,
  namesAccuracy,
  normalKey,
  SCORE_RULES,
  scoreRank,
  TRL_ENTROPY,
  UNKNOWN_ENTROPY,
} from "./keys.ts";
import type { EntropySeries, Framework, Run, ScoreSeries } from "./run.ts";
import { placeOf, type Series } from "./series.ts";

/** Characters that the label of a mean over benchmarks may have. */
const LONGEST_LABEL = 2000;

/**
 * The policy entropy of a run: the series of a key that the caller named, else that of the best key.
 * Undefined if the log has none.
 */
export function chooseEntropy(
  series: ReadonlyMap<string, Series>,
  framework: Framework,
  named: string | undefined,
): EntropySeries | undefined {
  const key = named ?? firstMatch(ENTROPY_RULES.map((rule) => rule.pattern), series.keys());
  const found = series.get(key ?? "");
  if (key === undefined || found === undefined) return undefined;
  const rule = ENTROPY_RULES.find((rule) => rule.pattern.test(normalKey(key)));
  const { definition, measured } = framework === "trl" && rule?.measured === "unknown"
    ? TRL_ENTROPY
    : rule ?? UNKNOWN_ENTROPY;
  return { key, definition, measured, foundBy: "name", ...found };
}

/** A log whose score is looked for. */
export interface ScoredLog {
  /** What errors call it. */
  readonly path: string;
  /** Its series by key. */
  readonly series: ReadonlyMap<string, Series>;
  /** Takes a sentence on everything that is chosen or converted. */
  readonly notes: string[];
}

/**
 * The performance of a run: the series of a key that the caller named, else the mean over the benchmarks of
 * the best family of keys. Undefined if the log has none.
 *
 * @throws {ReadError} if there is no step at which all benchmarks were measured.
 */
export function chooseScore(log: ScoredLog, named: string | undefined): ScoreSeries | undefined {
  const { series } = log;
  if (named !== undefined) {
    if (!series.has(named)) return undefined;
    const rule = SCORE_RULES.find((rule) => rule.pattern.test(normalKey(named)));
    return toScore(log, [named], rule?.kind ?? "unknown");
  }
  for (const rule of SCORE_RULES) {
    const best = new Map<string, string>();
    for (const key of series.keys()) {
      const benchmark = benchmarkOf(rule, key);
      if (benchmark === undefined) continue;
      const rival = best.get(benchmark);
      if (rival === undefined || scoreRank(key) > scoreRank(rival)) best.set(benchmark, key);
    }
    if (best.size > 0) return toScore(log, Array.from(best.values()), rule.kind);
  }
  return undefined;
}

/**
 * One benchmark's score, or the mean over several, as it would be read if it were chosen.
 *
 * @param keys Keys of the run's series.
 * @throws {ReadError} if they are never measured at one step.
 */
export function scoreOf(run: Run, keys: readonly string[]): ScoreSeries {
  return toScore({ path: run.source, series: run.series, notes: [] }, [...keys], "unknown");
}

function toScore(
  { path, series, notes }: ScoredLog,
  keys: string[],
  kind: ScoreSeries["kind"],
): ScoreSeries {
  const units = new Map(keys.map((key) => [key, accuracyUnit(key, series.get(key)!)]));
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
  const parts = keys.map((key) =>
    units.get(key) === "percent" ? hundredth(series.get(key)!) : series.get(key)!
  );
  const label = keys.length === 1 ? keys[0]! : `mean of ${enumeration(keys, LONGEST_LABEL)}`;
  const mean = meanOverBenchmarks(parts);
  if (mean.steps.length === 0) {
    throw new ReadError(
      `${path} never measures all of ${
        enumeration(keys, LONGEST_LIST)
      } at one step, so they have no mean; name one as the score key.`,
    );
  }
  const longest = parts.reduce((longest, { steps }) => Math.max(longest, steps.length), 0);
  if (mean.steps.length < longest) {
    notes.push(
      `${
        longest - mean.steps.length
      } steps at which not all benchmarks were measured are left out.`,
    );
  }
  const isFraction = keys.every(namesAccuracy) &&
    mean.values.every((value) => value >= 0 && value <= 1);
  return { keys, label, kind, unit: isFraction ? "fraction" : "reward", foundBy: "name", ...mean };
}

/** The share of values in percent that may be below 1, zeros left out; one may be in any series. */
const MOST_BELOW_ONE = 0.1;
/** How many times its last value below 1 an accuracy in percent may be at the next validation. */
const MOST_RISE = 10;

/** Whether a series of an accuracy is in percent; `unclear` if it may be a mix of percent and fractions. */
function accuracyUnit(key: string, { values }: Series): "as logged" | "percent" | "unclear" {
  if (!mayBePercent(key, values)) return "as logged";
  if (/percent/.test(normalKey(key))) return "percent";
  const nonZero = values.filter((value) => value !== 0);
  const below = nonZero.filter((value) => value < 1).length;
  if (below <= Math.max(1, MOST_BELOW_ONE * nonZero.length)) return "percent";
  // A run may take long to leave the first percent; a log that changes its unit leaps a hundredfold.
  const first = nonZero.findIndex((value) => value >= 1);
  const isRise = first === below && nonZero[first]! < MOST_RISE * nonZero[first - 1]!;
  return isRise ? "percent" : "unclear";
}

function mayBePercent(key: string, values: Float64Array): boolean {
  return namesAccuracy(key) && values.some((value) => value > 1) &&
    values.every((value) => value >= 0 && value <= 100);
}

function hundredth({ steps, values }: Series): Series {
  return { steps, values: values.map((value) => value / 100) };
}

/** The mean of several series over the steps that all of them have. */
function meanOverBenchmarks(parts: Series[]): Series {
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

function firstMatch(patterns: RegExp[], keys: Iterable<string>): string | undefined {
  const all = Array.from(keys);
  for (const pattern of patterns) {
    const found = all.find((key) => pattern.test(normalKey(key)));
    if (found !== undefined) return found;
  }
  return undefined;
}
