import { ReadError } from "../../formats/errors.ts";
import { readLines } from "./lines.ts";
import { LogSource } from "./log_source.ts";
import { Malformed } from "./malformed.ts";
import { addByTime, type TimedMetric } from "./mlflow_times.ts";
import { parseNumber } from "./parse_number.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import { SeriesCollector } from "./series_collector.ts";
import { isStep } from "./step_value.ts";

/** A run has a few hundred metrics and parameters. */
const MOST_FILES = 20_000;
/** A parameter is a word or a number; MLflow itself ends it at 6000 characters. */
const LONGEST_PARAMETER = 1 << 14;

/**
 * Reads a run as MLflow's file store keeps it: a file for each metric in `metrics/`, its path the key, with
 * lines `time value step`; a file for each parameter in `params/`; and the run's name in its tags or in
 * `meta.yaml`.
 *
 * @throws {ReadError} if a file cannot be read.
 */
export async function readMlflowRun(folder: string, options: ReaderOptions): Promise<LogRows[]> {
  const malformed = new Malformed();
  const series = new SeriesCollector(options.keep, "last", malformed);
  const keys = await filesIn(`${folder}/metrics`);
  const isStepless = await nameNoStep(folder, keys);
  const timed: TimedMetric[] = [];
  for (const key of keys) {
    await using source = await LogSource.open(`${folder}/metrics/${key}`);
    series.rewind();
    const rows = readMetric(source, malformed);
    if (isStepless && options.keep(key)) timed.push({ key, rows: await Array.fromAsync(rows) });
    else for await (const { step, value } of rows) series.add(step, key, value);
  }
  const notes = timed.some(({ rows }) => rows.length > 1) ? [addByTime(timed, series)] : [];
  const config: Record<string, unknown> = {};
  for (const name of await filesIn(`${folder}/params`)) {
    config[name.replaceAll("/", ".")] = await textOf(`${folder}/params/${name}`);
  }
  const name = (await textOf(`${folder}/tags/mlflow.runName`))?.trim() ||
    nameIn(await textOf(`${folder}/meta.yaml`));
  const rows = { name, series, malformed, notes };
  return [Object.keys(config).length === 0 ? rows : { ...rows, config }];
}

/** A row of a metric's file. */
interface MetricRow {
  readonly time: number;
  readonly value: number;
  readonly step: number;
}

async function* readMetric(source: LogSource, malformed: Malformed): AsyncGenerator<MetricRow> {
  let count = 0;
  for await (const batch of readLines(source, malformed)) {
    let number = batch.firstNumber - 1;
    for (const line of batch.text.split("\n")) {
      number++;
      const text = line.trim();
      if (text === "") continue;
      source.spend(1);
      // Before MLflow 1.0 there was no step.
      const [time, written = "", stated] = text.split(/\s+/);
      const value = parseNumber(written);
      const step = stated === undefined ? count : Number(stated);
      count++;
      if (time === undefined || value === undefined || !isStep(step)) {
        malformed.add(`${source.name} line ${number}`, text);
      } else yield { time: Number(time), value, step };
    }
  }
}

/**
 * Whether the metrics of a run were logged without a step, for which MLflow writes 0: none has another, and one has
 * several rows. What MLflow itself logs of the machine has steps of its own.
 */
async function nameNoStep(folder: string, keys: readonly string[]): Promise<boolean> {
  let most = 0;
  for (const key of keys) {
    if (key.startsWith("system/")) continue;
    await using source = await LogSource.open(`${folder}/metrics/${key}`);
    let count = 0;
    for await (const { step, time } of readMetric(source, new Malformed())) {
      if (step !== 0 || !Number.isFinite(time)) return false;
      count++;
    }
    most = Math.max(most, count);
  }
  return most > 1;
}

/** The files in a folder and its folders, by their paths within it; none if there is no such folder. */
async function filesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  const folders = [""];
  for (const prefix of folders) {
    try {
      for await (const { name, isDirectory } of Deno.readDir(`${folder}/${prefix}`)) {
        if (isDirectory) folders.push(`${prefix}${name}/`);
        else found.push(prefix + name);
        if (found.length + folders.length > MOST_FILES) {
          throw new ReadError(`${folder} holds more than ${MOST_FILES} files and folders.`);
        }
      }
    } catch (error) {
      if (error instanceof ReadError) throw error;
      if (prefix === "" && error instanceof Deno.errors.NotFound) return [];
      throw new ReadError(`${folder}/${prefix} cannot be read: ${(error as Error).message}.`);
    }
  }
  return found.sort();
}

/** The run's name in `meta.yaml`; empty if it has none. */
function nameIn(meta: string | undefined): string {
  const [, name = ""] = /^run_name: *(.*?)\s*$/m.exec(meta ?? "") ?? [];
  return name.replace(/^(["'])(.*)\1$/, "$2");
}

/** A small text; undefined if there is none. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    await using source = await LogSource.open(path);
    return new TextDecoder().decode(await source.head(LONGEST_PARAMETER));
  } catch (error) {
    if (error instanceof ReadError) return undefined;
    throw error;
  }
}
