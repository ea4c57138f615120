import type { Interval } from "./interval.ts";
import type { Series } from "./readers/series.ts";
import { exponentOf, shifted } from "./scale.ts";

/** Where a part of a series goes, by tests that a few wild steps do not decide. */
export interface Trend {
  /** Median of the slopes between all pairs of values (Theil and Sen), per step. */
  readonly slope: number;
  /** The 95 % interval of the slope, by the ranks of the slopes (Sen 1968); scatter taken as independent. */
  readonly slopes: Interval;
  /** The line through the medians has this value at step 0. */
  readonly intercept: number;
  /** Mann and Kendall's statistic, standard normal where there is no trend; 0 for fewer than 5 values. */
  readonly z: number;
  /** `up` or `down` where it finds a trend at the 5 % level, two-sided. */
  readonly direction: "up" | "down" | "flat";
  /** Number of values. */
  readonly n: number;
}

/** Values that are compared pairwise; longer series are reduced to as many medians of neighbours. */
export const MOST_COMPARED = 256;
/** The 97.5th percentile of the standard normal distribution. */
const SIGNIFICANT = 1.96;
/** Fewer values show no trend at this level, whatever they are. */
export const FEWEST_FOR_TREND = 5;
/** Differences of neighbours that tell the noise, at equal distances where there are more. */
const MOST_DIFFERENCES = 10_000;
/** A normal distribution's deviation is so many times its median absolute one. */
const SIGMA_PER_MAD = 1.4826;

/** The trend of a series; `flat` for fewer than 5 values. */
export function trendOf(series: Series): Trend {
  const { steps, values } = reduced(series, MOST_COMPARED);
  const n = values.length;
  const unit = exponentOf(values);
  const scaled = Array.from(values, (value) => shifted(value, -unit));
  const slopes: number[] = [];
  let sign = 0;
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const rise = scaled[j]! - scaled[i]!;
      sign += Math.sign(rise);
      slopes.push(rise / (steps[j]! - steps[i]!));
    }
  }
  const z = n < FEWEST_FOR_TREND ? 0 : mannKendall(sign, scaled);
  const sorted = Float64Array.from(slopes).sort();
  const slope = n < 2 ? 0 : medianOf(sorted);
  const half = SIGNIFICANT * Math.sqrt(signVariance(scaled));
  const ranked = (rank: number) =>
    n < 2 ? 0 : sorted[between(0, Math.round(rank), sorted.length - 1)]!;
  return {
    slope: shifted(slope, unit),
    slopes: [
      shifted(ranked((sorted.length - half) / 2 - 1), unit),
      shifted(ranked((sorted.length + half) / 2), unit),
    ],
    intercept: shifted(medianOf(scaled) - slope * medianOf(steps), unit),
    z,
    direction: Math.abs(z) <= SIGNIFICANT ? "flat" : z > 0 ? "up" : "down",
    n: series.values.length,
  };
}

/** The statistic of a sum of signs over all pairs, ties corrected for (Mann 1945, Kendall 1975). */
function mannKendall(sign: number, values: readonly number[]): number {
  const variance = signVariance(values);
  return sign === 0 || variance <= 0 ? 0 : (sign - Math.sign(sign)) / Math.sqrt(variance);
}

/** The variance of that sum where there is no trend. */
function signVariance(values: readonly number[]): number {
  const n = values.length;
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const spread = (count: number) => count * (count - 1) * (2 * count + 5);
  let variance = spread(n);
  for (const count of counts.values()) variance -= spread(count);
  return Math.max(0, variance / 18);
}

/** A longer series is first reduced to as many medians, where its course is looked at. */
export const MOST_POINTS = 4096;

/** A series of at most so many values: medians of neighbours where it is longer. */
export function reduced(series: Series, most: number): Series {
  const { steps, values } = series;
  if (values.length <= most) return series;
  const found = { steps: new Float64Array(most), values: new Float64Array(most) };
  for (let i = 0; i < most; i++) {
    const from = Math.floor(i * values.length / most);
    const to = Math.floor((i + 1) * values.length / most);
    // Of steps the one before the middle: a step that there is.
    found.steps[i] = steps[(from + to - 1) >> 1]!;
    found.values[i] = medianOf(values.subarray(from, to));
  }
  return found;
}

/** The curve that a series follows, by the better of a straight and an exponential fit. */
interface Curve {
  /** The curve that misses less: a straight line, or one whose logarithm is straight. */
  readonly model: "linear" | "exponential";
  /** Where the series goes, as a straight line. */
  readonly direction: Trend["direction"];
  /** Its value at a step. */
  at(step: number): number;
  /** The steps at which it is at a level, by its slope and by the ends of the slope's 95 % interval. */
  reaches(level: number): { readonly step: number; readonly interval: Interval };
}

