/** What {@linkcode writeCacheReference} writes; arrays are row-major. */
export interface WriteCacheInput {
  /** Keys or values, B·P·width elements. */
  readonly x: ArrayLike<number>;
  /** First position of each prompt and the one after its last, B·2 elements. */
  readonly spans: ArrayLike<number>;
  /** Positions P of x in each row. */
  readonly positions: number;
  /** Positions S of the cache in each row. */
  readonly capacity: number;
  /** Elements of a position. */
  readonly width: number;
  /** Where a new token goes, counted from the end of the span; left out for prompts. */
  readonly step?: number;
}

/** Writes into a cache in place, the definition that key_value_cache.wgsl is held to. */
export function writeCacheReference(
  cache: Float64Array | Float32Array,
  { x, spans, positions, capacity, width, step }: WriteCacheInput,
): void {
  for (let i = 0; i < x.length; i++) {
    const token = Math.floor(i / width);
    const row = Math.floor(token / positions);
    const position = step === undefined ? token % positions : spans[2 * row + 1]! + step;
    if (position < capacity) cache[(row * capacity + position) * width + i % width] = x[i]!;
  }
}
