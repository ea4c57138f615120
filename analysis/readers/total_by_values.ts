import { median as medianOf } from "simple-statistics";
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
  let spread: Spread | undefined;
  for (const [place, part] of parts.entries()) {
    const digit = 10 ** -decimalsOf(part.values);
    // The mean of all is that of the others and their mean; half the sum of all is the sum of the others.
    for (const [how, factor] of [["mean", 1], ["sum", parts.length / 2]] as const) {
      const isMultiple = mean.steps.every((step, i) => {
        const value = at(part, step);
        return Math.abs(value - factor * mean.values[i]!) <=
          Math.max(digit, FLOAT32 * Math.abs(value));
      });
      if (!isMultiple) continue;
      spread ??= spreadOf(parts, changing, mean);
      if (spread.scatter < CLEAR * digit || !tells(part, mean.steps, spread)) continue;
      const others = meanOverBenchmarks(parts.filter((other) => other !== part));
      return mean.steps.length >= MOST_STEPS * others.steps.length ? { place, how } : undefined;
    }
  }
  return undefined;
}

/** The value of a series at a step that it has. */
function at({ steps, values }: Series, step: number): number {
  return values[placeOf(steps, step)]!;
}

/** How far series lie apart. */
interface Spread {
  /** How far most of them lie from the lines that best give them from their mean. */
  readonly scatter: number;
  /** The lowest of all at each step. */
  readonly lowest: Float64Array;
  /** The highest. */
  readonly highest: Float64Array;
}

function spreadOf(parts: readonly Series[], changing: readonly Series[], mean: Series): Spread {
  const lowest = new Float64Array(mean.steps.length).fill(Infinity);
  const highest = new Float64Array(mean.steps.length).fill(-Infinity);
  for (const part of parts) {
    for (const [i, step] of mean.steps.entries()) {
      const value = at(part, step);
      lowest[i] = Math.min(lowest[i]!, value);
      highest[i] = Math.max(highest[i]!, value);
    }
  }
  return {
    scatter: medianOf(changing.map((part) => scatterAround(mean, part))),
    lowest,
    highest,
  };
}

/** The width of the band around the line that best gives a series from the mean. */
function scatterAround({ steps, values }: Series, part: Series): number {
  const partOf = Float64Array.from(steps, (step) => at(part, step));
  const average = (numbers: Float64Array) =>
    numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
  const [center, partCenter] = [average(values), average(partOf)];
  let [products, squares, low, high] = [0, 0, Infinity, -Infinity];
  for (const [i, value] of values.entries()) {
    products += (value - center) * (partOf[i]! - partCenter);
    squares += (value - center) ** 2;
  }
  const slope = squares === 0 ? 0 : products / squares;
  for (const [i, value] of values.entries()) {
    const rest = partOf[i]! - slope * value;
    low = Math.min(low, rest);
    high = Math.max(high, rest);
  }
  return high - low;
}

/** Whether a total takes many values where one of its parts differs from it. */
function tells(total: Series, steps: Float64Array, { lowest, highest }: Spread): boolean {
  const values = new Set<number>();
  for (const [i, step] of steps.entries()) {
    const value = at(total, step);
    const furthest = Math.max(highest[i]! - value, value - lowest[i]!);
    if (furthest > 0.01 * Math.abs(value)) values.add(value);
    if (values.size === FEWEST_STEPS) return true;
  }
  return false;
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
