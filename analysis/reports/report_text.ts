/** How the reports look that the commands print: a head, and below it rows of a name and a text. */
import { number } from "../../formats/number.ts";
import { printable } from "../../formats/printable.ts";

/** Characters of a row; the names of a log's keys may be of any length. */
export const LONGEST_ROW = 2000;

/** A row's name, and its text of one line or several. */
export type Row = readonly [string, string | readonly string[]];

/**
 * A report, with an empty line at its end.
 *
 * @param head As it is printed.
 * @param rows Escaped and shortened here.
 * @param width Columns that the names take.
 */
export function reportText(head: string, rows: readonly Row[], width: number): string {
  const lines = rows.flatMap(([name, text]) =>
    [text].flat().map((line, i) =>
      `  ${(i === 0 ? name : "").padEnd(width)}${printable(line, LONGEST_ROW)}`
    )
  );
  return [head, ...lines, ""].join("\n");
}

/** The lines of a table with right-aligned columns. */
export function alignedColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) => row.map((cell, i) => cell.padStart(widths[i]!)).join("   "));
}

/** A share in percent, to three digits. */
export function percent(share: number): string {
  return `${number(100 * share, 3)} %`;
}
