import { counted } from "../../formats/counted.ts";
import { ReadError } from "../../formats/errors.ts";
import type { Malformed } from "./malformed.ts";
import { stepOfKey } from "./own_steps.ts";
import { numberInText } from "./parse_number.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import type { Axis } from "./run.ts";
import { namesRun, RunSplitter } from "./run_splitter.ts";
import { SeriesCollector } from "./series_collector.ts";
import { StepFinder, type Stepless } from "./step.ts";
import {
  DECIMAL_COMMA,
  isHeader,
  isPadded,
  namesOf,
  NO_NUMBER,
  repeatedName,
} from "./table_header.ts";

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
  /** How many characters stand before its header. */
  readonly preamble?: number | undefined;
}

/** More columns are no table; W&B exports of very many runs come near. */
const MOST_COLUMNS = 150_000;

/** Cells of a malformed row that are kept to show it. */
const SHOWN_CELLS = 20;

/** What a table's columns are, and where it goes. */
export interface TableSettings {
  /** What a column is; undefined if it is no metric. */
  readonly columnOf: (name: string, at: number) => Column | undefined;
  readonly layout: TableLayout;
  readonly options: ReaderOptions;
  readonly malformed: Malformed;
  /** The file as messages name it. */
  readonly path: string;
  /** Whether its columns are of several runs, and its rows of all of them. */
  readonly isChart?: boolean;
}

/** The runs of a table as its rows come in. */
export class Table {
  #settings: TableSettings;
  /** The row that was added last; the header is row 1. */
  #row = 1;
  /** The runs of a chart, told by its columns. */
  #charted = new Map<string, LogRows>();
  /** What all runs of a chart are told, once its rows are read. */
  #chartNotes: string[] = [];
  /** The runs of any other table, told by its rows. */
  #runs: RunSplitter;
  #chartSteps: StepFinder | undefined;
  #width = 0;
  #names: readonly string[] = [];
  /** They once more, made when a row that may be a header is met. */
  #known: ReadonlySet<string> | undefined;
  #knownNames = () => this.#known ??= new Set(this.#names);
  /** The columns that are metrics; those of a chart with their run's series. */
  #columns: { at: number; key: string; series: SeriesCollector | undefined }[] = [];
  #place = new Map<string, number>();
  #runColumns: string[] = [];
  /** The rows that are headers unlike the ones before them. */
  #newHeaders: number[] = [];

