/**
 * A number as Python or a table writes it, `nan` and `inf` included; undefined if `text` is anything else,
 * such as `0x1f`, `1_000` or `62.2%`. Without space around it.
 */
export function parseNumber(text: string): number | undefined {
  if (text === "" || text.includes(" ")) return undefined;
  const value = Number(text);
  if (!Number.isNaN(value)) return text[0] === "0" && RADIX.test(text) ? undefined : value;
  if (/^[-+]?nan$/i.test(text)) return NaN;
  if (/^[-+]?inf(inity)?$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  return undefined;
}

/** JavaScript's other ways to write a number. */
const RADIX = /^0[xob]/i;

/** A share in percent, as spreadsheets write it. */
const PERCENT = /^[-+]?\d+(?:\.\d+)?%$/;

/** A number in a cell or a text of JSON: as {@linkcode parseNumber} reads it, and `62.2%` as 0.622. */
export function numberInText(text: string): number | undefined {
  // A table of a gigabyte has fifty million cells.
  return text.endsWith("%") && PERCENT.test(text)
    ? Number(text.slice(0, -1)) / 100
    : parseNumber(text);
}
