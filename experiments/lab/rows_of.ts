/** The rows of a matrix that was read back, [count, columns]. */
export function rowsOf<Values extends Float32Array | Uint32Array>(
  values: Values,
  count: number,
): Values[] {
  const columns = values.length / count;
  return Array.from(
    { length: count },
    (_, row) => values.subarray(row * columns, (row + 1) * columns) as Values,
  );
}
