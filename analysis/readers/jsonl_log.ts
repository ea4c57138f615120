import { isObject, parseJsonObject } from "../../formats/json_object.ts";
import { readLines } from "./lines.ts";
import type { LogSource } from "./log_source.ts";
import { Malformed } from "./malformed.ts";
import { addMetrics, COST_WITHOUT_STEP, costOfUnreadable } from "./metrics.ts";
import { printedSettings } from "./printed_settings.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import { RunSplitter } from "./run_splitter.ts";
import type { RepeatRule } from "./column.ts";
import { SeriesCollector } from "./series_collector.ts";
import { cellsOf, StepFinder, type Stepless } from "./step.ts";

/** How the rows of a JSON-lines file are laid out. */
export interface JsonlLayout {
  /** What a repeated step means. */
  readonly repeat: RepeatRule;
  /** The member that holds the metrics, or none where the row itself does. */
  readonly data?: string;
  /** Whether null is how the log writes a number that is not finite. */
  readonly nullIsNaN?: boolean;
  /** What steps rows that name no step. */
  readonly stepless?: Stepless | undefined;
  /** Members that part its rows into runs beside those that always do. */
  readonly runColumns?: readonly string[];
}

/**
 * Reads JSON lines, one row of metrics per line, nested objects joined by `/`: verl's file logger and
 * this project's run log (`{"step": 1, "data": {…}}`, the latter with a first line `{"run": {…}}`),
 * W&B history, `trainer_log.jsonl`, ms-swift's `logging.jsonl`, tinker-cookbook's `metrics.jsonl`. Rows
 * that name their run are parted by it. A line that is not a JSON object or names no step is counted as
 * malformed, but for a command that names SkyRL's settings.
 *
 * @throws {ReadError} if the file cannot be read.
 */
export async function readJsonl(
  source: LogSource,
  layout: JsonlLayout,
  options: ReaderOptions,
): Promise<LogRows[]> {
  const malformed = new Malformed();
  const runs = new RunSplitter(() => {
    const series = new SeriesCollector(options.keep, layout.repeat, malformed);
    return { series, steps: new StepFinder(series, layout.stepless) };
  }, layout.runColumns);
  const { nullIsNaN = false } = layout;
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
        const settings = printedSettings(line);
        if (settings === undefined) malformed.add(place, line);
        else config = { ...config, ...settings };
        continue;
      }
      if (isObject(row["run"]) && !("step" in row)) {
        config = row["run"];
        continue;
      }
      const { series, steps } = runs.of((column) => row[column]);
      const step = steps.find(cellsOf(row));
      if (step === undefined) {
        source.spend(COST_WITHOUT_STEP);
        malformed.add(`${place} ${steps.complaint}`, line);
        continue;
      }
      const metrics = layout.data === undefined ? row : row[layout.data];
      const { own } = steps;
      const to = { collector: series, step, own, place: () => place, nullIsNaN };
      source.spend(1 + addMetrics(metrics, to));
    }
  }
  return runs.runsOrOne().map(({ name, series, steps }) => ({
    name,
    series,
    malformed,
    ...steps.facts,
    ...(config === undefined ? {} : { config }),
  }));
}
