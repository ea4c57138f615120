import { counted } from "../../formats/counted.ts";
import { ReadError } from "../../formats/errors.ts";
import { isStandardInput } from "../../formats/standard_input.ts";
import { readCsv, readScalarCsv, readWandbCsv } from "./csv.ts";
import { readJsonColumns, readJsonRows, readTrainerState } from "./json_document.ts";
import { readJsonl } from "./jsonl_log.ts";
import { enumeration, LONGEST_LIST } from "./key_list.ts";
import { isNeeded } from "./keys.ts";
import { LogSource } from "./log_source.ts";
import { readMlflowRun } from "./mlflow.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import { apart } from "./runs_apart.ts";
import { recogniseFormat } from "./recognise_log.ts";
import type { Recognised } from "./recognised.ts";
import type { LogFormat, Run } from "./run.ts";
import { type RunFolder, runFolder, runFolders } from "./run_folder.ts";
import { readTensorBoard } from "./tensorboard.ts";
import { toRun } from "./to_run.ts";
import { readConsole } from "./verl_console.ts";
import { readWandbBinary } from "./wandb_binary.ts";
import { withWandbConfig } from "./wandb_config.ts";

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
 * log, TRL's `trainer_state.json`, what it prints, `trainer_log.jsonl` and ms-swift's `logging.jsonl`, W&B's
 * CSV exports, history JSONL and binary `.wandb`, TensorBoard event files and CSV exports, MLflow's metrics, and tables as
 * CSV, TSV, JSON or JSONL; all of them also gzipped. The format is recognised from the content.
 *
 * A log is opened once and read from its beginning to its end, so it may also be a pipe.
 *
 * @param path A file, a pipe, `-` for standard input, or a folder that one run left: TensorBoard's
 * event files, MLflow's, W&B's, checkpoints.
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
 * Reads all runs of a training log, as {@linkcode readRun} does: a table or a W&B export may hold several,
 * and so may a folder, of MLflow or of W&B.
 *
 * @throws {ReadError} as {@linkcode readRun} does, but for several runs.
 */
export async function readRuns(path: string, options: ReadRunOptions = {}): Promise<Run[]> {
  const keep = (key: string) =>
    key === options.entropyKey || key === options.scoreKey || isNeeded(key);
  const reading = { keep };
  if (!await isFolder(path)) return runsOf(await readFile(path, reading), options);
  const folder = await runFolder(path);
  if (folder !== undefined) return runsOf(await readFolder(path, folder, reading), options);
  const runs: Run[] = [];
  for (const inner of await runFolders(path)) {
    const found = await readFolder(inner, (await runFolder(inner))!, reading);
    for (const run of runsOf(found, options)) runs.push(run);
  }
  if (runs.length > 0) return runs;
  throw new ReadError(
    `${path} is a directory without TensorBoard event files, a .wandb file, MLflow's metrics or a trainer_state.json, expected a log file.`,
  );
}

function runsOf(found: Found, options: ReadRunOptions): Run[] {
  const { name, format } = found;
  const hasNumbers = ({ series: { counts } }: LogRows) =>
    counts.values().some(({ finite, notFinite }) => finite > 0 || notFinite > 0);
  const { filled: whole = [], empty: lacking = [] } = Object.groupBy(
    found.found,
    (rows) => hasNumbers(rows) ? "filled" : "empty",
  );
  if (whole.length === 0) throw new ReadError(withoutMetrics(found));
  const filled = whole.flatMap(apart);
  const empty = lacking.filter((rows) => rows.name !== "");
  const runs = filled.map((rows) =>
    toRun({ path: name, format: rows.format ?? format, rows, ...options })
  );
  if (empty.length === 0) return runs;
  const names = enumeration(empty.map((rows) => rows.name), LONGEST_LIST);
  const have = empty.length === 1 ? "has" : "have";
  const note = `${counted(empty.length, "run")} of the file ${have} no number: ${names}.`;
  return runs.map((run, i) => i === 0 ? { ...run, notes: [...run.notes, note] } : run);
}

/** Why a file is no log, in a sentence that says what it is. */
function withoutMetrics({ name, format, found, otherwise }: Found): string {
  const malformed = found[0]?.malformed;
  const why = malformed === undefined || malformed.count === 0
    ? ""
    : ` (${counted(malformed.count, "piece")} ${
      malformed.count === 1 ? "was" : "were"
    } left out, such as ${malformed.examples[0]})`;
  if (otherwise !== undefined) return `${name} ${otherwise}, expected a training log.`;
  if (format !== "verl-console") return `${name} (read as ${format}) holds no metrics${why}.`;
  return `${name} is text without a single line "step:N - key:value - …", as verl prints, or {'loss': …}, as TRL does, and neither JSON nor a table${why}.`;
}

/** What was read, before keys are chosen. */
interface Found {
  /** The source as output names it. */
  name: string;
  format: LogFormat;
  found: LogRows[];
  /** What the file is if it holds no metrics. */
  otherwise?: string;
}

async function isFolder(path: string): Promise<boolean> {
  if (isStandardInput(path)) return false;
  return await Deno.stat(path).then((info) => info.isDirectory, () => false);
}

async function readFolder(
  folder: string,
  { kind, paths }: RunFolder,
  options: ReaderOptions,
): Promise<Found> {
  if (kind === "mlflow") {
    return { name: folder, format: "mlflow", found: await readMlflowRun(folder, options) };
  }
  if (kind === "files") return await readFile(paths[0]!, options);
  const failures: Failure[] = [];
  const found = await readTensorBoard(openEach(paths, failures), options);
  if (failures.length === paths.length) throw failures[0]!.error;
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
  const recognised = await recogniseFormat(source);
  const { format, otherwise } = recognised;
  source.mostInflation = format === "verl-console" ? MOST_CONSOLE_INFLATION : MOST_INFLATION;
  const found = await readRows(source, recognised, options);
  if (source.isCutOff) found[0]?.malformed.add("gzip data", "cut off");
  return {
    name: source.name,
    format,
    found: await withWandbConfig(path, found),
    ...(otherwise === undefined ? {} : { otherwise }),
  };
}

async function readRows(
  source: LogSource,
  { format, stepless, runColumns = [], delimiter = ",", preamble, scalar }: Recognised,
  options: ReaderOptions,
): Promise<LogRows[]> {
  switch (format) {
    case "verl-console":
    case "trainer-console":
      return await readConsole(source, options);
    case "verl-jsonl":
      return await readJsonl(source, { repeat: "last", data: "data" }, options);
    case "run-log":
      return await readJsonl(source, { repeat: "last", data: "data", nullIsNaN: true }, options);
    case "trainer-log":
    case "wandb-history":
    case "jsonl":
      return await readJsonl(source, { repeat: "mean", stepless, runColumns }, options);
    case "trainer-state":
      return await readTrainerState(source, options);
    case "json-rows":
      return await readJsonRows(source, options, { stepless, runColumns });
    case "json-columns":
      return await readJsonColumns(source, options);
    case "wandb-csv":
      return await readWandbCsv(source, options, { delimiter, preamble });
    case "tensorboard-csv":
      return await readScalarCsv(source, options, scalar!);
    case "csv":
      return await readCsv(source, options, { delimiter, stepless, runColumns, preamble });
    case "wandb-binary":
      return await readWandbBinary(source, options);
    case "tensorboard":
      return await readTensorBoard([source], options);
    case "mlflow":
      throw new Error("MLflow's metrics are a folder");
  }
}
