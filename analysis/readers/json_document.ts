import { ReadError } from "../../formats/errors.ts";
import { isObject, parseJsonObject } from "../../formats/json_object.ts";
import { copied } from "./copied.ts";
import { JsonPieces, type Piece } from "./json_pieces.ts";
import { enumeration, LONGEST_LIST } from "./key_list.ts";
import { LONGEST_LINE } from "./lines.ts";
import type { LogSource } from "./log_source.ts";
import { Malformed } from "./malformed.ts";
import { addMetrics, COST_WITHOUT_STEP, costOfUnreadable } from "./metrics.ts";
import { numberInText } from "./parse_number.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import type { JsonlLayout } from "./jsonl_log.ts";
import { RunSplitter } from "./run_splitter.ts";
import { PARTS, stepOfKey } from "./own_steps.ts";
import { cellsOf, namesStep, StepFinder } from "./step.ts";
import { SeriesCollector } from "./series_collector.ts";

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
  let plannedSteps: number | undefined;
  let tail = "";
  await feed(source, pieces, (text) => {
    const planned = MAX_STEPS.exec(tail + text);
    if (planned !== null) plannedSteps = Number(planned[1]);
    tail = text.slice(-LONGEST_MAX_STEPS);
  });
  if (!pieces.isWhole || !hasHistory) {
    throw new ReadError(
      `${source.name} starts like a JSON document but is not a whole one with a list "${HISTORY}", as trainer_state.json is.`,
    );
  }
  return rows.runs().map((run) => plannedSteps === undefined ? run : { ...run, plannedSteps });
}

/** How many steps a trainer is to do, as its state says; a part of the text may end within it. */
const MAX_STEPS = /"max_steps":\s*([1-9]\d{0,15})(?=[,}\s])/;
const LONGEST_MAX_STEPS = 64;

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
 * (`{"entropy": {"0": 0.5, …}, …}`). A list of objects is read as rows; one list is enough. Several lists with the same
 * metrics are a run each, by their names; those of `train` and `eval` and lists of other metrics belong to one.
 *
 * @throws {ReadError} if the file cannot be read, is not whole, or is another object.
 */
export async function readJsonColumns(
  source: LogSource,
  options: ReaderOptions,
): Promise<LogRows[]> {
  const lists = new RowLists(source, options);
  const columns = new Columns(source, options);
  const pieces = new JsonPieces(() => true, (piece) => {
    if (piece.isElement && piece.text?.startsWith("{")) lists.add(piece);
    else columns.add(piece);
  });
  await feed(source, pieces);
  if (!pieces.isWhole) {
    throw new ReadError(`${source.name} starts like a JSON document but is not a whole one.`);
  }
  const runs = lists.runs();
  if (runs.length > 0) return runs;
  const read = columns.rows();
  if (read !== undefined) return [read];
  const names = enumeration(pieces.names, LONGEST_LIST);
  throw new ReadError(
    `${source.name} is a JSON object ${
      names === "" ? "without members" : `with the members ${names}`
    }, expected a list "${HISTORY}", a list of rows, or columns of numbers.`,
  );
}

/** Feeds a whole document to what takes it apart, and each text of it to `onText`. */
async function feed(
  source: LogSource,
  pieces: JsonPieces,
  onText: (text: string) => void = () => {},
): Promise<void> {
  const decoder = new TextDecoder();
  const take = (text: string) => {
    pieces.feed(text);
    onText(text);
  };
  for await (const chunk of source.chunks()) take(decoder.decode(chunk, { stream: true }));
  take(decoder.decode());
}

/** The lists of rows of a document. */
class RowLists {
  #source: LogSource;
  #options: ReaderOptions;
  /** The runs so far, each with the name of its first list. */
  #runs: { name: string; rows: RowsOfJson }[] = [];
  #member: string | undefined;
  /** Those of the list that is read. */
  #current: RowsOfJson | undefined;

  constructor(source: LogSource, options: ReaderOptions) {
    this.#source = source;
    this.#options = options;
  }

  add(piece: Piece): void {
    if (piece.member !== this.#member) {
      this.#member = copied(piece.member);
      this.#current = this.#runOf(piece);
    }
    this.#current!.add(piece, this.#member, PARTS.includes(this.#member) ? `${this.#member}/` : "");
  }

  /** The run that a list belongs to: the last one, unless that has a metric of its first row. */
  #runOf({ member, text }: Piece): RowsOfJson {
    const row = parseJsonObject(text ?? "") ?? {};
    const last = this.#runs.at(-1);
    const isSame = (key: string) => this.#options.keep(key) && last!.rows.has(key);
    if (last !== undefined && (PARTS.includes(member) || !Object.keys(row).some(isSame))) {
      return last.rows;
    }
    const rows = new RowsOfJson(this.#source, this.#options, { stepless: "rows" });
    this.#runs.push({ name: copied(member), rows });
    return rows;
  }

  /** The runs; none if there is no row. */
  runs(): LogRows[] {
    const isAlone = this.#runs.length === 1;
    return this.#runs.flatMap(({ name, rows }) =>
      rows.runs().map((run) =>
        isAlone ? run : { ...run, name: run.name === "" ? name : `${name} / ${run.name}` }
      )
    );
  }
}

