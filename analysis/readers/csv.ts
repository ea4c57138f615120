import { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { readBytes } from "./bytes.ts";
import { Malformed } from "./malformed.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import { SeriesCollector } from "./series.ts";
import { StepFinder } from "./step.ts";

/** A column of a table: whose it is, and which metric. */
interface Column {
  readonly run: string;
  readonly key: string;
}

/**
 * Reads a comma-separated table with named columns, one of them the step; empty cells are no values.
 *
 * @throws {ReadError} if the file cannot be read.
 */
export function readCsv(path: string, options: ReaderOptions): Promise<LogRows[]> {
  return readTable(path, options, (name) => ({ run: "", key: name }));
}

/**
 * Reads the CSV export of a W&B chart: one column per run and metric, `run - metric`, in which the
 * columns `…__MIN` and `…__MAX` of smoothed or sampled charts are ignored.
 *
 * @throws {ReadError} if the file cannot be read.
 */
export function readWandbCsv(path: string, options: ReaderOptions): Promise<LogRows[]> {
  return readTable(path, options, wandbColumn);
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

/** How tables write what is not a number but stands for one. */
const NOT_FINITE = /^(?:[-+]?(?:nan|inf|infinity)|null|none)$/i;

async function readTable(
  path: string,
  options: ReaderOptions,
  columnOf: (name: string) => Column | undefined,
): Promise<LogRows[]> {
  const runs = new Map<string, LogRows>();
  const malformed = new Malformed();
  const steps = new StepFinder();
  let header: string[] | undefined;
  let columns: (Column & { rows: LogRows } | undefined)[] = [];
  let stepOf: (record: string[]) => number | undefined = () => undefined;
  let number = 0;
  try {
    for await (const record of records(path)) {
      number++;
      if (header === undefined) {
        header = record.map((name) => name.trim());
        const place = new Map(header.map((name, i) => [name, i]));
        stepOf = (record) => steps.find((key) => record[place.get(key) ?? -1]);
        columns = header.map((name) => {
          const column = columnOf(name);
          if (column === undefined) return undefined;
          let rows = runs.get(column.run);
          if (rows === undefined) {
            const series = new SeriesCollector(options.keep, "mean");
            rows = { name: column.run, series, malformed };
            runs.set(column.run, rows);
          }
          return { ...column, rows };
        });
        // A chart over another axis than the step, or a table without one: rows count as steps.
        if (!header.some(StepFinder.knows)) stepOf = () => number - 2;
        continue;
      }
      const step = stepOf(record);
      if (step === undefined || record.length !== header.length) {
        malformed.add(`row ${number}`, record.join(","));
        continue;
      }
      for (let i = 0; i < columns.length; i++) {
        const column = columns[i];
        const text = record[i]!.trim();
        if (column === undefined || text === "") continue;
        const value = NOT_FINITE.test(text) ? NaN : Number(text);
        // Text columns (a flag, a model's name) are no metrics.
        if (!Number.isNaN(value) || NOT_FINITE.test(text)) {
          column.rows.series.add(step, column.key, value);
        }
      }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    malformed.add(`row ${number + 1}`, error.message);
  }
  return [...runs.values()];
}

async function* records(path: string): AsyncGenerator<string[]> {
  async function* copies() {
    for await (const chunk of readBytes(path)) yield chunk.slice();
  }
  const parser = parse({
    bom: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: LONGEST_RECORD,
  });
  const source = Readable.from(copies());
  source.on("error", (error) => parser.destroy(error));
  yield* source.pipe(parser) as AsyncIterable<string[]>;
}
