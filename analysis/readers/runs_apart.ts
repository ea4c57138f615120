import { counted } from "../../formats/counted.ts";
import { stepText } from "../step_text.ts";
import type { LogRows } from "./reader.ts";

/**
 * The runs of rows whose steps begin again from their beginning, with other values: one after the other in one file,
 * as a second run that appends to the log of the first leaves them. Where a count such as the epoch goes on meanwhile,
 * they are one run, whose steps are counted on. Other rows stay as they are.
 */
export function apart(rows: LogRows): LogRows[] {
  const whole = rows.series.countedOn();
  if (whole !== undefined) {
    const { series, by } = whole;
    const times = rows.series.starts - 1;
    const note = `the steps begin again ${
      times === 1 ? "once" : `${times} times`
    }, but ${by} goes on, so the log is read as one run, whose steps are counted on, to step ${
      stepText(series.steps.last)
    }.`;
    return [{ ...rows, series, notes: [...rows.notes, note] }];
  }
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
