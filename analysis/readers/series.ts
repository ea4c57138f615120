/** One metric over training: `values[i]` was logged for `steps[i]`; steps ascend and do not repeat. */
export interface Series {
  /** Training steps as the log counts them. */
  readonly steps: Float64Array;
  /** Finite values, one per step. */
  readonly values: Float64Array;
}

/** Values under one key that are NaN or infinite. */
export interface NotFinite {
  /** How many. */
  readonly count: number;
  /** The lowest step of one. */
  readonly first: number;
  /** The highest step of one. */
  readonly last: number;
  /** Their steps, ascending, each once, but for those that have a finite value too; of keys that no analysis here needs at most one. */
  readonly steps: Float64Array;
}

/** The numbers in ascending order, each once. */
export function distinct(numbers: Float64Array): Float64Array {
  const ordered = numbers.slice().sort();
  return ordered.filter((number, i) => i === 0 || number !== ordered[i - 1]);
}

/** The numbers of several ascending arrays, ascending, each once. */
export function union(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    all.set(part, end);
    end += part.length;
  }
  return distinct(all);
}

/** Where a number stands in an ascending array, or would; a Map would end at 2^24 numbers. */
export function placeOf(ordered: Float64Array, number: number): number {
  let [low, high] = [0, ordered.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ordered[middle]! < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
