import { meanOverBenchmarks } from "./score_series.ts";
import { placeOf, type Series } from "./series.ts";

/** Fewer steps may agree by chance. */
const FEWEST_STEPS = 8;
/** How far apart two equal numbers may be that went through 32-bit floats. */
const FLOAT32 = 1e-6;

/** A series that is the total of others. */
export interface Total {
  /** Its place among them. */
  readonly place: number;
  /** What it is of the others. */
  readonly how: "mean" | "sum";
}

/**
 * Which of three or more series is the mean or the sum of the others wherever all were measured, up to the
 * digits that are logged. Undefined if none is; steps at which all have one value, and a total that hardly
 * takes different values, tell nothing.
 */
export function totalByValues(parts: readonly Series[]): Total | undefined {
  if (parts.length < 3) return undefined;
  const mean = meanOverBenchmarks(parts);
  if (mean.steps.length < FEWEST_STEPS) return undefined;
  for (const [place, part] of parts.entries()) {
    // The mean of all is that of the others and their mean; half the sum of all is the sum of the others.
    for (const [how, factor] of [["mean", 1], ["sum", parts.length / 2]] as const) {
      if (isMultiple(part, mean, factor) && tells(part, parts, mean.steps)) return { place, how };
    }
  }
  return undefined;
}

/** Whether a series is so many times the mean, at all steps of the mean. */
function isMultiple(part: Series, mean: Series, factor: number): boolean {
  const digits = 10 ** -decimalsOf(part.values);
  return mean.steps.every((step, i) => {
    const value = part.values[placeOf(part.steps, step)]!;
    return Math.abs(value - factor * mean.values[i]!) <=
      Math.max(digits, FLOAT32 * Math.abs(value));
  });
}

/** Whether a total takes many values where its parts differ from it. */
function tells(total: Series, parts: readonly Series[], steps: Float64Array): boolean {
  const values = new Set<number>();
  for (const step of steps) {
    const at = ({ steps, values }: Series) => values[placeOf(steps, step)]!;
    const value = at(total);
    if (parts.some((part) => Math.abs(at(part) - value) > 0.01 * Math.abs(value))) {
      values.add(value);
    }
  }
  return values.size >= FEWEST_STEPS;
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