/** Rows of metrics that come as pieces of a document. */
class RowsOfJson {
  #source: LogSource;
  #keep: ReaderOptions["keep"];
  #malformed = new Malformed();
  #runs: RunSplitter;

  constructor(
    source: LogSource,
    options: ReaderOptions,
    { stepless, runColumns }: Pick<JsonlLayout, "stepless" | "runColumns"> = {},
  ) {
    this.#source = source;
    this.#keep = options.keep;
    this.#runs = new RunSplitter(() => {
      const series = new SeriesCollector(options.keep, "mean", this.#malformed);
      return { series, steps: new StepFinder(series, stepless) };
    }, runColumns);
  }

  /** Whether a metric was found. */
  has(key: string): boolean {
    return this.#runs.started().some(({ series }) => series.counts.has(key));
  }

  /** Adds an element of a list; its metrics are called by a prefix and their names. */
  add({ text, index }: Piece, list: string, prefix = ""): void {
    const place = list.endsWith(" ") ? `${list}${index}` : `${list}[${index}]`;
    if (text === undefined) {
      return this.#malformed.add(place, `more than ${LONGEST_LINE} characters`);
    }
    const row = parseJsonObject(text);
    if (row === undefined) {
      this.#source.spend(costOfUnreadable(text));
      return this.#malformed.add(place, text);
    }
    const history = historyOf(row, (key) => this.#keep(prefix + key));
    if (history === undefined) return this.#addRow(row, { place, text, prefix });
    const name =
      [row["name"], row["run_name"], row["run"], row["id"]].find((one) =>
        typeof one === "string" || typeof one === "number"
      ) ?? `${place}`;
    for (const [i, inner] of history.entries()) {
      this.#addRow({ ...inner, run: name }, { place: `${place}, row ${i}`, text: "", prefix });
    }
  }

  #addRow(
    row: Record<string, unknown>,
    { place, text, prefix }: { place: string; text: string; prefix: string },
  ): void {
    const run = this.#runs.of((column) => row[column]);
    const step = run.steps.find(cellsOf(row));
    if (step === undefined) {
      this.#source.spend(COST_WITHOUT_STEP);
      return this.#malformed.add(`${place} ${run.steps.complaint}`, text);
    }
    const { own } = run.steps;
    const to = { collector: run.series, step, own, place: () => place };
    this.#source.spend(1 + addMetrics(row, to, prefix));
  }

  runs(): LogRows[] {
    return this.#runs.runsOrOne().map(({ name, series, steps }) => ({
      name,
      series,
      malformed: this.#malformed,
      ...steps.facts,
    }));
  }
}

/**
 * The rows of a run that is one element of a list: the one list of objects in it, or the one whose objects name a
 * step. Undefined if the element is a row itself, with a step or a metric of its own, which a run may have too whose
 * rows name theirs.
 */
function historyOf(
  row: Record<string, unknown>,
  keep: ReaderOptions["keep"],
): Record<string, unknown>[] | undefined {
  const lists = Object.values(row).filter((value): value is Record<string, unknown>[] =>
    Array.isArray(value) && value.length > 0 && value.every(isObject)
  );
  const stepped = lists.filter((list) => list.some(namesStep));
  const [history, ...others] = stepped.length > 0 ? stepped : lists;
  if (others.length > 0) return undefined;
  const [hasStep, isMeasured] = [namesStep(row), hasMetric(row, keep)];
  const isRow = stepped.length > 0 ? hasStep && isMeasured : hasStep || isMeasured;
  return isRow ? undefined : history;
}

/** Whether a row, or an object in it, has a number that an analysis needs. */
function hasMetric(row: Record<string, unknown>, keep: ReaderOptions["keep"]): boolean {
  return Object.entries(row).some(([key, value]) =>
    isObject(value)
      ? hasMetric(value, (inner) => keep(`${key}/${inner}`))
      : typeof value === "number" && keep(key)
  );
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
      : typeof first === "string"
      ? numberInText(first.trim())
      : undefined;
  }

  /** The rows, if there is a column of numbers. */
  rows(): LogRows | undefined {
    const isNumeric = (values: unknown[]) => values.some((value) => typeof value === "number");
    const columns = Array.from(this.#columns).filter(([, values]) => isNumeric(values));
    if (columns.length < 2) return undefined;
    const series = new SeriesCollector(this.#options.keep, "mean", this.#malformed);
    const steps = new StepFinder(series, "rows");
    const length = columns.reduce((most, [, values]) => Math.max(most, values.length), 0);
    for (let i = 0; i < length; i++) {
      const step = steps.find((name) => this.#columns.get(name)?.[i]);
      if (step === undefined) {
        this.#malformed.add(`row ${i} ${steps.complaint}`, "");
        continue;
      }
      for (const [name, values] of columns) {
        const value = values[i];
        if (typeof value === "number") series.add(stepOfKey(name, step, steps.own), name, value);
      }
    }
    return { name: "", series, malformed: this.#malformed, ...steps.facts };
  }
}
