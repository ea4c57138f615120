import type { Series } from "./readers/series.ts";
import { exponentOf, shifted } from "./scale.ts";
import { trendOf } from "./trend.ts";

/** Fewer values do not tell a course from noise. */
const FEWEST = 8;
/** The 99th percentile of the standard normal distribution, and the 99.5th for both sides. */
const [SIGNIFICANT, SIGNIFICANT_TREND] = [2.326, 2.576];

/**
 * Whether a series does more than scatter about one level: its neighbours are nearer to each other than any
 * two of its values (von Neumann's ratio), or it has a trend, each at the 1 % level. True of fewer than 8 values, which
 * do not tell.
 */
export function changes(series: Series): boolean {
  const { values } = series;
  const n = values.length;
  if (n < FEWEST) return true;
  const unit = exponentOf(values);
  const scaled = values.map((value) => shifted(value, -unit));
  const mean = scaled.reduce((sum, value) => sum + value, 0) / n;
  const variance = scaled.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  if (variance === 0) return false;
  const differences = scaled.subarray(1)
    .reduce((sum, value, i) => sum + (value - scaled[i]!) ** 2, 0);
  const ratio = differences / variance;
  // Under independence the ratio has mean 2 and variance 4(n − 2)/(n² − 1).
  const z = (1 - ratio / 2) * Math.sqrt((n * n - 1) / (n - 2));
  return z > SIGNIFICANT || Math.abs(trendOf(series).z) > SIGNIFICANT_TREND;
}