/** The curve of a series. */
function curveOf(series: Series): Curve {
  const linear = trendOf(series);
  const { steps, values } = series;
  const miss = (curve: (step: number) => number) =>
    medianOf(Array.from(values, (value, i) => Math.abs(value - curve(steps[i]!))));
  const line = (step: number) => linear.intercept + linear.slope * step;
  const logs = values.every((value) => value > 0)
    ? trendOf({ steps, values: values.map(Math.log) })
    : undefined;
  const power = logs && ((step: number) => Math.exp(logs.intercept + logs.slope * step));
  const isExponential = power !== undefined && miss(power) < miss(line);
  const trend = isExponential ? logs! : linear;
  const middle = medianOf(steps);
  const height = trend.intercept + trend.slope * middle;
  return {
    model: isExponential ? "exponential" : "linear",
    direction: linear.direction,
    at: isExponential ? power : line,
    reaches: (level) => {
      const rise = (isExponential ? Math.log(level) : level) - height;
      // A slope that goes the other way never gets there.
      const [one, other] = trend.slopes.map((slope) =>
        slope * trend.slope > 0 ? middle + rise / slope : Infinity
      );
      return {
        step: middle + rise / trend.slope,
        interval: [Math.min(one!, other!), Math.max(one!, other!)],
      };
    },
  };
}

/** When a series will reach a level. */
export interface Forecast {
  /** The step at which the fitted curve is at the level. */
  readonly step: number;
  /** The same by the ends of the 95 % interval of its slope. */
  readonly interval: Interval;
  /** The curve that fits the part better: a straight line, or one whose logarithm is straight. */
  readonly model: "linear" | "exponential";
}

/**
 * When a series that falls reaches a level below its last value, by the better of a straight and an
 * exponential fit; undefined where it has no trend towards it, or is there already.
 *
 * @param level In the series' unit, above 0.
 */
export function forecast(series: Series, level: number): Forecast | undefined {
  const curve = curveOf(series);
  if (curve.direction !== "down") return undefined;
  const { step, interval } = curve.reaches(level);
  if (!Number.isFinite(step) || step <= series.steps.at(-1)!) return undefined;
  return { step, interval, model: curve.model };
}

/** The standard deviation of a series about its course, from the differences of neighbours. */
export function noiseOf({ values }: Series): number {
  if (values.length < 3) return 0;
  const unit = exponentOf(values);
  const every = Math.ceil((values.length - 1) / MOST_DIFFERENCES);
  const count = Math.floor((values.length - 2) / every) + 1;
  const differences = Float64Array.from({ length: count }, (_, i) => {
    const at = i * every;
    return shifted(values[at + 1]!, -unit) - shifted(values[at]!, -unit);
  });
  return shifted(spreadOf(differences) / Math.SQRT2, unit);
}

/** The standard deviation of numbers, from the median of their distances to their median. */
export function spreadOf(values: ArrayLike<number>): number {
  const middle = medianOf(values);
  return SIGMA_PER_MAD * medianOf(Array.from(values, (value) => Math.abs(value - middle)));
}

/** The median of at least one number; also of two whose sum no float holds. */
export function medianOf(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const middle = (sorted.length - 1) / 2;
  const [low, high] = [sorted[Math.floor(middle)]!, sorted[Math.ceil(middle)]!];
  return low === high ? low : low / 2 + high / 2;
}

/** The median over the first values: a tenth of them, at least 5 and at most 25. */
export function headOf({ values }: Series): number {
  return medianOf(values.subarray(0, between(5, Math.round(0.1 * values.length), 25)));
}

/** The median over the last values: a share of them, at least so many. */
export function tailOf({ values }: Series, share = 0.1, least = 3): number {
  return medianOf(values.subarray(-Math.max(least, Math.round(share * values.length))));
}

/** What is said to be so "of late" is so in this share of a series, of at least so many values. */
export const [RECENT, FEWEST_RECENT] = [0.25, 5] as const;

/** The median of late: over the last quarter of the values, at least five. */
export function ofLate(series: Series): number {
  return tailOf(series, RECENT, FEWEST_RECENT);
}

/** The last part of a series by number of values, at least so many. */
export function lastPart({ steps, values }: Series, share: number, least: number): Series {
  const count = Math.max(least, Math.floor(share * values.length));
  return { steps: steps.subarray(-count), values: values.subarray(-count) };
}

function between(low: number, value: number, high: number): number {
  return Math.max(low, Math.min(value, high));
}
