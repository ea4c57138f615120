import { basename } from "node:path";
import { ReadError } from "../../formats/errors.ts";
import { isStandardInput } from "../../formats/standard_input.ts";
import { readCsv, readWandbCsv } from "./csv.ts";
import { readJsonl } from "./jsonl_log.ts";
import {
  benchmarkOf,
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
import { LogSource } from "./log_source.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import { recogniseFormat } from "./recognise_log.ts";
import type { EntropySeries, Framework, LogFormat, Run, ScoreSeries } from "./run.ts";
import { placeOf, type Series } from "./series.ts";
import { readTensorBoard } from "./tensorboard.ts";
import { readTrainerState } from "./trainer_state.ts";
import { readVerlConsole } from "./verl_console.ts";
import { readWandbBinary } from "./wandb_binary.ts";

/**
 * How far a gzipped log may inflate for its size; rows of numbers do so two- to tenfold. It bounds the time
 * and memory that a small file can take.
 */
const MOST_INFLATION = 20;
/** Console logs repeat themselves more. */
const MOST_CONSOLE_INFLATION = 100;

/** Characters that a list of keys may have in a message, and in the label of a mean over benchmarks. */
const LONGEST_LIST = 400;
const LONGEST_LABEL = 2000;

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
 * A log is opened once and read from its beginning to its end, so it may also be a pipe.
 *
 * @param path A file, a pipe, `-` for standard input, or a folder of TensorBoard event files.
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
  const keep = (key: string) =>
    key === options.entropyKey || key === options.scoreKey || isNeeded(key);
  const { name, format, found } = await isFolder(path)
    ? await readFolder(path, { keep })
    : await readFile(path, { keep });
  const filled = found.filter((rows) => rows.series.counts.size > 0);
  if (filled.length === 0) {
    const malformed = found[0]?.malformed;
    const why = malformed === undefined || malformed.count === 0
      ? ""
      : ` (${malformed.count} pieces were left out, such as ${malformed.examples[0]})`;
    throw new ReadError(
      format === "verl-console"
        ? `${name} is text without a single line "step:N - key:value - …", as verl prints, and neither JSON nor a table${why}.`
        : `${name} (read as ${format}) holds no metrics${why}.`,
    );
  }
  return filled.map((rows) => toRun(name, format, rows, options));
}

/** What was read, before keys are chosen. */
interface Found {
  /** The source as output names it. */
  name: string;
  format: LogFormat;
  found: LogRows[];
}

async function isFolder(path: string): Promise<boolean> {
  if (isStandardInput(path)) return false;
  return await Deno.stat(path).then((info) => info.isDirectory, () => false);
}

async function readFolder(folder: string, options: ReaderOptions): Promise<Found> {
  const files = await eventFiles(folder);
  if (files.length === 0) {
    throw new ReadError(
      `${folder} is a directory without TensorBoard event files, expected a log file.`,
    );
  }
  const failures: Failure[] = [];
  const found = await readTensorBoard(openEach(files, failures), options);
  if (failures.length === files.length) throw failures[0]!.error;
  for (const { path, error } of failures) {
    found[0]?.malformed.add(path, error.message.slice(path.length).trim());
  }
  return { name: folder, format: "tensorboard", found };
}

/** A file that could not be opened. */
interface Failure {
  path: string;
  error: ReadError;
}

/** Opens one file after another; those that cannot be opened are passed over. */
async function* openEach(
  paths: readonly string[],
  failures: Failure[],
): AsyncGenerator<LogSource> {
  for (const path of paths) {
    let opened: LogSource;
    try {
      opened = await LogSource.open(path);
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
      failures.push({ path, error });
      continue;
    }
    await using source = opened;
    source.mostInflation = MOST_INFLATION;
    yield source;
  }
}

async function readFile(path: string, options: ReaderOptions): Promise<Found> {
  await using source = await LogSource.open(path);
  const format = await recogniseFormat(source);
  source.mostInflation = format === "verl-console" ? MOST_CONSOLE_INFLATION : MOST_INFLATION;
  const found = await readRows(source, format, options);
  if (source.isCutOff) found[0]?.malformed.add("gzip data", "cut off");
  return { name: source.name, format, found };
}

/**
 * The event files that a TensorBoard writer left in a folder, in the order in which they were begun: a
 * resumed run adds one. Files that were renamed (their names hold no time) are runs of their own.
 *
 * @throws {ReadError} if the folder cannot be read.
 */
