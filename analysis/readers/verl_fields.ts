import { parseNumber } from "./parse_number.ts";
import type { SeriesCollector } from "./series_collector.ts";
import { isStep } from "./step_value.ts";

/** What stands before the number of a step. */
export const STEP_MARK = "step:";
// Where a newline was lost, the mark stands right after a value: `0.57step:11 - `, `mode:syncstep:11 - `.
const STEP_AT_END = /step:(\d+)$/;
const VALUE_BEFORE_STEP = /(?:^|[^A-Za-z_/]|:[A-Za-z]+)$/;
// A colon that parted a value from what was printed right after it, not one within a name.
const TORN_KEY = /:(?:[^A-Za-z\d]|[\d.]+[^\d./]|[^/:]*$)/;

/** A line of verl from its `step:N - ` on. */
export interface StepLine {
  readonly text: string;
  /** The process that printed it, as Ray names it; empty if Ray does not. */
  readonly process: string;
  /** Whether its last field is all there: `unknown` at the end of a file that may be cut off there. */
  readonly end: "whole" | "cut off" | "unknown";
  /** Where it stands, in words. */
  place(): string;
}

/** Adds the fields of a line, each to the last step before it. Says how many they are, and whether the last one is lost. */
export function addFields(
  { text, end, place }: StepLine,
  collector: SeriesCollector,
): { count: number; isCut: boolean } {
  const { malformed } = collector;
  let step: number | undefined;
  let isCut = false;
  let hasMark = false;
  let isTorn = false;
  const fields = text.split(" - ");
  const count = fields.length;
  for (let i = 0; i < count; i++) {
    const isLast = i === count - 1;
    const field = fields[i]!.trim();
    if (field === "") continue;
    const mark = isLast ? undefined : stepMark(field);
    if (mark !== undefined) {
      hasMark = true;
      // Nothing shows that the value before the mark is whole.
      if (mark.before !== "" && step !== undefined) malformed.add(place(), field);
      step = isStep(Number(mark.digits)) ? Number(mark.digits) : undefined;
      if (step !== undefined) continue;
      const shown = mark.digits.slice(0, 24);
      malformed.add(
        `${place()} has the step ${shown}, expected 0 to 2^53 − 1`,
        fields.slice(i + 1, i + 9).join(" - "),
      );
      continue;
    }
    if (step === undefined) continue;
    // Where the end is lost, the value may have lost its last digits, so even a readable one is not used.
    const read = isLast && end !== "whole" ? undefined : fieldOf(field, collector.counts);
    // What another program lists has other names.
    if (read === undefined || (isTorn && !isOwnKey(read.key, collector.counts))) {
      malformed.add(place(), field);
      isCut ||= isLast;
      isTorn ||= field.includes(" pid=");
    } else if (read.value !== undefined) collector.add(step, read.key, read.value);
  }
  if (!hasMark) malformed.add(place(), text);
  return { count, isCut: isCut || !hasMark };
}

/**
 * The key and the number of a field; no number where it is a setting, undefined where it cannot be read.
 *
 * @param known Keys that were there before, which need no second look.
 */
export function fieldOf(
  field: string,
  known: ReadonlyMap<string, unknown>,
): { key: string; value: number | undefined } | undefined {
  const colon = field.lastIndexOf(":");
  let key = field.slice(0, colon);
  let value = parseNumber(field.slice(colon + 1));
  if (value === undefined) {
    const wrapped = unwrapped(field);
    if (wrapped === undefined) return isText(field) ? { key, value } : undefined;
    key = wrapped.key;
    value = parseNumber(wrapped.value);
  }
  return value !== undefined && (known.has(key) || isKey(key)) ? { key, value } : undefined;
}

/** Whether a key is certainly verl's: one that was there before, or in a part. */
export function isOwnKey(key: string, known: ReadonlyMap<string, unknown>): boolean {
  return known.has(key) || key.includes("/");
}

/** The mark `step:N` at the end of a field, and what was printed right before it; undefined if there is none. */
export function stepMark(field: string): { before: string; digits: string } | undefined {
  if (!field.includes(STEP_MARK)) return undefined;
  const match = STEP_AT_END.exec(field);
  if (match === null) return undefined;
  const before = field.slice(0, match.index);
  return VALUE_BEFORE_STEP.test(before) ? { before, digits: match[1]! } : undefined;
}

/**
 * Whether a text can be a key: no space in it, and no colon but within a part of a path, as in
 * `val-core/org/set-1:v2/acc/mean@16`.
 */
function isKey(text: string): boolean {
  return /^[A-Za-z_]\S*$/.test(text) && !TORN_KEY.test(text);
}

/** The parts of a field such as `key:np.float64(0.5)` or `key:tensor(0.5, device='cuda:0')`. */
function unwrapped(field: string): { key: string; value: string } | undefined {
  if (!field.endsWith(")")) return undefined;
  const open = field.lastIndexOf("(");
  const colon = field.lastIndexOf(":", open);
  if (open < 0 || colon < 0) return undefined;
  const inside = field.slice(open + 1, -1);
  const isWrapper = /^(?:np|numpy|torch)?\.?\w*$/.test(field.slice(colon + 1, open));
  if (!isWrapper || inside.includes(")")) return undefined;
  return { key: field.slice(0, colon), value: /^[^,\s]*/.exec(inside)![0] };
}

/** verl also prints settings among the metrics, such as `mode:sync` or `flag:True`; they are whole. */
function isText(field: string): boolean {
  return /^[A-Za-z_][^\s:]*:(?:True|False|None|[A-Za-z_][\w.-]*)$/.test(field);
}
