import { counted } from "../../formats/counted.ts";
import { wandbColumn } from "./csv.ts";
import { enumeration } from "./key_list.ts";
import { isEntropyByWords, isKnown } from "./keys.ts";
import type { Recognised } from "./recognised.ts";
import { possibleRunColumns } from "./run_splitter.ts";
import { StepFinder, steplessBy } from "./step.ts";
import type { TableLayout } from "./metric_table.ts";
import { isIndex, isPadded, namesOf, preambleLength, repeatedName } from "./table_header.ts";

/** No column has a longer name; prose with commas in it has longer parts. */
const LONGEST_HEADING = 1000;
/** So many lines of a table tell what it is. */
const LOOKED_AT = 21;

/**
 * A table has a header of distinct names, one of them the step or numbers in the line below; commas, tabs
 * or semicolons part its cells.
 */
export function tableFormat(whole: string, isCutOff: boolean): Recognised | undefined {
  const preamble = preambleLength(whole);
  const text = whole.slice(preamble);
  const lines = text.split(/\r\n|[\r\n]/, LOOKED_AT + 100)
    .filter((line) => line.trim() !== "").slice(0, LOOKED_AT);
  // Only the last line that the head holds may be cut.
  const isCut = isCutOff && lines.length < LOOKED_AT;
  const found = ([",", "\t", ";"] as const).map((delimiter) =>
    delimitedFormat(lines, isCut, delimiter)
  );
  const best = found.find((one) => one?.otherwise === undefined && one !== undefined) ??
    found.find((one) => one !== undefined);
  return best && { ...best, preamble };
}

function delimitedFormat(
  lines: readonly string[],
  isCut: boolean,
  delimiter: TableLayout["delimiter"],
): Recognised | undefined {
  const [first = "", second] = lines;
  const written = cells(first, delimiter);
  if (second === undefined && isCut) written.pop();
  const header = namesOf(written);
  if (header.length < 2) return undefined;
  // A row that is cut off cannot be compared with the header.
  const row = second === undefined || (isCut && lines.length === 2)
    ? undefined
    : cells(second, delimiter);
  const none = { format: "verl-console" } as const;
  if (row !== undefined && row.length !== written.length && !isPadded(row, header.length)) {
    if (!header.some(StepFinder.knows)) return undefined;
    const widths = `${counted(written.length, "cell")} and whose next row ${row.length}`;
    return { ...none, otherwise: `is a table whose header has ${widths}` };
  }
  const isNumeric = (cell: string) =>
    cell !== "" && Number.isFinite(Number(delimiter === ";" ? cell.replace(",", ".") : cell));
  if (!header.some(StepFinder.knows) && !row?.some(isNumeric)) return undefined;
  if (header.every(isNumeric)) {
    return { ...none, otherwise: "is a table of numbers without a header of names" };
  }
  const names = header.filter((name, at) => !isIndex(name, at));
  if (names.some((name) => name === "" || name.length > LONGEST_HEADING)) return undefined;
  const twice = repeatedName(names);
  if (twice !== undefined) {
    return { ...none, otherwise: `is a table with two columns named ${JSON.stringify(twice)}` };
  }
  if (delimiter === "," && names.some((name) => wandbColumn(name) !== undefined)) {
    return { format: "wandb-csv" };
  }
  const rows = (isCut ? lines.slice(1, -1) : lines.slice(1)).map((line) => {
    const row = cells(line, delimiter);
    return Object.fromEntries(header.map((name, at) => [name, row[at]]));
  });
  const isEmpty = second === undefined && !isCut;
  return longTable(names, rows) ?? {
    format: "csv",
    delimiter,
    ...(isEmpty
      ? { otherwise: `is a table without rows, with the columns ${enumeration(names, 200)}` }
      : {}),
    stepless: steplessBy(rows),
    runColumns: possibleRunColumns(rows),
  };
}

/** What a table is whose rows hold one value each, and name its metric in a column. */
function longTable(
  names: readonly string[],
  rows: readonly Record<string, string | undefined>[],
): Recognised | undefined {
  const named = (pattern: RegExp) => names.find((name) => pattern.test(name));
  const value = named(/^(?:metric_?)?value$/i);
  const metric = named(/^(?:metric|metric_?name|key|tag|variable)$/i);
  if (value === undefined || metric === undefined) return undefined;
  const found = new Set(rows.map((row) => row[metric] ?? ""));
  if (!Array.from(found).some((key) => isKnown(key) || isEntropyByWords(key))) return undefined;
  const step = names.find(StepFinder.knows) ??
    names.find((name) => name !== value && name !== metric);
  const columns = { index: step, columns: metric, values: value };
  const pivot = Object.entries(columns).map(([name, column]) =>
    `${name}=${JSON.stringify(column)}`
  );
  return {
    format: "verl-console",
    refused: `is a long table, whose rows name their metric in the column ${
      JSON.stringify(metric)
    }, expected a column for each metric: df.pivot_table(${
      pivot.join(", ")
    }).to_csv("wide.csv") of pandas makes one.`,
  };
}

/** The cells of one line; enough of CSV to tell a table from prose. A quoted cell may be cut off. */
function cells(line: string, delimiter: string): string[] {
  const found: string[] = [];
  for (let at = 0; at <= line.length;) {
    let end = at;
    if (line[at] === '"') {
      end = line.indexOf('"', at + 1);
      while (end >= 0 && line[end + 1] === '"') end = line.indexOf('"', end + 2);
      if (end < 0) end = line.length;
      found.push(line.slice(at + 1, end).trim());
    }
    const comma = line.indexOf(delimiter, end);
    const next = comma < 0 ? line.length : comma;
    if (line[at] !== '"') found.push(line.slice(at, next).trim());
    at = next + 1;
  }
  return found;
}
