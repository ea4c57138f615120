import { readLines } from "./lines.ts";
import { Malformed } from "./malformed.ts";
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
  path: string,
  layout: JsonlLayout,
  options: ReaderOptions,
): Promise<LogRows[]> {
  const collector = new SeriesCollector(options.keep, layout.repeat);
  const malformed = new Malformed();
  const steps = new StepFinder();
  let config: Record<string, unknown> | undefined;
  for await (const batch of readLines(path)) {
    for (const [i, line] of batch.lines.entries()) {
      if (line.trim() === "") continue;
      const place = `line ${batch.firstNumber + i}`;
      const row = parseJsonObject(line);
      if (row === undefined) {
        malformed.add(place, line);
        continue;
      }
      if (isObject(row["run"]) && !("step" in row)) {
        config = row["run"];
        continue;
      }
      const step = steps.find((key) => row[key]);
      if (step === undefined) {
        malformed.add(`${place} names no step`, line);
        continue;
      }
      addMetrics(collector, step, layout.data === undefined ? row : row[layout.data]);
    }
  }
  return [{ name: "", series: collector, malformed, ...(config === undefined ? {} : { config }) }];
}

/** A JSON object, also where Python wrote the bare words NaN and Infinity; undefined if it is none. */
export function parseJsonObject(text: string): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    if (!/NaN|Infinity/.test(text)) return undefined;
    try {
      value = JSON.parse(text.replace(/(?<=[:[,]\s*)(?:NaN|-?Infinity)(?=\s*[,}\]])/g, "null"));
    } catch {
      return undefined;
    }
  }
  return isObject(value) ? value : undefined;
}

/** Adds every number of a row; null and NaN count as values that are not finite, text is no metric. */
export function addMetrics(
  collector: SeriesCollector,
  step: number,
  row: unknown,
  prefix = "",
): void {
  if (!isObject(row)) return;
  for (const [name, value] of Object.entries(row)) {
    const key = prefix + name;
    if (typeof value === "number") collector.add(step, key, value);
    else if (value === null || value === "NaN") collector.add(step, key, NaN);
    else if (isObject(value)) addMetrics(collector, step, value, key + "/");
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
