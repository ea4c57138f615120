/** The mean of numbers, summed in their order: the bits of a log depend on it. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