export async function eventFiles(folder: string): Promise<string[]> {
  const paths: string[] = [];
  try {
    for await (const { name, isFile, isSymlink } of Deno.readDir(folder)) {
      if (!/tfevents\.\d{9,}/.test(name)) continue;
      const path = `${folder}/${name}`;
      const isLinkToFile = isSymlink &&
        await Deno.stat(path).then((info) => info.isFile, () => false);
      if (isFile || isLinkToFile) paths.push(path);
    }
  } catch (error) {
    throw new ReadError(`${folder} cannot be read: ${(error as Error).message}.`);
  }
  return paths.sort();
}

async function readRows(
  source: LogSource,
  format: LogFormat,
  options: ReaderOptions,
): Promise<LogRows[]> {
  switch (format) {
    case "verl-console":
      return await readVerlConsole(source, options);
    case "verl-jsonl":
    case "run-log":
      return await readJsonl(source, { repeat: "last", data: "data" }, options);
    case "trainer-log":
    case "wandb-history":
    case "jsonl":
      return await readJsonl(source, { repeat: "mean" }, options);
    case "trainer-state":
      return await readTrainerState(source, options);
    case "wandb-csv":
      return await readWandbCsv(source, options);
    case "csv":
      return await readCsv(source, options);
    case "wandb-binary":
      return await readWandbBinary(source, options);
    case "tensorboard":
      return await readTensorBoard([source], options);
  }
}

