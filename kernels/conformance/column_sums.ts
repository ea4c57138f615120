import type { Gpu } from "../runtime/gpu.ts";
import { columnSums } from "../transformer/column_sums.ts";
import { columnSumsReference } from "../transformer/column_sums_reference.ts";
import { asFloat32, type Check, type Tally } from "./check.ts";
import { RandomData } from "./random_data.ts";

/** Rows and columns. */
const SHAPES: readonly (readonly [number, number])[] = [
  [1, 1],
  [2, 3],
  [3, 400],
  [0, 3],
  [17, 64],
  [63, 5],
  [64, 2],
  [65, 8],
  [255, 17],
  [5000, 12],
];

/** {@linkcode columnSums} of no rows, a few and many, replacing and adding. */
export const columnSumsCheck: Check = {
  name: "column-sums",
  async run(gpu, tally) {
    const random = new RandomData(16);
    for (const [rows, columns] of SHAPES) {
      const values = random.normal(rows * columns);
      await compareColumnSums(gpu, tally, { values, columns });
      await compareColumnSums(gpu, tally, { values, columns, start: random.normal(columns) });
    }
  },
};

/** Rows to sum. */
export interface ColumnSumsCase {
  /** The rows, one after the other. */
  readonly values: Float32Array<ArrayBuffer>;
  /** Elements of a row. */
  readonly columns: number;
  /** What the sums are added to; they replace what is there by default. */
  readonly start?: Float32Array<ArrayBuffer>;
}

/** Compares {@linkcode columnSums} with its reference, and returns the sums. */
export async function compareColumnSums(
  gpu: Gpu,
  tally: Tally,
  { values, columns, start }: ColumnSumsCase,
): Promise<ArrayLike<number>> {
  const shape = [values.length / columns, columns];
  using x = gpu.tensor(values, shape);
  using out = gpu.tensor(start ?? new Float32Array(columns).fill(NaN));
  const recorder = gpu.record("column sums");
  columnSums(recorder, { x, out, accumulate: start !== undefined });
  const [sums] = await recorder.read(out);
  const expected = columnSumsReference(values, columns)
    .map((sum, column) => sum + (start?.[column] ?? 0));
  const plain = new Float32Array(columns);
  // Every operation is rounded where it is stored.
  for (const [i, value] of values.entries()) plain[i % columns]! += value;
  for (let column = 0; column < columns; column++) plain[column]! += start?.[column] ?? 0;
  const label = `[${shape}]${start === undefined ? "" : " added to others"}`;
  tally.near(label, sums, expected, asFloat32(expected, plain));
  return sums;
}
