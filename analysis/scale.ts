/**
 * Numbers far from 1 are fitted in units of a power of two, which changes no digit: sums of their
 * squares would leave the range of 64-bit floats. Numbers of ordinary size stay as they are.
 */

/** Within 2^±200 products of four values and sums over any run are exact to rounding. */
const ORDINARY = 200;
/** Keeps 2 to this power and to its negative a normal number. */
const FURTHEST = 1000;

/** The exponent of the unit in which values are computed with: 0 unless they are very large or small. */
export function exponentOf(values: Iterable<number>): number {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  if (largest === 0 || !Number.isFinite(largest)) return 0;
  const exponent = Math.floor(Math.log2(largest));
  return Math.abs(exponent) <= ORDINARY ? 0 : Math.max(-FURTHEST, Math.min(FURTHEST, exponent));
}

/** value · 2^exponent, for exponents whose power of two is no 64-bit float, too. */
export function shifted(value: number, exponent: number): number {
  if (exponent === 0) return value;
  const half = Math.trunc(exponent / 2);
  return value * 2 ** half * 2 ** (exponent - half);
}

/** The root of the mean of the squares; infinite only if it is beyond the range of floats. */
export function rootMeanSquare(values: readonly number[]): number {
  const exponent = exponentOf(values);
  const squares = values.reduce((sum, value) => sum + shifted(value, -exponent) ** 2, 0);
  return shifted(Math.sqrt(squares / values.length), exponent);
}
