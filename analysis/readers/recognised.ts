import type { LogFormat } from "./run.ts";
import type { Stepless } from "./step.ts";
import type { Column, TableLayout } from "./metric_table.ts";

/** What a log was found to be. */
export interface Recognised {
  /** Its format. */
  readonly format: LogFormat;
  /** What steps its rows, where the first of them name no step. */
  readonly stepless?: Stepless | undefined;
  /** Columns that part its rows into runs, though their names alone do not say so. */
  readonly runColumns?: readonly string[];
  /** What parts the cells of a table. */
  readonly delimiter?: TableLayout["delimiter"];
  /** How many characters stand before the header of a table. */
  readonly preamble?: number;
  /** The run and the metric of what TensorBoard exported. */
  readonly scalar?: Column;
  /** What the file is if it turns out to hold no metrics. */
  readonly otherwise?: string;
  /** Why it is refused, as the end of a sentence that begins with its name. */
  readonly refused?: string;
}
