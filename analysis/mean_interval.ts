import { mean, sampleStandardDeviation } from "simple-statistics";
import type { Interval } from "./interval.ts";

/** The 0.975 quantile of Student's t with 1, 2, 3 … degrees of freedom. */
// deno-fmt-ignore
const T_QUANTILES = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
  2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
  2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/** The same quantile of the normal distribution. */
const NORMAL_QUANTILE = 1.96;

/** The 0.975 quantile of Student's t, for 95 % intervals; beyond 30 degrees of freedom to 0.2 %. */
export function tQuantile(degreesOfFreedom: number): number {
  const z = NORMAL_QUANTILE;
  return T_QUANTILES[degreesOfFreedom - 1] ?? z + (z ** 3 + z) / (4 * degreesOfFreedom);
}

/**
 * The 95 % interval of the mean of independent values, as of runs that differ in their seed, by Student's t;
 * undefined for fewer than two.
 */
export function meanInterval(values: readonly number[]): Interval | undefined {
  if (values.length < 2) return undefined;
  const own = [...values];
  const error = sampleStandardDeviation(own) / Math.sqrt(own.length);
  const half = tQuantile(own.length - 1) * error;
  return [mean(own) - half, mean(own) + half];
}
