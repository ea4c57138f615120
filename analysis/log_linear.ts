import { linearRegression, mean, rSquared } from "simple-statistics";
import type { Interval } from "./interval.ts";
import { tQuantile } from "./mean_interval.ts";

/** A quantity of models of several sizes. */
export interface SizedValue {
  /** Parameters, in any unit. */
  readonly size: number;
  /** The quantity. */
  readonly value: number;
}

/** A line through values over the logarithm of the size. */
export interface LogLinear {
  /** Growth per tenfold size. */
  readonly perDecade: number;
  /** Share of the variance of the values that the line explains. */
  readonly r2: number;
  /** The value at a size. */
  at(size: number): number;
  /**
   * The 95 % interval of a new value at a size: of the line and the scatter around it together, as two degrees of
   * freedom fewer than there are values tell them. Undefined for two values.
   */
  intervalAt(size: number): Interval | undefined;
}

/** The line by ordinary least squares; undefined for fewer than two sizes. */
export function fitLogLinear(values: readonly SizedValue[]): LogLinear | undefined {
  if (new Set(values.map(({ size }) => size)).size < 2) return undefined;
  const points = values.map(({ size, value }) => [Math.log10(size), value]);
  const { m, b } = linearRegression(points);
  const line = (x: number) => b + m * x;
  const middle = mean(points.map(([x]) => x!));
  const spread = points.reduce((sum, [x]) => sum + (x! - middle) ** 2, 0);
  const squared = points.reduce((sum, [x, y]) => sum + (y! - line(x!)) ** 2, 0);
  const free = points.length - 2;
  return {
    perDecade: m,
    r2: rSquared(points, line),
    at: (size) => line(Math.log10(size)),
    intervalAt(size) {
      if (free < 1) return undefined;
      const x = Math.log10(size);
      const variance = squared / free * (1 + 1 / points.length + (x - middle) ** 2 / spread);
      const half = tQuantile(free) * Math.sqrt(variance);
      return [line(x) - half, line(x) + half];
    },
  };
}
