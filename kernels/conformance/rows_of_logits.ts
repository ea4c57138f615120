import type { RandomData } from "./random_data.ts";

/** Rows of logits that have broken softmaxes before, each with a target that is not masked. */
export interface LogitRows {
  /** Number of rows. */
  readonly rows: number;
  /** The logits, row-major. */
  readonly logits: Float32Array<ArrayBuffer>;
  /** The target of each row. */
  readonly targets: Uint32Array<ArrayBuffer>;
}

/** How a row's logits come about, column by column, given the target. */
type Row = (column: number, target: number, random: RandomData) => number;

const ROWS: readonly Row[] = [
  // Ordinary.
  (_column, _target, random) => 6 * (random.uniform() + random.uniform() - 1),
  // Sharp.
  (_column, _target, random) => 60 * (random.uniform() + random.uniform() - 1),
  // Far out.
  (_column, _target, random) => 2e4 * random.uniform() - 1e4,
  // One-hot.
  (column, target) => column === target ? 1e4 : -1e4,
  // Uniform, far from zero.
  () => 1e4,
  // All masked but one.
  (column, target) => column === target ? -3 : -Infinity,
  // About half masked.
  (column, target, random) =>
    column === target || random.uniform() < 0.5 ? 4 * random.uniform() : -Infinity,
];

/** One row of each kind, with this many columns. */
export function rowsOfLogits(random: RandomData, columns: number): LogitRows {
  const targets = random.integers(ROWS.length, columns);
  const logits = new Float32Array(ROWS.length * columns);
  for (const [row, make] of ROWS.entries()) {
    for (let column = 0; column < columns; column++) {
      logits[row * columns + column] = make(column, targets[row]!, random);
    }
  }
  return { rows: ROWS.length, logits, targets };
}
