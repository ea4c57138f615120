import { CsvText } from "./csv_text.ts";
import type { LogSource } from "./log_source.ts";
import { Malformed } from "./malformed.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import { namesRun } from "./run_splitter.ts";
import { type Column, Table, type TableLayout, type TableSettings } from "./metric_table.ts";
import { isIndex } from "./table_header.ts";

/**
 * Reads a table with named columns, one of them the step; empty cells are no values, and `62.2%` is
 * 0.622. A header that stands again further down names the columns of the rows after it. Other
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
  return readTable(source, {
    columnOf: (name, at) =>
      isIndex(name, at) || namesRun(name) || layout.runColumns?.includes(name)
        ? undefined
        : { run: "", key: name },
    layout,
    options,
  });
}

/**
 * Reads the CSV export of a W&B chart: one column per run and metric, `run - metric`, in which the
 * columns `…__MIN` and `…__MAX` of smoothed or sampled charts are ignored. The last cell is treated as
 * {@linkcode readCsv} does.
 *
 * @throws {ReadError} if the file cannot be read.
 */
export function readWandbCsv(
  source: LogSource,
  options: ReaderOptions,
  layout: TableLayout = { delimiter: "," },
): Promise<LogRows[]> {
  return readTable(source, { columnOf: wandbColumn, layout, options, isChart: true });
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
  const rows = await readTable(source, {
    columnOf: (name) => name === "Value" ? { run: "", key } : undefined,
    layout: { delimiter: "," },
    options,
  });
  return rows.map((one) => ({ ...one, name: run }));
}

/** The run and metric of a column of a W&B chart export; undefined for any other column. */
export function wandbColumn(name: string): Column | undefined {
  if (/__(?:MIN|MAX)$/.test(name)) return undefined;
  const dash = name.lastIndexOf(" - ");
  if (dash < 1) return undefined;
  return { run: name.slice(0, dash).replace(/^Group: /, ""), key: name.slice(dash + 3) };
}

async function readTable(
  source: LogSource,
  settings: Omit<TableSettings, "malformed" | "path">,
): Promise<LogRows[]> {
  const malformed = new Malformed();
  let table: Table | undefined;
  // A row is added once the next one is there, as the last one may be cut.
  let pending: string[] | undefined;
  const text = new CsvText(source, settings.layout, malformed);
  for await (const records of text.records()) {
    for (const record of records) {
      // Cells are cheap: exports of many runs hold a value in one of a hundred.
      source.spend(1 + (record.length >> 3));
      if (table === undefined) {
        table = new Table(record, { ...settings, malformed, path: source.name });
      } else {
        if (pending !== undefined) source.spend(table.add(pending));
        pending = record;
      }
    }
  }
  if (pending !== undefined) table?.addLast(pending, text.isTerminated);
  return table?.runs() ?? [];
}
