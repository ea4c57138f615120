import { extent, linearRegression, median as medianOf } from "simple-statistics";
import { meanOverBenchmarks } from "./score_series.ts";
import { placeOf, type Series } from "./series.ts";

/** Fewer steps may agree by chance. */
const FEWEST_STEPS = 8;
/** How far apart two equal numbers may be that went through 32-bit floats. */
const FLOAT32 = 1e-6;

/** Parts go ways of their own that are spread around their mean's by so many last digits of the total. */
const CLEAR = 4;
/** The share of the parts' steps that their total has, of which a log may lose some. */
const MOST_STEPS = 0.9;

/** A series that is the total of others. */
export interface Total {
  /** Its place among them. */
  readonly place: number;
  /** What it is of the others. */
  readonly how: "mean" | "sum";
}

/**
 * Which of several series, no two of them equal, is the mean or the sum of the others wherever those were measured, up
 * to the digits that are logged. Undefined if none is, or if chance could make it so: fewer than three that change, a
 * total of few values, or parts that go the same way up to the digits.
 */
export function totalByValues(parts: readonly Series[]): Total | undefined {
  const changing = parts.filter(({ values }) => values.some((value) => value !== values[0]));
  if (changing.length < 3) return undefined;
  const mean = meanOverBenchmarks(parts);
  if (mean.steps.length < FEWEST_STEPS) return undefined;
  const scatter = medianOf(changing.map((part) => scatterAround(mean, part)));
  const [lowest, highest] = ends(parts, mean.steps);
  for (const [place, part] of parts.entries()) {
    const digit = 10 ** -decimalsOf(part.values);
    if (scatter < CLEAR * digit) continue;
    // The mean of all is that of the others and their mean; half the sum of all is the sum of the others.
    for (const [how, factor] of [["mean", 1], ["sum", parts.length / 2]] as const) {
      const total = at(part, mean.steps);
      const isMultiple = total.every((value, i) =>
        Math.abs(value - factor * mean.values[i]!) <= Math.max(digit, FLOAT32 * Math.abs(value))
      );
      if (!isMultiple) continue;
      const telling = total.filter((value, i) =>
        Math.max(highest[i]! - value, value - lowest[i]!) > 0.01 * Math.abs(value)
      );
      if (new Set(telling).size < FEWEST_STEPS) continue;
      const others = meanOverBenchmarks(parts.filter((other) => other !== part));
      return mean.steps.length >= MOST_STEPS * others.steps.length ? { place, how } : undefined;
    }
  }
  return undefined;
}

/** The values of a series at steps that it has. */
function at({ steps, values }: Series, some: Float64Array): Float64Array {
  return some.map((step) => values[placeOf(steps, step)]!);
}

/** How far a series is spread around the line that best gives it from the mean. */
function scatterAround(mean: Series, part: Series): number {
  const values = at(part, mean.steps);
  const { m, b } = linearRegression(Array.from(values, (value, i) => [mean.values[i]!, value]));
  const [low, high] = extent(Array.from(values, (value, i) => value - m * mean.values[i]! - b));
  return high - low;
}

/** The lowest and the highest of all at each step. */
function ends(parts: readonly Series[], steps: Float64Array): [Float64Array, Float64Array] {
  const lowest = new Float64Array(steps.length).fill(Infinity);
  const highest = new Float64Array(steps.length).fill(-Infinity);
  for (const part of parts) {
    for (const [i, value] of at(part, steps).entries()) {
      lowest[i] = Math.min(lowest[i]!, value);
      highest[i] = Math.max(highest[i]!, value);
    }
  }
  return [lowest, highest];
}

/** How many decimals the first hundred values are logged with, at most 9. */
function decimalsOf(values: Float64Array): number {
  let most = 0;
  for (const value of values.subarray(0, 100)) {
    const [, decimals = ""] = value.toFixed(9).replace(/0+$/, "").split(".");
    most = Math.max(most, decimals.length);
  }
  return most;
}
