import { ReadError } from "../../formats/errors.ts";
import { parseJsonObject } from "../../formats/json_object.ts";
import { copied } from "./copied.ts";
import { JsonPieces, type Piece } from "./json_pieces.ts";
import { enumeration, LONGEST_LIST } from "./key_list.ts";
import { LONGEST_LINE } from "./lines.ts";
import type { LogSource } from "./log_source.ts";
import { Malformed } from "./malformed.ts";
import { addMetrics, costOfUnreadable, NOT_FINITE } from "./metrics.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import type { JsonlLayout } from "./jsonl_log.ts";
import { RunSplitter } from "./run_splitter.ts";
import { cellsOf, StepFinder } from "./step.ts";
import { SeriesCollector } from "./series.ts";

const HISTORY = "log_history";

/**
 * Reads the `trainer_state.json` of a Hugging Face Trainer (TRL, ms-swift, Unsloth): the rows of its
 * `log_history`, training and evaluation rows alike, one at a time.
 *
 * @throws {ReadError} if the file cannot be read or is not whole: it is one JSON document.
 */
export async function readTrainerState(
  source: LogSource,
  options: ReaderOptions,
): Promise<LogRows[]> {
  const rows = new RowsOfJson(source, options);
  let hasHistory = false;
  const pieces = new JsonPieces(
    (member) => {
      hasHistory ||= member === HISTORY;
      return member === HISTORY;
    },
    (piece) => rows.add(piece, HISTORY),
  );
  await feed(source, pieces);
  if (!pieces.isWhole || !hasHistory) {
    throw new ReadError(
      `${source.name} starts like a JSON document but is not a whole one with a list "${HISTORY}", as trainer_state.json is.`,
    );
  }
  return rows.runs();
}

/**
 * Reads a JSON list of rows, one object of metrics each, as a bare `log_history` is.
 *
 * @param layout What steps rows that name no step, and which members part them into runs.
 * @throws {ReadError} if the file cannot be read or is not whole.
 */
export async function readJsonRows(
  source: LogSource,
  options: ReaderOptions,
  layout: Pick<JsonlLayout, "stepless" | "runColumns"> = {},
): Promise<LogRows[]> {
  const rows = new RowsOfJson(source, options, layout);
  const pieces = new JsonPieces(() => false, (piece) => rows.add(piece, "element "));
  await feed(source, pieces);
  if (!pieces.isWhole) throw new ReadError(`${source.name} is a JSON list that is not whole.`);
  return rows.runs();
}

/**
 * Reads a JSON object of columns: each member a list of numbers, or an object of them as pandas writes it
 * (`{"entropy": {"0": 0.5, …}, …}`). A list of objects is read as rows; one list is enough.
 *
 * @throws {ReadError} if the file cannot be read, is not whole, or is another object.
 */
export async function readJsonColumns(
  source: LogSource,
  options: ReaderOptions,
): Promise<LogRows[]> {
  const rows = new RowsOfJson(source, options, { stepless: "rows" });
  const columns = new Columns(source, options);
  const pieces = new JsonPieces(() => true, (piece) => {
    if (piece.isElement && piece.text?.startsWith("{")) rows.add(piece, piece.member);
    else columns.add(piece);
  });
  await feed(source, pieces);
  if (!pieces.isWhole) {
    throw new ReadError(`${source.name} starts like a JSON document but is not a whole one.`);
  }
  if (rows.hasRows) return rows.runs();
  const read = columns.rows();
  if (read !== undefined) return [read];
  const names = enumeration(pieces.names, LONGEST_LIST);
  throw new ReadError(
    `${source.name} is a JSON object ${
      names === "" ? "without members" : `with the members ${names}`
    }, expected a list "${HISTORY}", a list of rows, or columns of numbers.`,
  );
}

async function feed(source: LogSource, pieces: JsonPieces): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of source.chunks()) pieces.feed(decoder.decode(chunk, { stream: true }));
  pieces.feed(decoder.decode());
}

/** Rows of metrics that come as pieces of a document. */
class RowsOfJson {
  /** Whether a row was found. */
  hasRows = false;
  #source: LogSource;
  #malformed = new Malformed();
  #runs: RunSplitter;

  constructor(
    source: LogSource,
    options: ReaderOptions,
    { stepless, runColumns }: Pick<JsonlLayout, "stepless" | "runColumns"> = {},
  ) {
    this.#source = source;
    this.#runs = new RunSplitter(() => {
      const series = new SeriesCollector(options.keep, "mean", this.#malformed);
      return { series, steps: new StepFinder(() => series.clear(), stepless) };
    }, runColumns);
  }

  add({ text, index }: Piece, list: string): void {
    const place = list.endsWith(" ") ? `${list}${index}` : `${list}[${index}]`;
    if (text === undefined) {
      return this.#malformed.add(place, `more than ${LONGEST_LINE} characters`);
    }
    const row = parseJsonObject(text);
    if (row === undefined) {
      this.#source.spend(costOfUnreadable(text));
      return this.#malformed.add(place, text);
    }
    this.hasRows = true;
    const run = this.#runs.of((column) => row[column]);
    const step = run.steps.find(cellsOf(row));
    if (step === undefined) {
      this.#source.spend(1);
      return this.#malformed.add(`${place} ${run.steps.complaint}`, text);
    }
    this.#source.spend(1 + addMetrics(row, { collector: run.series, step, place: () => place }));
  }

  runs(): LogRows[] {
    return this.#runs.runsOrOne().map(({ name, series, steps }) => ({
      name,
      series,
      malformed: this.#malformed,
      notes: steps.notes,
    }));
  }
}

/** Columns of numbers, until all of them are there and the step among them is known. */
class Columns {
  #source: LogSource;
  #options: ReaderOptions;
  #malformed = new Malformed();
  #columns = new Map<string, unknown[]>();
  #current: { name: string; values: unknown[] } | undefined;

  constructor(source: LogSource, options: ReaderOptions) {
    this.#source = source;
    this.#options = options;
  }

  add({ member, isElement, index, text }: Piece): void {
    this.#source.spend(2);
    if (text === undefined || text === "") return;
    if (this.#current?.name !== member || index === 0) {
      this.#current = { name: copied(member), values: [] };
      this.#columns.set(this.#current.name, this.#current.values);
    }
    const value = parseJsonObject(isElement ? `{"value":${text}}` : `{${text}}`);
    const [first] = Object.values(value ?? {});
    this.#current!.values[index] = typeof first === "number"
      ? first
      : NOT_FINITE.includes(first)
      ? NaN
      : undefined;
  }

  /** The rows, if there is a column of numbers. */
  rows(): LogRows | undefined {
    const isNumeric = (values: unknown[]) => values.some((value) => typeof value === "number");
    const columns = Array.from(this.#columns).filter(([, values]) => isNumeric(values));
    if (columns.length < 2) return undefined;
    const series = new SeriesCollector(this.#options.keep, "mean", this.#malformed);
    const steps = new StepFinder(() => series.clear(), "rows");
    const length = columns.reduce((most, [, values]) => Math.max(most, values.length), 0);
    for (let i = 0; i < length; i++) {
      const step = steps.find((name) => this.#columns.get(name)?.[i]);
      if (step === undefined) {
        this.#malformed.add(`row ${i} ${steps.complaint}`, "");
        continue;
      }
      for (const [name, values] of columns) {
        const value = values[i];
        if (typeof value === "number") series.add(step, name, value);
      }
    }
    return { name: "", series, malformed: this.#malformed, notes: steps.notes };
  }
}
