import { basename } from "node:path";
import { ReadError } from "../errors.ts";
import { readCsv, readWandbCsv } from "./csv.ts";
import { readJsonl } from "./jsonl.ts";
import {
  ENTROPY_RULES,
  frameworkOf,
  isNeeded,
  isValidationKey,
  namesAccuracy,
  normalKey,
  SCORE_RULES,
  scoreRank,
  TRL_ENTROPY,
  UNKNOWN_ENTROPY,
} from "./keys.ts";
import { recogniseFormat } from "./recognise.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import type { EntropySeries, Framework, LogFormat, Run, ScoreSeries } from "./run.ts";
import type { Series } from "./series.ts";
import { readTensorBoard } from "./tensorboard.ts";
import { readTrainerState } from "./trainer_state.ts";
import { readVerlConsole } from "./verl_console.ts";
import { readWandbBinary } from "./wandb_binary.ts";

/** Which keys to read instead of the preferred ones. */
export interface ReadRunOptions {
  /** The key of the policy entropy. */
  readonly entropyKey?: string;
  /** The key of the performance. */
  readonly scoreKey?: string;
}

/**
 * Reads the one run of a training log: verl console logs and its JSONL file logger, this project's run
 * log, TRL's `trainer_state.json`, `trainer_log.jsonl` and ms-swift's `logging.jsonl`, W&B's CSV
 * exports, history JSONL and binary `.wandb`, TensorBoard event files, and tables as CSV or JSONL; all
 * of them also gzipped. The format is recognised from the content.
 *
 * @param path A file, or a folder of TensorBoard event files.
 * @throws {ReadError} if the file cannot be read or holds no metrics or several runs, or a key that was
 * named is not in it.
 */
export async function readRun(path: string, options: ReadRunOptions = {}): Promise<Run> {
  const runs = await readRuns(path, options);
  if (runs.length === 1) return runs[0]!;
  const names = runs.map((run) => JSON.stringify(run.name)).join(", ");
  throw new ReadError(
    `${path} holds ${runs.length} runs (${names}), expected one; readRuns reads all.`,
  );
}

/**
 * Reads all runs of a training log, as {@linkcode readRun} does: a W&B export may hold several.
 *
 * @throws {ReadError} as {@linkcode readRun} does, but for several runs.
 */
export async function readRuns(path: string, options: ReadRunOptions = {}): Promise<Run[]> {
  const format = await formatOf(path);
  const found = await readRows(path, format, {
    keep: (key) => key === options.entropyKey || key === options.scoreKey || isNeeded(key),
  });
  const filled = found.filter((rows) => rows.series.counts.size > 0);
  if (filled.length === 0) {
    throw new ReadError(
      format === "verl-console"
        ? `${path} is text without a single line "step:N - key:value - …", as verl prints, and neither JSON nor a table.`
        : `${path} (read as ${format}) holds no metrics.`,
    );
  }
  return filled.map((rows) => toRun(path, format, rows, options));
}

async function formatOf(path: string): Promise<LogFormat> {
  const isDirectory = await Deno.stat(path).then((info) => info.isDirectory, () => false);
  if (!isDirectory) return await recogniseFormat(path);
  if ((await eventFiles(path)).length > 0) return "tensorboard";
  throw new ReadError(
    `${path} is a directory without TensorBoard event files, expected a log file.`,
  );
}

/**
 * The event files that a TensorBoard writer left in a folder, in the order in which they were begun: a
 * resumed run adds one. Files that were renamed (their names hold no time) are runs of their own.
 */
export async function eventFiles(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isFile && /tfevents\.\d{9,}/.test(entry.name)) names.push(entry.name);
  }
  return names.sort().map((name) => `${folder}/${name}`);
}

async function readRows(
  path: string,
  format: LogFormat,
  options: ReaderOptions,
): Promise<LogRows[]> {
  switch (format) {
    case "verl-console":
      return readVerlConsole(path, options);
    case "verl-jsonl":
    case "run-log":
      return readJsonl(path, { repeat: "last", data: "data" }, options);
    case "trainer-log":
    case "wandb-history":
    case "jsonl":
      return readJsonl(path, { repeat: "mean" }, options);
    case "trainer-state":
      return readTrainerState(path, options);
    case "wandb-csv":
      return readWandbCsv(path, options);
    case "csv":
      return readCsv(path, options);
    case "wandb-binary":
      return readWandbBinary(path, options);
    case "tensorboard": {
      const info = await Deno.stat(path);
      return readTensorBoard(info.isDirectory ? await eventFiles(path) : [path], options);
    }
  }
}

function toRun(path: string, format: LogFormat, rows: LogRows, options: ReadRunOptions): Run {
  const series = rows.series.finish();
  const keys = new Map(Array.from(rows.series.counts, ([key, count]) => [key, count.finite]));
  const framework = format === "run-log" ? "entropy-lab" : frameworkOf(keys.keys());
  const notes: string[] = [];
  for (const key of [options.entropyKey, options.scoreKey]) {
    // A chart's export holds one metric: the other key may be in another file (see joinExports).
    if (key === undefined || series.has(key) || format === "wandb-csv") continue;
    throw new ReadError(missingKey(path, key, rows));
  }
  const entropy = chooseEntropy(series, framework, options.entropyKey);
  const score = chooseScore(path, series, options.scoreKey, notes);
  const { first, last } = rows.series.steps;
  return {
    source: path,
    name: rows.name === "" ? basename(path) : rows.name,
    format,
    framework,
    steps: { first, last },
    ...(entropy === undefined ? {} : { entropy }),
    ...(score === undefined ? {} : { score }),
    validationKeys: Array.from(keys.keys()).filter((key) =>
      keys.get(key)! > 0 && isValidationKey(key)
    ),
    series,
    keys,
    ...(rows.config === undefined ? {} : { config: rows.config }),
    malformed: rows.malformed,
    notes,
  };
}

