/** Characters of what a message quotes from a file. */
const LONGEST = 100;

/**
 * A name from a file as a message shows it: what is not printed, or turns the direction of writing, is escaped,
 * and what is too long is cut.
 */
export function shownName(name: string): string {
  const escaped = name.slice(0, LONGEST + 1).replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
  return escaped.length <= LONGEST ? escaped : `${escaped.slice(0, LONGEST)}…`;
}

/** A JSON value from a file as a message shows it. */
export function shownValue(value: unknown): string {
  try {
    return shownName(JSON.stringify(value) ?? String(value));
  } catch (error) {
    // JSON.stringify goes into the depths of a value by recursion.
    if (error instanceof RangeError) {
      return `an ${Array.isArray(value) ? "array" : "object"} too deep to show`;
    }
    throw error;
  }
}
