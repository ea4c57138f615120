const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Instead of a place: the bytes end before the text does. */
export const CUT_OFF = -1;

/** The place after the JSON text that begins at `i`; undefined if the line ends first. */
export function textEnd(bytes: Uint8Array, i: number): number | undefined {
  for (let end = i + 1; end < bytes.length; end++) {
    const code = bytes[end]!;
    if (code === QUOTE) return end + 1;
    if (code === NEWLINE) return undefined;
    if (code === BACKSLASH && bytes[end + 1] !== NEWLINE) end++;
  }
  return CUT_OFF;
}

const decoder = new TextDecoder();

/** What a JSON text with its quotes says; undefined if it is none. */
export function parseText(bytes: Uint8Array): string | undefined {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}
