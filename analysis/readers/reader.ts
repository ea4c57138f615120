import type { Malformed } from "./malformed.ts";
import type { Axis, LogFormat } from "./run.ts";
import type { SeriesCollector } from "./series_collector.ts";

/** What a format's reader is told. */
export interface ReaderOptions {
  /** Whether the values of a key are needed; other keys are only counted. */
  keep(key: string): boolean;
}

/** What a format's reader returns for each run in a file, before keys are chosen. */
export interface LogRows {
  /** The run's name within the file; empty where the file is one run. */
  name: string;
  /** What kind of text a console log turned out to be; else the format is that of the file. */
  format?: LogFormat;
  /** Everything that was logged. */
  series: SeriesCollector;
  /** What could not be used. */
  malformed: Malformed;
  /** What a table's rows were read by. */
  axis?: Axis;
  /** What was decided while reading, one sentence each. */
  notes: readonly string[];
  /** The configuration, where the log has one. */
  config?: Record<string, unknown>;
  /** How many steps the run is to have, where the log says it beside its configuration. */
  plannedSteps?: number;
}
