import { CsvError } from "csv-parse";
import { CsvText } from "./csv_text.ts";
import type { LogSource } from "./log_source.ts";
import { Malformed } from "./malformed.ts";
import { stepOfKey } from "./own_steps.ts";
import { numberInText } from "./parse_number.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import { namesRun, RunSplitter } from "./run_splitter.ts";
import { SeriesCollector } from "./series_collector.ts";
import { StepFinder, type Stepless } from "./step.ts";

/** A column of numbers: whose it is, and which metric. */
export interface Column {
  /** The run. */
  readonly run: string;
  /** The metric. */
  readonly key: string;
}

/** How a table is written. */
export interface TableLayout {
  /** What parts its cells. */
  readonly delimiter: "," | ";" | "\t";
  /** What steps rows that name none; their places by default. */
  readonly stepless?: Stepless | undefined;
  /** Columns that part its rows into runs beside those that always do. */
  readonly runColumns?: readonly string[];
}

/**
 * Reads a table with named columns, one of them the step; empty cells are no values, and `62.2%` is
 * 0.622. Other
 * cells that are no numbers are counted as malformed, but for columns (a flag, a model's name) that have none.
 * A column `run`, `run_id`, `run_name` or `experiment` parts its rows into runs; a first column without a
 * name, or `Unnamed: 0`, is the index that pandas writes, and no metric. Where semicolons part the cells, a
 * comma in a number is its decimal point.
 * Where the file ends without a newline, its last cell may have lost digits: it is left out and counted as
 * malformed, unless its closing quotation mark or a gzip trailer shows that it is whole.
 *
 * @throws {ReadError} if the file cannot be read.
 */
export function readCsv(
  source: LogSource,
  options: ReaderOptions,
  layout: TableLayout = { delimiter: "," },
): Promise<LogRows[]> {
  return readTable(source, layout, (header, malformed) =>
    new Table(header, {
      columnOf: (name, at) =>
        isIndex(name, at) || namesRun(name) || layout.runColumns?.includes(name)
          ? undefined
          : { run: "", key: name },
      layout,
      options,
      malformed,
    }));
}

/** Whether a column is the index that pandas writes before the others. */
export function isIndex(name: string, at: number): boolean {
  return at === 0 && (name === "" || name === "Unnamed: 0");
}

/**
 * Reads the CSV export of a W&B chart: one column per run and metric, `run - metric`, in which the
 * columns `…__MIN` and `…__MAX` of smoothed or sampled charts are ignored. The last cell is treated as
 * {@linkcode readCsv} does.
 *
 * @throws {ReadError} if the file cannot be read.
 */
export function readWandbCsv(source: LogSource, options: ReaderOptions): Promise<LogRows[]> {
  const layout = { delimiter: "," } as const;
  return readTable(
    source,
    layout,
    (header, malformed) =>
      new Table(header, { columnOf: wandbColumn, layout, options, malformed, isChart: true }),
  );
}

/**
 * Reads the CSV that TensorBoard's page exports of one metric, `Wall time,Step,Value`; which metric of which run
 * only the file's name says.
 *
 * @throws {ReadError} if the file cannot be read.
 */
export async function readScalarCsv(
  source: LogSource,
  options: ReaderOptions,
  { run, key }: Column,
): Promise<LogRows[]> {
  const layout = { delimiter: "," } as const;
  const rows = await readTable(source, layout, (header, malformed) =>
    new Table(header, {
      columnOf: (name) => name === "Value" ? { run: "", key } : undefined,
      layout,
      options,
      malformed,
    }));
  return rows.map((one) => ({ ...one, name: run }));
}

/** The run and metric of a column of a W&B chart export; undefined for any other column. */
export function wandbColumn(name: string): Column | undefined {
  if (/__(?:MIN|MAX)$/.test(name)) return undefined;
  const dash = name.lastIndexOf(" - ");
  if (dash < 1) return undefined;
  return { run: name.slice(0, dash).replace(/^Group: /, ""), key: name.slice(dash + 3) };
}

/** More columns are no table; W&B exports of very many runs come near. */
const MOST_COLUMNS = 150_000;

/** Cells of a malformed row that are kept to show it. */
const SHOWN_CELLS = 20;

/** How tables write that there is no number. */
const NO_NUMBER = /^(?:null|none)$/i;

