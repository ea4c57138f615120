import { copied } from "./copied.ts";
import type { SeriesCollector } from "./series.ts";
import type { StepFinder } from "./step.ts";

/** Columns and members that tell several runs in one table apart, without regard to case. */
const RUN_COLUMNS = ["experiment", "run_name", "run", "run_id"] as const;

/** More runs are no runs, but a column of numbers under one of these names. */
const MOST_RUNS = 10_000;
/** No run's name is longer. */
const LONGEST_NAME = 200;

/** Whether a column of this name tells runs apart. */
export function namesRun(column: string): boolean {
  return (RUN_COLUMNS as readonly string[]).includes(column.toLowerCase());
}

/** What is collected of one run. */
export interface CollectedRun {
  /** Its metrics. */
  readonly series: SeriesCollector;
  /** Its steps. */
  readonly steps: StepFinder;
}

/** Parts the rows of one log by the run that they name; rows that name none are one run without a name. */
export class RunSplitter {
  #make: () => CollectedRun;
  #runs = new Map<string, CollectedRun & { readonly name: string }>();

  /** A splitter that makes what collects a run. */
  constructor(make: () => CollectedRun) {
    this.#make = make;
  }

  /**
   * The run of a row whose cells `cell` gives; past the ten-thousandth, the last one takes all.
   *
   * @param columns Names of the columns, where they are written in another case.
   */
  of(
    cell: (column: string) => unknown,
    columns: readonly string[] = RUN_COLUMNS,
  ): CollectedRun & { readonly name: string } {
    if (columns.every((column) => cell(column) === undefined)) return this.#named("");
    const names: string[] = [];
    for (const column of columns) {
      const value = cell(column);
      if (typeof value === "string" || typeof value === "number") {
        const text = String(value).trim().slice(0, LONGEST_NAME);
        if (text !== "" && !names.includes(text)) names.push(text);
      }
    }
    return this.#named(names.join(" / "));
  }

  #named(name: string): CollectedRun & { readonly name: string } {
    let run = this.#runs.get(name) ??
      (this.#runs.size === MOST_RUNS ? Array.from(this.#runs.values()).at(-1) : undefined);
    if (run === undefined) {
      run = { ...this.#make(), name: copied(name) };
      this.#runs.set(run.name, run);
    }
    return run;
  }

  /** The runs, in the order in which they appeared; an empty one if there is none. */
  runsOrOne(): (CollectedRun & { readonly name: string })[] {
    if (this.#runs.size === 0) this.of(() => undefined);
    return Array.from(this.#runs.values());
  }
}
