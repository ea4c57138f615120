import type { Interval } from "./interval.ts";

/** The 0.975 quantile of the standard normal distribution. */
const NORMAL_QUANTILE = 1.96;

/** The 95 % interval of a share of independent draws, by Wilson's score: within 0 and 1, and not empty at its ends. */
export function shareInterval(count: number, of: number): Interval {
  const share = count / of;
  const z2 = NORMAL_QUANTILE ** 2;
  const middle = (share + z2 / (2 * of)) / (1 + z2 / of);
  const half = NORMAL_QUANTILE / (1 + z2 / of) *
    Math.sqrt(share * (1 - share) / of + z2 / (4 * of ** 2));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}
