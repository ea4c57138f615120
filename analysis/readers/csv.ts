import { CsvError, parse } from "csv-parse";
import type { LogSource } from "./log_source.ts";
import { Malformed } from "./malformed.ts";
import { parseNumber } from "./parse_number.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import { SeriesCollector } from "./series.ts";
import { StepFinder } from "./step.ts";

/** A column of a table: whose it is, and which metric. */
interface Column {
  readonly run: string;
  readonly key: string;
}

/**
 * Reads a comma-separated table with named columns, one of them the step; empty cells are no values. Other
 * cells that are no numbers are counted as malformed, but for columns (a flag, a model's name) that have none.
 * Where the file ends without a newline, its last cell may have lost digits: it is left out and counted as
 * malformed, unless its closing quotation mark or a gzip trailer shows that it is whole.
 *
 * @throws {ReadError} if the file cannot be read.
 */
export function readCsv(source: LogSource, options: ReaderOptions): Promise<LogRows[]> {
  return readTable(source, options, (name) => ({ run: "", key: name }));
}

/**
 * Reads the CSV export of a W&B chart: one column per run and metric, `run - metric`, in which the
 * columns `…__MIN` and `…__MAX` of smoothed or sampled charts are ignored. The last cell is treated as
 * {@linkcode readCsv} does.
 *
 * @throws {ReadError} if the file cannot be read.
 */
export function readWandbCsv(source: LogSource, options: ReaderOptions): Promise<LogRows[]> {
  return readTable(source, options, wandbColumn);
}

/** The run and metric of a column of a W&B chart export; undefined for any other column. */
export function wandbColumn(name: string): Column | undefined {
  if (/__(?:MIN|MAX)$/.test(name)) return undefined;
  const dash = name.lastIndexOf(" - ");
  if (dash < 1) return undefined;
  return { run: name.slice(0, dash).replace(/^Group: /, ""), key: name.slice(dash + 3) };
}

/** A whole number of lines fits well within this; more is an unclosed quotation mark. */
const LONGEST_RECORD = 1 << 22;

/** More columns are no table; W&B exports of very many runs come near. */
const MOST_COLUMNS = 150_000;

/** Cells of a malformed row that are kept to show it. */
const SHOWN_CELLS = 20;

const NEWLINE = 0x0a;
/** A line end or a quotation mark closes a cell. */
const ENDS_CELL: readonly number[] = [NEWLINE, 0x0d, 0x22];

/** How tables write that there is no number. */
const NO_NUMBER = /^(?:null|none)$/i;

async function readTable(
  source: LogSource,
  options: ReaderOptions,
  columnOf: (name: string) => Column | undefined,
): Promise<LogRows[]> {
  const malformed = new Malformed();
  let table: Table | undefined;
  // A row is added once the next one is there, as the last one may be cut.
  let pending: string[] | undefined;
  const text = new CsvText(source);
  try {
    for await (const records of text.records()) {
      for (const record of records) {
        // Cells are cheap: exports of many runs hold a value in one of a hundred.
        source.spend(1 + (record.length >> 3));
        if (table === undefined) table = new Table(record, columnOf, options, malformed);
        else {
          if (pending !== undefined) source.spend(table.add(pending));
          pending = record;
        }
      }
    }
    if (pending !== undefined) table?.addLast(pending, text.isTerminated);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    // What cannot be parsed comes after the pending row, which is whole.
    if (pending !== undefined) table?.add(pending);
    malformed.add(`row ${(table?.row ?? 0) + 1}`, error.message);
  }
  return table?.runs() ?? [];
}

