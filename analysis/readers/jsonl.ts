import type { ByteSource } from "../../formats/bytes.ts";
import { readLines } from "./lines.ts";
import { Malformed } from "./malformed.ts";
import { endOfQuoted } from "../../formats/quoted.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import { type RepeatRule, SeriesCollector } from "./series.ts";
import { StepFinder } from "./step.ts";

/** How the rows of a JSON-lines file are laid out. */
export interface JsonlLayout {
  /** What a repeated step means. */
  readonly repeat: RepeatRule;
  /** The member that holds the metrics, or none where the row itself does. */
  readonly data?: string;
}

/**
 * Reads JSON lines, one row of metrics per line, nested objects joined by `/`: verl's file logger and
 * this project's run log (`{"step": 1, "data": {…}}`, the latter with a first line `{"run": {…}}`),
 * W&B history, `trainer_log.jsonl`, ms-swift's `logging.jsonl`, tinker-cookbook's `metrics.jsonl`.
 * A line that is not a JSON object or names no step is counted as malformed.
 *
 * @throws {ReadError} if the file cannot be read.
 */
export async function readJsonl(
  source: ByteSource,
  layout: JsonlLayout,
  options: ReaderOptions,
): Promise<LogRows[]> {
  const malformed = new Malformed();
  const collector = new SeriesCollector(options.keep, layout.repeat, malformed);
  const steps = new StepFinder(() => collector.clear());
  let config: Record<string, unknown> | undefined;
  for await (const batch of readLines(source, malformed)) {
    let number = batch.firstNumber - 1;
    for (const whole of batch.text.split("\n")) {
      number++;
      const line = whole.trim();
      if (line === "") continue;
      const place = `line ${number}`;
      const row = parseJsonObject(line);
      if (row === undefined) {
        source.spend(costOfUnreadable(line));
        malformed.add(place, line);
        continue;
      }
      if (isObject(row["run"]) && !("step" in row)) {
        config = row["run"];
        continue;
      }
      const step = steps.find((key) => row[key]);
      if (step === undefined) {
        source.spend(1);
        malformed.add(`${place} ${steps.complaint}`, line);
        continue;
      }
      source.spend(
        1 + addMetrics(
          collector,
          step,
          layout.data === undefined ? row : row[layout.data],
          () => place,
        ),
      );
    }
  }
  const rows = { name: "", series: collector, malformed, notes: steps.notes };
  return [config === undefined ? rows : { ...rows, config }];
}

/** How many pieces a text counts for that is no JSON object: an exception takes long. */
export function costOfUnreadable(text: string): number {
  return text.startsWith("{") ? 16 : 1;
}

/**
 * A JSON object, also where Python wrote the bare words NaN and Infinity; undefined if it is none. Without
 * space around it.
 */
export function parseJsonObject(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith("{") || !text.endsWith("}")) return undefined;
  const hasWords = text.includes("NaN") || text.includes("Infinity");
  try {
    const value = JSON.parse(hasWords ? withoutBareWords(text) : text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** JSON text with null for the words NaN, Infinity and -Infinity where they are no part of a string. */
function withoutBareWords(text: string): string {
  const parts: string[] = [];
  const lexeme = /"|-?Infinity|NaN/g;
  let from = 0;
  for (let match = lexeme.exec(text); match !== null; match = lexeme.exec(text)) {
    if (match[0] === '"') {
      lexeme.lastIndex = endOfQuoted(text, match.index) ?? text.length;
      continue;
    }
    parts.push(text.slice(from, match.index), "null");
    from = lexeme.lastIndex;
  }
  parts.push(text.slice(from));
  return parts.join("");
}

/** No logger nests its metrics deeper. */
const DEEPEST = 32;

/** How loggers write as a text what JSON has no number for. */
const NOT_FINITE: readonly unknown[] = ["NaN", "Infinity", "-Infinity"];

/**
 * Adds every number of a row and says how many members it had; null, NaN and Infinity count as values that
 * are not finite. Anything else under a key that otherwise has numbers, and what is nested more than 32
 * levels deep, is counted as malformed; `place` says where the row is.
 */
export function addMetrics(
  collector: SeriesCollector,
  step: number,
  row: unknown,
  place: () => string,
  prefix = "",
  depth = 0,
): number {
  if (!isObject(row)) return 0;
  if (depth > DEEPEST) {
    collector.malformed.add(`more than ${DEEPEST} levels deep`, prefix);
    return 0;
  }
  const names = Object.keys(row);
  let count = names.length;
  for (const name of names) {
    const value = row[name];
    const key = prefix + name;
    if (typeof value === "number") collector.add(step, key, value);
    else if (value === null || NOT_FINITE.includes(value)) collector.add(step, key, NaN);
    else if (isObject(value)) {
      count += addMetrics(collector, step, value, place, key + "/", depth + 1);
    } else {
      const text = Array.isArray(value) ? "a list" : String(value);
      collector.addText(key, () => `${place()}, ${JSON.stringify(key)}`, text);
    }
  }
  return count;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
