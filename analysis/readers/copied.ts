/**
 * The same string in memory of its own: V8 keeps a part of a string as a view of the whole, so one key
 * would keep a chunk of a log, or a line of megabytes.
 */
export function copied(text: string): string {
  return (" " + text).slice(1);
}
