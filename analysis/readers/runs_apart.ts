import { counted } from "../../formats/counted.ts";
import type { LogRows } from "./reader.ts";

/**
 * The runs of rows whose steps begin again from their beginning, with other values: one after the other in one file,
 * as a second run that appends to the log of the first leaves them. Other rows stay as they are.
 */
export function apart(rows: LogRows): LogRows[] {
  const parts = rows.series.apart();
  if (parts.length < 2) return [rows];
  const ends = parts.map((series) => `${series.steps.first} to ${series.steps.last}`);
  const given = rows.series.starts - parts.length;
  const lost = given === 0
    ? ""
    : ` ${counted(given, "other start")}, of few steps or the same once more, ${
      given === 1 ? "is" : "are"
    } left out.`;
  return parts.map((series, i) => ({
    ...rows,
    name: `${rows.name === "" ? "" : `${rows.name} / `}run ${i + 1}`,
    series,
    notes: [
      ...rows.notes,
      `the steps begin again from their beginning, with other values, so the log is read as ${parts.length} runs one after the other (steps ${
        ends.join(", ")
      }); this is run ${i + 1}.${lost}`,
    ],
  }));
}
