import { isObject } from "../../formats/json_object.ts";
import { stepOfKey } from "./own_steps.ts";
import { numberInText } from "./parse_number.ts";
import type { SeriesCollector } from "./series_collector.ts";

/** How many pieces a text counts for that is no JSON object: an exception takes long. */
export function costOfUnreadable(text: string): number {
  return text.startsWith("{") ? 16 : 1;
}

/** How many pieces a row counts for that names no step, as each name of it was looked for; no row is shorter. */
export const COST_WITHOUT_STEP = 3;

/** No logger nests its metrics deeper. */
const DEEPEST = 32;

/** How loggers write as a text what JSON has no number for. */
export const NOT_FINITE: readonly unknown[] = ["NaN", "Infinity", "-Infinity"];

/** Where the numbers of a row go. */
export interface RowPlace {
  /** What takes them. */
  readonly collector: SeriesCollector;
  /** The step that they were logged for. */
  readonly step: number;
  /** Steps of parts of the row that state another, by the part's name. */
  readonly own?: ReadonlyMap<string, number> | undefined;
  /** Says where the row is in the log. */
  readonly place: () => string;
  /** Whether null stands for a number that is not finite, and not for none. */
  readonly nullIsNaN?: boolean;
}

/**
 * Adds every number of a row of JSON, also those that are written as texts, and says how many members it had; NaN and Infinity count as values that
 * are not finite, null as none. Anything else under a key that otherwise has numbers, and what is nested more
 * than 32 levels deep, is counted as malformed.
 *
 * @param prefix What the keys of the row begin with.
 * @param depth How many objects the row lies in.
 */
export function addMetrics(row: unknown, to: RowPlace, prefix = "", depth = 0): number {
  if (!isObject(row)) return 0;
  const { collector, step: rowStep, own, place, nullIsNaN = false } = to;
  if (depth > DEEPEST) {
    collector.malformed.add(`more than ${DEEPEST} levels deep`, prefix);
    return 0;
  }
  const names = Object.keys(row);
  let count = names.length;
  for (const name of names) {
    const value = row[name];
    const key = prefix + name;
    const step = own === undefined ? rowStep : stepOfKey(key, rowStep, own);
    if (typeof value === "number") collector.add(step, key, value);
    else if (NOT_FINITE.includes(value) || (value === null && nullIsNaN)) {
      collector.add(step, key, NaN);
    } else if (value === null) collector.addMissing(key);
    else if (isObject(value)) count += addMetrics(value, to, key + "/", depth + 1);
    else {
      const text = Array.isArray(value) ? "a list" : String(value);
      const number = typeof value === "string" ? numberInText(text.trim()) : undefined;
      if (number !== undefined) collector.add(step, key, number);
      else collector.addText(key, () => `${place()}, ${JSON.stringify(key)}`, text);
    }
  }
  return count;
}
