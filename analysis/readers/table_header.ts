import { numberInText } from "./parse_number.ts";
import { StepFinder } from "./step.ts";

/** A number with a decimal comma, as tables have it whose cells are parted by semicolons. */
export const DECIMAL_COMMA = /^[-+]?\d+,\d+(?:[eE][-+]?\d+)?$/;

/** How tables write that there is no number. */
export const NO_NUMBER = /^(?:null|none)$/i;

/** Excel's line `sep=;`, comments and blank lines. */
const PREAMBLE = /^(?:[ \t]*(?:"?sep=[^\r\n]"?[ \t]*|#[^\r\n]*)?[\r\n])*/i;

/**
 * How many characters stand before a table's header. A comment right above numbers is the header itself, as NumPy
 * writes it.
 */
export function preambleLength(text: string): number {
  const preamble = PREAMBLE.exec(text)![0];
  const [below = ""] = text.slice(preamble.length).split(/[\r\n]/, 1);
  const lines = preamble.trimEnd();
  const last = Math.max(lines.lastIndexOf("\n"), lines.lastIndexOf("\r")) + 1;
  const isHeader = lines[last] === "#" &&
    below.split(/[,;\t]/).every((cell) => isNumber(cell.trim()));
  return isHeader ? last : preamble.length;
}

/** The names that a header's cells hold; commas behind the last one name nothing. */
export function namesOf(header: readonly string[]): string[] {
  const names = header.map((name, at) => at === 0 ? name.trim().replace(/^#\s*/, "") : name.trim());
  while (names.at(-1) === "") names.pop();
  return names;
}

/** Whether a row has a cell for each of so many names, and its last one that is not empty is one of theirs. */
export function isPadded(row: readonly string[], names: number): boolean {
  const last = row.findLastIndex((cell) => cell.trim() !== "");
  return row.length >= names && last >= 0 && last < names;
}

/** Whether a column is the index that pandas writes before the others. */
export function isIndex(name: string, at: number): boolean {
  return at === 0 && (name === "" || name === "Unnamed: 0");
}

/** The first name that stands twice, if any does. */
export function repeatedName(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}

/**
 * Whether a row is a header, as the second of two tables in one file has it: it holds no number, and two names of the
 * last header, or else the name of a step and no empty cell.
 */
export function isHeader(row: readonly string[], last: () => ReadonlySet<string>): boolean {
  // Nearly every row of numbers is told by its first cell.
  if (row.some(holdsNumber)) return false;
  const names = namesOf(row);
  const known = last();
  if (names.filter((name) => name !== "" && known.has(name)).length > 1) return true;
  return names.some(StepFinder.knows) && names.every((name, at) => name !== "" || at === 0);
}

function holdsNumber(cell: string): boolean {
  const text = cell.trim();
  return isNumber(text) || NO_NUMBER.test(text);
}

function isNumber(cell: string): boolean {
  return numberInText(cell) !== undefined || DECIMAL_COMMA.test(cell);
}
