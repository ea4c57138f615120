/**
 * What a terminal or a page would act on instead of showing it, or an SVG cannot hold: control
 * characters (C0, DEL, C1), bidirectional controls, line separators, the byte order mark, code points
 * that are no characters, and halves of surrogate pairs.
 */
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}\p{Noncharacter_Code_Point}\uFEFF]/gu;

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * A text from outside (a file's name, a key, a message) as one line that can be printed and drawn:
 * what cannot be seen is escaped as in JavaScript (`\n`, `\x1b`, `\u202e`), and of a text of more than
 * `limit` characters the middle is left out, `head … tail`.
 */
export function printable(text: string, limit = Infinity): string {
  // Escapes only make it longer, so a cut far beyond the limit spares a long text their making.
  const escaped = shortened(text, 2 * limit).replace(UNPRINTABLE, escapeOf);
  return shortened(escaped, limit);
}

/**
 * JSON on one line, as `JSON.stringify` makes it, with the true strings: what {@linkcode printable}
 * escapes is escaped here as JSON does, so that nothing acts on a terminal.
 */
export function printableJson(
  value: unknown,
  replacer?: (key: string, value: unknown) => unknown,
): string {
  return JSON.stringify(value, replacer).replace(
    UNPRINTABLE,
    (character) => character.split("").map((unit) => `\\u${hex(unit.charCodeAt(0), 4)}`).join(""),
  );
}

/** Characters of what a message shows of a name or value from a file. */
const LONGEST_SHOWN = 100;

/** A name from a file as a message shows it. */
export function shownName(name: string): string {
  return printable(name, LONGEST_SHOWN);
}

/** A JSON value from a file as a message shows it. */
export function shownValue(value: unknown): string {
  try {
    return printable(JSON.stringify(value) ?? String(value), LONGEST_SHOWN);
  } catch (error) {
    // JSON.stringify goes into the depths of a value by recursion.
    if (error instanceof RangeError) {
      return `an ${Array.isArray(value) ? "array" : "object"} too deep to show`;
    }
    throw error;
  }
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0)!;
  if (code > 0xffff) return `\\u{${hex(code, 5)}}`;
  return SHORT[character] ?? (code > 0xff ? `\\u${hex(code, 4)}` : `\\x${hex(code, 2)}`);
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}

const CUT = " … ";

function shortened(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const tail = Math.floor((limit - CUT.length) / 3);
  const head = limit - CUT.length - tail;
  // Neither end may be half of a surrogate pair.
  const start = text.slice(0, head).replace(/[\uD800-\uDBFF]$/, "");
  const end = text.slice(text.length - tail).replace(/^[\uDC00-\uDFFF]/, "");
  return start + CUT + end;
}