async function readTable(
  source: LogSource,
  { delimiter }: TableLayout,
  makeTable: (header: readonly string[], malformed: Malformed) => Table,
): Promise<LogRows[]> {
  const malformed = new Malformed();
  let table: Table | undefined;
  // A row is added once the next one is there, as the last one may be cut.
  let pending: string[] | undefined;
  const text = new CsvText(source, delimiter);
  try {
    for await (const records of text.records()) {
      for (const record of records) {
        // Cells are cheap: exports of many runs hold a value in one of a hundred.
        source.spend(1 + (record.length >> 3));
        if (table === undefined) table = makeTable(record, malformed);
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

/** What a table's columns are, and where it goes. */
interface TableSettings {
  columnOf: (name: string, at: number) => Column | undefined;
  layout: TableLayout;
  options: ReaderOptions;
  malformed: Malformed;
  /** Whether its columns are of several runs, and its rows of all of them. */
  isChart?: boolean;
}

/** A number with a decimal comma. */
const DECIMAL_COMMA = /^[-+]?\d+,\d+(?:[eE][-+]?\d+)?$/;

/** The runs of a table as its rows come in. */
class Table {
  /** The row that was added last; the header is row 1. */
  row = 1;
  /** The runs of a chart, told by its columns. */
  #charted = new Map<string, LogRows>();
  /** The runs of any other table, told by its rows. */
  #runs: RunSplitter;
  #width: number;
  /** The columns that are metrics; those of a chart with their run's series. */
  #columns: { at: number; key: string; series?: SeriesCollector }[] = [];
  #place = new Map<string, number>();
  #runColumns: string[] = [];
  #malformed: Malformed;
  #hasDecimalCommas: boolean;
  #chartSteps: StepFinder | undefined;

  constructor(header: readonly string[], settings: TableSettings) {
    const { columnOf, layout, options, malformed, isChart = false } = settings;
    this.#malformed = malformed;
    this.#width = header.length;
    this.#hasDecimalCommas = layout.delimiter === ";";
    const makeSeries = () => new SeriesCollector(options.keep, "mean", malformed);
    this.#runs = new RunSplitter(() => {
      const series = makeSeries();
      return { series, steps: new StepFinder(series, layout.stepless ?? "rows") };
    }, layout.runColumns);
    const names = header.map((name) => name.trim());
    const stepColumn = names.find(StepFinder.knows);
    const axis = {
      column: stepColumn ?? names.find((name, at) => columnOf(name, at) === undefined) ?? "",
      isStep: stepColumn !== undefined,
    };
    const charted = this.#charted;
    const steps = new StepFinder({
      clear: () => charted.forEach(({ series }) => series.clear()),
      move: (...move) => charted.forEach(({ series }) => series.move(...move)),
    });
    if (isChart) this.#chartSteps = steps;
    for (const [at, name] of names.entries()) {
      if (StepFinder.knows(name) || name === "epoch") this.#place.set(name, at);
      if (!isChart && namesRun(name)) {
        this.#runColumns.push(name);
        this.#place.set(name, at);
      }
      if (layout.runColumns?.includes(name)) this.#place.set(name, at);
      const column = columnOf(name, at);
      if (column === undefined) continue;
      if (this.#columns.length === MOST_COLUMNS) {
        malformed.add(`a column past the first ${MOST_COLUMNS}`, name);
        continue;
      }
      if (!isChart) {
        this.#columns.push({ at, key: column.key });
        continue;
      }
      let rows = this.#charted.get(column.run);
      if (rows === undefined) {
        rows = { name: column.run, series: makeSeries(), malformed, axis, notes: steps.notes };
        this.#charted.set(column.run, rows);
      }
      this.#columns.push({ at, key: column.key, series: rows.series });
    }
  }

  /** Adds a row and says how many values it has. */
  add(record: readonly string[]): number {
    this.row++;
    if (record.length !== this.#width) {
      return this.#refuse(record, `has ${record.length} cells, expected ${this.#width}`);
    }
    const cell = (name: string) => {
      const at = this.#place.get(name);
      return at === undefined ? undefined : record[at];
    };
    const run = this.#chartSteps === undefined ? this.#runs.of(cell, this.#runColumns) : undefined;
    const steps = run?.steps ?? this.#chartSteps!;
    // A chart over another axis than the step: its rows count as steps.
    const step = run === undefined && this.#place.size === 0 ? this.row - 2 : steps.find(cell);
    if (step === undefined) return this.#refuse(record, steps.complaint);
    let count = 0;
    for (const { at, key, series = run!.series } of this.#columns) {
      let text = record[at]!.trim();
      if (text === "") continue;
      if (this.#hasDecimalCommas && DECIMAL_COMMA.test(text)) text = text.replace(",", ".");
      const value = numberInText(text);
      if (value === undefined && NO_NUMBER.test(text)) {
        series.addMissing(key);
        continue;
      }
      if (value === undefined) {
        series.addText(key, () => `row ${this.row}, column ${JSON.stringify(key)}`, text);
        continue;
      }
      series.add(stepOfKey(key, step, steps.own), key, value);
      count++;
    }
    return count;
  }

  #refuse(record: readonly string[], complaint: string): number {
    this.#malformed.add(
      `row ${this.row} ${complaint}`,
      record.slice(0, SHOWN_CELLS).join(","),
    );
    return 0;
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
    if (this.#chartSteps !== undefined) return Array.from(this.#charted.values());
    return this.#runs.runsOrOne().map(({ name, series, steps }) => ({
      name,
      series,
      malformed: this.#malformed,
      ...steps.facts,
    }));
  }
}
