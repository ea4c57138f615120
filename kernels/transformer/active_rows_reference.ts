/** How many rows have not ended, and which they are: what `listActiveRows` writes of [1 + N] words. */
export function listActiveRowsReference(done: ArrayLike<number>): number[] {
  const rows = Array.from(done, (_, row) => row).filter((row) => done[row] === 0);
  return [rows.length, ...rows];
}