function toRun(path: string, format: LogFormat, rows: LogRows, options: ReadRunOptions): Run {
  const series = rows.series.finish();
  const keys = new Map(Array.from(rows.series.counts, ([key, count]) => [key, count.finite]));
  const framework = format === "run-log" ? "entropy-lab" : frameworkOf(keys.keys());
  const notes: string[] = [...rows.notes];
  for (const key of [options.entropyKey, options.scoreKey]) {
    // A chart's export holds one metric: the other key may be in another file (see joinExports).
    if (key === undefined || series.has(key) || format === "wandb-csv") continue;
    throw new ReadError(missingKey(path, key, rows));
  }
  const entropy = chooseEntropy(series, framework, options.entropyKey);
  const score = chooseScore(path, series, options.scoreKey, notes);
  const chosen = [...(entropy === undefined ? [] : [entropy.key]), ...(score?.keys ?? [])];
  notes.push(...twinNotes(chosen, series));
  notes.push(...notFiniteNotes(chosen, rows));
  const repeated = chosen.reduce(
    (most, key) => Math.max(most, rows.series.counts.get(key)?.repeated ?? 0),
    0,
  );
  if (repeated > 0) notes.push(`${repeated} steps were logged again, the last value holds.`);
  const { first, last } = rows.series.steps;
  return {
    source: path,
    name: rows.name === "" ? basename(path) : rows.name,
    format,
    framework,
    ...(format === "wandb-csv" && rows.axis !== undefined ? { axis: rows.axis } : {}),
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

/** A sentence for each of up to three keys that are read as a chosen one is, and were not chosen. */
function twinNotes(chosen: readonly string[], series: ReadonlyMap<string, Series>): string[] {
  const used = new Set(chosen);
  const chosenOf = new Map(chosen.map((key) => [normalKey(key), key]));
  const notes: string[] = [];
  for (const key of series.keys()) {
    const twin = used.has(key) ? undefined : chosenOf.get(normalKey(key));
    if (twin === undefined) continue;
    notes.push(`${key} is another writing of ${twin} and is not used.`);
    if (notes.length === 3) break;
  }
  return notes;
}

/** A sentence for each chosen key, but not for very many, that has values which are not finite. */
function notFiniteNotes(chosen: readonly string[], rows: LogRows): string[] {
  const notes: string[] = [];
  let others = 0;
  for (const key of chosen) {
    const count = rows.series.counts.get(key)?.notFinite ?? 0;
    if (count === 0) continue;
    if (notes.length < 3) notes.push(`${count} values of ${key} are not finite and are left out.`);
    else others++;
  }
  if (others > 0) notes.push(`So are values of ${others} other keys.`);
  return notes;
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
  shown.sort();
  // Where not all fit, those that may be meant come first.
  if (shown.join(", ").length > LONGEST_LIST) {
    shown.sort((left, right) => Number(isNeeded(right)) - Number(isNeeded(left)));
  }
  return `it has ${enumeration(shown, LONGEST_LIST)}${
    rest > 0 ? ` and ${rest} keys of timing and throughput` : ""
  }.`;
}

/** Names with commas between them, until the text has so many characters. */
function enumeration(names: readonly string[], most: number): string {
  let text = "";
  for (const [i, name] of names.entries()) {
    if (text.length + name.length > most) return `${text} … (${names.length - i} more)`;
    text += (i === 0 ? "" : ", ") + name;
  }
  return text;
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
      const benchmark = benchmarkOf(rule, key);
      if (benchmark === undefined) continue;
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
  const units = new Map(keys.map((key) => [key, accuracyUnit(key, series.get(key)!)]));
  const inPercent = keys.filter((key) => units.get(key) === "percent");
  const unclear = keys.filter((key) => units.get(key) === "unclear");
  for (const key of inPercent.slice(0, 3)) {
    notes.push(`${key} is in percent and was divided by 100.`);
  }
  if (inPercent.length > 3) notes.push(`So are and were ${inPercent.length - 3} other keys.`);
  for (const key of unclear.slice(0, 3)) {
    notes.push(
      `${key} has many values between 0 and 1 and others above 1, so whether it is in percent cannot be told; it is left as it is.`,
    );
  }
  if (unclear.length > 3) notes.push(`So have and are ${unclear.length - 3} other keys.`);
  const parts = keys.map((key) =>
    units.get(key) === "percent" ? hundredth(series.get(key)!) : series.get(key)!
  );
  const label = keys.length === 1 ? keys[0]! : `mean of ${enumeration(keys, LONGEST_LABEL)}`;
  const mean = meanOverBenchmarks(parts);
  if (mean.steps.length === 0) {
    throw new ReadError(
      `${path} never measures all of ${
        enumeration(keys, LONGEST_LIST)
      } at one step, so they have no mean; name one as the score key.`,
    );
  }
  const longest = parts.reduce((longest, { steps }) => Math.max(longest, steps.length), 0);
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

/** The share of values in percent that may be below 1, zeros left out; one may be in any series. */
const MOST_BELOW_ONE = 0.1;
/** How many times its last value below 1 an accuracy in percent may be at the next validation. */
const MOST_RISE = 10;

/** Whether a series of an accuracy is in percent; `unclear` if it may be a mix of percent and fractions. */
function accuracyUnit(key: string, { values }: Series): "as logged" | "percent" | "unclear" {
  if (!mayBePercent(key, values)) return "as logged";
  if (/percent/.test(normalKey(key))) return "percent";
  const nonZero = values.filter((value) => value !== 0);
  const below = nonZero.filter((value) => value < 1).length;
  if (below <= Math.max(1, MOST_BELOW_ONE * nonZero.length)) return "percent";
  // A run may take long to leave the first percent; a log that changes its unit leaps a hundredfold.
  const first = nonZero.findIndex((value) => value >= 1);
  const isRise = first === below && nonZero[first]! < MOST_RISE * nonZero[first - 1]!;
  return isRise ? "percent" : "unclear";
}

function mayBePercent(key: string, values: Float64Array): boolean {
  return namesAccuracy(key) && values.some((value) => value > 1) &&
    values.every((value) => value >= 0 && value <= 100);
}

function hundredth({ steps, values }: Series): Series {
  return { steps, values: values.map((value) => value / 100) };
}

/** The mean of several series over the steps that all of them have. */
function meanOverBenchmarks(parts: Series[]): Series {
  if (parts.length === 1) return parts[0]!;
  // Steps that all have are steps of the shortest.
  const shortest = parts.reduce((left, right) =>
    right.steps.length < left.steps.length ? right : left
  );
  const { steps } = shortest;
  const sums = new Float64Array(steps.length);
  const counts = new Uint32Array(steps.length);
  for (const part of parts) {
    for (const [i, step] of part.steps.entries()) {
      const place = placeOf(steps, step);
      if (steps[place] !== step) continue;
      sums[place]! += part.values[i]!;
      counts[place]!++;
    }
  }
  const isWhole = (_: number, i: number) => counts[i] === parts.length;
  return {
    steps: steps.filter(isWhole),
    values: sums.map((sum) => sum / parts.length).filter(isWhole),
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
