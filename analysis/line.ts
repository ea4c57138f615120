import { exponentOf, shifted } from "./scale.ts";

/** Below this a float has lost digits. */
const SMALLEST_NORMAL = 2 ** -1022;

/** A line by least squares. */
export interface Line {
  /** Change of y per x. */
  readonly slope: number;
  /** y at x = 0. */
  readonly intercept: number;
  /** True if the slope is too small for a float to hold its digits. */
  readonly underflows: boolean;
}

/** Ordinary least squares for y = intercept + slope·x, of numbers of any size. */
export function fitLine(
  regressor: readonly number[],
  values: readonly number[],
): Line {
  const [unitX, unitY] = [exponentOf(regressor), exponentOf(values)];
  const x = regressor.map((value) => shifted(value, -unitX));
  const y = values.map((value) => shifted(value, -unitY));
  const meanX = x.reduce((sum, value) => sum + value, 0) / x.length;
  const meanY = y.reduce((sum, value) => sum + value, 0) / y.length;
  let xx = 0;
  let xy = 0;
  for (let i = 0; i < x.length; i++) {
    xx += (x[i]! - meanX) ** 2;
    xy += (x[i]! - meanX) * (y[i]! - meanY);
  }
  const inUnits = xy / xx;
  const slope = shifted(inUnits, unitY - unitX);
  return {
    slope,
    intercept: shifted(meanY - inUnits * meanX, unitY),
    underflows: inUnits !== 0 && Math.abs(slope) < SMALLEST_NORMAL,
  };
}
