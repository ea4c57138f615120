import { isObject, parseJsonObject } from "../../formats/json_object.ts";
import { readLines } from "./lines.ts";
import type { LogSource } from "./log_source.ts";
import { Malformed } from "./malformed.ts";
import { addMetrics, costOfUnreadable } from "./metrics.ts";
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
  source: LogSource,
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
      const metrics = layout.data === undefined ? row : row[layout.data];
      source.spend(1 + addMetrics(metrics, { collector, step, place: () => place }));
    }
  }
  const rows = { name: "", series: collector, malformed, notes: steps.notes };
  return [config === undefined ? rows : { ...rows, config }];
}