/** The runs of a table as its rows come in. */
class Table {
  /** The row that was added last; the header is row 1. */
  row = 1;
  #runs = new Map<string, LogRows>();
  #width: number;
  /** The columns that are metrics. */
  #columns: { at: number; key: string; series: SeriesCollector }[] = [];
  #malformed: Malformed;
  #steps = new StepFinder(() => {
    for (const { series } of this.#runs.values()) series.clear();
  });
  #stepOf: (record: readonly string[]) => number | undefined;

  constructor(
    header: readonly string[],
    columnOf: (name: string) => Column | undefined,
    options: ReaderOptions,
    malformed: Malformed,
  ) {
    this.#malformed = malformed;
    this.#width = header.length;
    const place = new Map<string, number>();
    const names = header.map((name) => name.trim());
    const stepColumn = names.find(StepFinder.knows);
    const axis = {
      column: stepColumn ?? names.find((name) => columnOf(name) === undefined) ?? "",
      isStep: stepColumn !== undefined,
    };
    for (const [at, name] of names.entries()) {
      if (StepFinder.knows(name)) place.set(name, at);
      const column = columnOf(name);
      if (column === undefined) continue;
      if (this.#columns.length === MOST_COLUMNS) {
        malformed.add(`a column past the first ${MOST_COLUMNS}`, name);
        continue;
      }
      let rows = this.#runs.get(column.run);
      if (rows === undefined) {
        const series = new SeriesCollector(options.keep, "mean", malformed);
        rows = { name: column.run, series, malformed, axis, notes: this.#steps.notes };
        this.#runs.set(column.run, rows);
      }
      this.#columns.push({ at, key: column.key, series: rows.series });
    }
    // A chart over another axis than the step, or a table without one: rows count as steps.
    this.#stepOf = place.size === 0
      ? () => this.row - 2
      : (record) => this.#steps.find((key) => record[place.get(key) ?? -1]);
  }

  /** Adds a row and says how many values it has. */
  add(record: readonly string[]): number {
    this.row++;
    const step = this.#stepOf(record);
    if (step === undefined || record.length !== this.#width) {
      const place = `row ${this.row}`;
      const complaint = record.length === this.#width
        ? this.#steps.complaint
        : `has ${record.length} cells, expected ${this.#width}`;
      this.#malformed.add(`${place} ${complaint}`, record.slice(0, SHOWN_CELLS).join(","));
      return 0;
    }
    let count = 0;
    for (const { at, key, series } of this.#columns) {
      const text = record[at]!.trim();
      if (text === "") continue;
      const value = NO_NUMBER.test(text) ? NaN : parseNumber(text);
      if (value === undefined) {
        series.addText(key, () => `row ${this.row}, column ${JSON.stringify(key)}`, text);
        continue;
      }
      series.add(step, key, value);
      count++;
    }
    return count;
  }

  /** Adds the last row of the file, without its last cell if that may be cut. */
  addLast(record: string[], isTerminated: boolean): void {
    const cell = record.at(-1)?.trim() ?? "";
    if (isTerminated || cell === "" || record.length !== this.#width) {
      this.add(record);
      return;
    }
    this.#malformed.add(
      `row ${this.row + 1} ends without a newline, so its last cell may be cut off`,
      cell,
    );
    this.add([...record.slice(0, -1), ""]);
  }

  runs(): LogRows[] {
    return Array.from(this.#runs.values());
  }
}

/** The text of a table as records of cells. */
class CsvText {
  #source: LogSource;
  #lastByte = NEWLINE;

  constructor(source: LogSource) {
    this.#source = source;
  }

  /** After the records: false if the end of the file may have cut the last cell. */
  get isTerminated(): boolean {
    return this.#source.isWhole || ENDS_CELL.includes(this.#lastByte);
  }

  /** The records that each chunk completes. */
  async *records(): AsyncGenerator<string[][]> {
    let records: string[][] = [];
    const parser = parse({
      bom: true,
      record_delimiter: ["\r\n", "\n", "\r"],
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      max_record_size: LONGEST_RECORD,
      // Records are taken here, as a stream would take longer for each than the parser.
      on_record: (record: string[]) => {
        records.push(record);
        return undefined;
      },
    });
    let failure: Error | null | undefined;
    parser.on("error", (error) => failure = error);
    parser.resume();
    for await (const chunk of this.#source.chunks()) {
      this.#lastByte = chunk.at(-1) ?? this.#lastByte;
      // The parser may keep what it is given.
      failure = await new Promise((resolve) => parser.write(chunk.slice(), resolve));
      yield records;
      if (failure) throw failure;
      records = [];
    }
    await new Promise<unknown>((resolve) => parser.on("error", resolve).end(resolve));
    yield records;
    if (failure) throw failure;
  }
}