function missingKey(path: string, key: string, rows: LogRows): string {
  const notFinite = rows.series.counts.get(key)?.notFinite ?? 0;
  const what = notFinite > 0
    ? `holds no finite value under ${JSON.stringify(key)} (${notFinite} NaN, infinite or null)`
    : `has no key ${JSON.stringify(key)}`;
  const keys = Array.from(rows.series.counts).filter(([, count]) => count.finite > 0);
  return `${path} ${what}; ${keyList(keys.map(([key]) => key))}`;
}

/** The end of a sentence that tells which keys a log has; timings and throughput are only counted. */
export function keyList(keys: Iterable<string>): string {
  const all = Array.from(keys);
  const shown = all.filter((key) => !/^(?:timing|perf|time|system|memory|global_seqlen)/.test(key));
  const rest = all.length - shown.length;
  if (all.length === 0) return "it holds no number at all.";
  return `it has ${shown.sort().join(", ")}${
    rest > 0 ? ` and ${rest} keys of timing and throughput` : ""
  }.`;
}

function chooseEntropy(
  series: Map<string, Series>,
  framework: Framework,
  named: string | undefined,
): EntropySeries | undefined {
  const key = named ?? firstMatch(ENTROPY_RULES.map((rule) => rule.pattern), series.keys());
  const found = series.get(key ?? "");
  if (key === undefined || found === undefined) return undefined;
  const rule = ENTROPY_RULES.find((rule) => rule.pattern.test(normalKey(key)));
  const { definition, measured } = framework === "trl" && rule?.measured === "unknown"
    ? TRL_ENTROPY
    : rule ?? UNKNOWN_ENTROPY;
  return { key, definition, measured, ...found };
}

function chooseScore(
  path: string,
  series: Map<string, Series>,
  named: string | undefined,
  notes: string[],
): ScoreSeries | undefined {
  if (named !== undefined) {
    if (!series.has(named)) return undefined;
    const rule = SCORE_RULES.find((rule) => rule.pattern.test(normalKey(named)));
    return toScore(path, [named], rule?.kind ?? "unknown", series, notes);
  }
  for (const rule of SCORE_RULES) {
    const best = new Map<string, string>();
    for (const key of series.keys()) {
      const match = rule.pattern.exec(normalKey(key));
      if (match === null) continue;
      const benchmark = match.groups?.["benchmark"] ?? "";
      const rival = best.get(benchmark);
      if (rival === undefined || scoreRank(key) > scoreRank(rival)) best.set(benchmark, key);
    }
    if (best.size > 0) return toScore(path, Array.from(best.values()), rule.kind, series, notes);
  }
  return undefined;
}

function toScore(
  path: string,
  keys: string[],
  kind: ScoreSeries["kind"],
  series: Map<string, Series>,
  notes: string[],
): ScoreSeries {
  const parts = keys.map((key) => asFraction(key, series.get(key)!, notes));
  const label = keys.length === 1 ? keys[0]! : `mean of ${keys.join(", ")}`;
  const mean = meanOverBenchmarks(parts);
  if (mean.steps.length === 0) {
    throw new ReadError(
      `${path} never measures all of ${
        keys.join(", ")
      } at one step, so they have no mean; name one as the score key.`,
    );
  }
  const longest = Math.max(...parts.map((part) => part.steps.length));
  if (mean.steps.length < longest) {
    notes.push(
      `${
        longest - mean.steps.length
      } steps at which not all benchmarks were measured are left out.`,
    );
  }
  const isFraction = keys.every(namesAccuracy) &&
    mean.values.every((value) => value >= 0 && value <= 1);
  return { keys, label, kind, unit: isFraction ? "fraction" : "reward", ...mean };
}

/** A series of an accuracy in percent as a fraction; any other as it is. */
function asFraction(key: string, series: Series, notes: string[]): Series {
  const percent = namesAccuracy(key) && series.values.some((value) => value > 1) &&
    series.values.every((value) => value >= 0 && value <= 100);
  if (!percent) return series;
  notes.push(`${key} is in percent and was divided by 100.`);
  return { steps: series.steps, values: series.values.map((value) => value / 100) };
}

/** The mean of several series over the steps that all of them have. */
function meanOverBenchmarks(parts: Series[]): Series {
  if (parts.length === 1) return parts[0]!;
  const sums = new Map<number, { sum: number; count: number }>();
  for (const { steps, values } of parts) {
    for (const [i, step] of steps.entries()) {
      const { sum, count } = sums.get(step) ?? { sum: 0, count: 0 };
      sums.set(step, { sum: sum + values[i]!, count: count + 1 });
    }
  }
  const whole = Array.from(sums).filter(([, { count }]) => count === parts.length)
    .sort(([left], [right]) => left - right);
  return {
    steps: Float64Array.from(whole, ([step]) => step),
    values: Float64Array.from(whole, ([, { sum }]) => sum / parts.length),
  };
}

function firstMatch(patterns: RegExp[], keys: Iterable<string>): string | undefined {
  const all = Array.from(keys);
  for (const pattern of patterns) {
    const found = all.find((key) => pattern.test(normalKey(key)));
    if (found !== undefined) return found;
  }
  return undefined;
}
