import type { Series } from "./readers/series.ts";
import { medianOf, noiseOf } from "./trend.ts";

/** A value or two in a row far from those around them. */
export interface Spike {
  /** The step of the value. */
  readonly step: number;
  /** The value. */
  readonly value: number;
  /** The median of the values around it. */
  readonly level: number;
}

/** Values on either side of which the levels are the medians; more than twice the values of a spike. */
const SIDE = 4;
/** A spike is so many standard deviations from the nearer level … */
const DEVIATIONS = 8;
/** … by at least this factor … */
const SMALLEST_RATIO = 3;
/** … and by more than this share of the median of the whole series. */
const SMALLEST_SHARE = 0.25;
/** Fewer values tell no spike from a course. */
const FEWEST = 8;

/**
 * The values of a series that stand out of those before and after them, all up or all down, also where
 * these do not scatter; the first has none before it and is no spike. Of values that are not negative.
 */
export function spikesOf(series: Series): Spike[] {
  const { steps, values } = series;
  if (values.length < FEWEST) return [];
  const least = Math.max(DEVIATIONS * noiseOf(series), SMALLEST_SHARE * medianOf(values));
  const found: Spike[] = [];
  for (let i = 1; i < values.length; i++) {
    const value = values[i]!;
    // One of the two or three before a spike is no part of it.
    const before = values.subarray(Math.max(0, i - SIDE), i);
    if (before.every((one) => Math.abs(value - one) <= least)) continue;
    const after = values.subarray(i + 1, i + 1 + SIDE);
    // Nothing comes after the last one, so it stands out of all before it.
    const levels = after.length === 0 ? Array.from(before) : [before, after].map(medianOf);
    const [low, high] = [Math.min(...levels), Math.max(...levels)];
    const level = value > high ? high : value < low ? low : value;
    const ratio = Math.max(value, level) / Math.min(value, level);
    if (Math.abs(value - level) > least && ratio >= SMALLEST_RATIO) {
      found.push({ step: steps[i]!, value, level });
    }
  }
  return found;
}
