import { basename } from "node:path";
import { counted } from "../../formats/counted.ts";
import { ReadError } from "../../formats/errors.ts";
import { isStandardInput } from "../../formats/standard_input.ts";
import { chooseEntropy, chooseScore } from "./choose.ts";
import { readCsv, readWandbCsv } from "./csv.ts";
import { readJsonl } from "./jsonl_log.ts";
import { frameworkOf, isNeeded, isValidationKey, normalKey } from "./keys.ts";
import { keyList } from "./key_list.ts";
import { LogSource } from "./log_source.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import { recogniseFormat } from "./recognise_log.ts";
import type { LogFormat, Run } from "./run.ts";
import type { Series } from "./series.ts";
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
      : ` (${counted(malformed.count, "piece")} ${
        malformed.count === 1 ? "was" : "were"
      } left out, such as ${malformed.examples[0]})`;
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
    case "trainer-console":
    case "mlflow":
    case "json-rows":
    case "json-columns":
      throw new ReadError(`${source.name} cannot be read yet.`);
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
  const score = chooseScore({ path, series, notes }, options.scoreKey);
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
    choices: {},
    notFinite: new Map(),
    unrecognised: [],
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
    const are = count === 1 ? "is" : "are";
    const values = `${counted(count, "value")} of ${key}`;
    if (notes.length < 3) notes.push(`${values} ${are} not finite and ${are} left out.`);
    else others++;
  }
  if (others > 0) notes.push(`So are values of ${counted(others, "other key")}.`);
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
