/**
 * A number of things in words: `1 piece`, `2 pieces`.
 *
 * @param many What several are called, where it is not `one` with an s.
 */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
