import type { Values } from "../../kernels/mod.ts";

/** The rows of a matrix that was read back, [count, columns]. */
export function rowsOf(values: Values, count: number): Values[] {
  const columns = values.length / count;
  return Array.from(
    { length: count },
    (_, row) => values.subarray(row * columns, (row + 1) * columns),
  );
}
