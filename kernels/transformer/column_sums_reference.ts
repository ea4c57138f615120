/** The sum of each column of rows in float64, the definition that column_sums.wgsl is held to. */
export function columnSumsReference(x: ArrayLike<number>, columns: number): Float64Array {
  const sums = new Float64Array(columns);
  for (let i = 0; i < x.length; i++) sums[i % columns]! += x[i]!;
  return sums;
}
