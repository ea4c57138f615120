/** The table's row of each token in float64, the definition that embedding.wgsl is held to. */
export function embeddingReference(
  tokens: ArrayLike<number>,
  table: ArrayLike<number>,
  columns: number,
): Float64Array {
  return Float64Array.from(
    { length: tokens.length * columns },
    (_, i) => table[tokens[Math.floor(i / columns)]! * columns + i % columns] ?? 0,
  );
}

/** The gradient with respect to the table, `vocabulary` · `columns` elements. */
export function embeddingBackwardReference(
  tokens: ArrayLike<number>,
  gradOut: ArrayLike<number>,
  vocabulary: number,
  columns: number,
): Float64Array {
  const gradTable = new Float64Array(vocabulary * columns);
  for (let i = 0; i < gradOut.length; i++) {
    const token = tokens[Math.floor(i / columns)]!;
    if (token < vocabulary) gradTable[token * columns + i % columns]! += gradOut[i]!;
  }
  return gradTable;
}