  /** A table whose columns its header names. */
  constructor(header: readonly string[], settings: TableSettings) {
    this.#settings = settings;
    const { layout, isChart = false } = settings;
    this.#runs = new RunSplitter(() => {
      const series = this.#makeSeries();
      return { series, steps: new StepFinder(series, layout.stepless ?? "rows") };
    }, layout.runColumns);
    const charted = this.#charted;
    if (isChart) {
      this.#chartSteps = new StepFinder({
        clear: () => charted.forEach(({ series }) => series.clear()),
        move: (...move) => charted.forEach(({ series }) => series.move(...move)),
      });
    }
    this.#readHeader(header);
  }

  #makeSeries(): SeriesCollector {
    return new SeriesCollector(this.#settings.options.keep, "mean", this.#settings.malformed);
  }

  /** Takes the columns of the rows to come from a header. */
  #readHeader(header: readonly string[]): void {
    const { columnOf, layout, malformed } = this.#settings;
    const names = namesOf(header);
    this.#width = header.length;
    this.#names = names;
    this.#known = undefined;
    this.#columns = [];
    this.#place.clear();
    this.#runColumns = [];
    const stepColumn = names.find(StepFinder.knows);
    const axis = {
      column: stepColumn ?? names.find((name, at) => columnOf(name, at) === undefined) ?? "",
      isStep: stepColumn !== undefined,
    };
    for (const [at, name] of names.entries()) {
      const tellsRun = this.#chartSteps === undefined && namesRun(name);
      if (tellsRun) this.#runColumns.push(name);
      const isPlaced = tellsRun || StepFinder.knows(name) || name === "epoch" ||
        layout.runColumns?.includes(name);
      if (isPlaced) this.#place.set(name, at);
      const column = columnOf(name, at);
      if (column === undefined) continue;
      if (this.#columns.length === MOST_COLUMNS) {
        malformed.add(`a column past the first ${MOST_COLUMNS}`, name);
        continue;
      }
      const series = this.#chartSteps && this.#chartedRun(column.run, axis).series;
      this.#columns.push({ at, key: column.key, series });
    }
  }

  #chartedRun(name: string, axis: Axis): LogRows {
    let rows = this.#charted.get(name);
    if (rows === undefined) {
      const { malformed } = this.#settings;
      rows = { name, series: this.#makeSeries(), malformed, axis, notes: this.#chartNotes };
      this.#charted.set(name, rows);
    }
    return rows;
  }

  /**
   * Adds a row and says how many values it has.
   *
   * @throws {ReadError} if it is a header that names two columns alike.
   */
  add(record: readonly string[]): number {
    this.#row++;
    if (isHeader(record, this.#knownNames)) {
      const before = this.#names.join("\n");
      this.#expectDistinct(record);
      this.#readHeader(record);
      if (this.#names.join("\n") !== before) this.#newHeaders.push(this.#row);
      return 0;
    }
    if (!this.#fits(record)) {
      return this.#refuse(record, `has ${counted(record.length, "cell")}, expected ${this.#width}`);
    }
    const cell = (name: string) => {
      const at = this.#place.get(name);
      return at === undefined ? undefined : record[at];
    };
    const run = this.#chartSteps === undefined ? this.#runs.of(cell, this.#runColumns) : undefined;
    const steps = run?.steps ?? this.#chartSteps!;
    // A chart over another axis than the step: its rows count as steps.
    const step = run === undefined && this.#place.size === 0 ? this.#row - 2 : steps.find(cell);
    if (step === undefined) return this.#refuse(record, steps.complaint);
    const hasDecimalCommas = this.#settings.layout.delimiter === ";";
    let count = 0;
    for (const { at, key, series = run!.series } of this.#columns) {
      let text = record[at]!.trim();
      if (text === "") continue;
      if (hasDecimalCommas && DECIMAL_COMMA.test(text)) text = text.replace(",", ".");
      const value = numberInText(text);
      if (value === undefined && NO_NUMBER.test(text)) {
        series.addMissing(key);
        continue;
      }
      if (value === undefined) {
        series.addText(key, () => `row ${this.#row}, column ${JSON.stringify(key)}`, text);
        continue;
      }
      series.add(stepOfKey(key, step, steps.own), key, value);
      count++;
    }
    return count;
  }

  #expectDistinct(header: readonly string[]): void {
    const twice = repeatedName(namesOf(header).filter((name) => name !== ""));
    if (twice === undefined) return;
    throw new ReadError(
      `${this.#settings.path} is a table with two columns named ${
        JSON.stringify(twice)
      } in row ${this.#row}, expected each name once.`,
    );
  }

  #fits(record: readonly string[]): boolean {
    return record.length === this.#width || isPadded(record, this.#names.length);
  }

  #refuse(record: readonly string[], complaint: string): number {
    const lines = record.reduce((sum, cell) => sum + cell.split(/\r\n|[\r\n]/).length - 1, 1);
    const over = lines > 1 ? ` (${lines} lines, by a quotation mark that opens it)` : "";
    this.#settings.malformed.add(
      `row ${this.#row}${over} ${complaint}`,
      record.slice(0, SHOWN_CELLS).join(","),
    );
    return 0;
  }

  /**
   * Adds the last row of the file, without its last cell if that may be cut.
   *
   * @throws {ReadError} as {@linkcode Table.add} does.
   */
  addLast(record: string[], isTerminated: boolean): void {
    const cell = record.at(-1)?.trim() ?? "";
    if (isTerminated || cell === "" || !this.#fits(record)) {
      this.add(record);
      return;
    }
    this.#settings.malformed.add(
      `row ${this.#row + 1} ends without a newline, so its last cell may be cut off`,
      cell,
    );
    this.add([...record.slice(0, -1), ""]);
  }

  /** The runs, once all rows are added. */
  runs(): LogRows[] {
    const notes = this.#headerNotes();
    const { malformed } = this.#settings;
    if (this.#chartSteps !== undefined) {
      this.#chartNotes.push(...notes, ...this.#chartSteps.notes);
      return Array.from(this.#charted.values());
    }
    return this.#runs.runsOrOne().map(({ name, series, steps: { facts } }) => ({
      name,
      series,
      malformed,
      ...facts,
      notes: [...notes, ...facts.notes],
    }));
  }

  #headerNotes(): string[] {
    const [first] = this.#newHeaders;
    if (first === undefined) return [];
    const count = this.#newHeaders.length;
    return [
      count === 1
        ? `row ${first} is another header: the rows after it are read by its names.`
        : `${
          counted(count, "row")
        }, the first of them row ${first}, are other headers: the rows after each are read by its names.`,
    ];
  }
}
