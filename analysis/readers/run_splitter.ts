import { copied } from "./copied.ts";
import type { SeriesCollector } from "./series.ts";
import type { StepFinder } from "./step.ts";

/** Columns and members that tell several runs in one table apart, without regard to case. */
const RUN_COLUMNS = ["experiment", "run_name", "run", "run_id"] as const;

/** Columns and members that may tell runs apart, or tell something else: the rows decide. */
const POSSIBLE_RUN_COLUMNS =
  /^(?:name|seed|trial|method|algo|algorithm|variant|condition|model|model_name)$/i;

/** More runs are no runs, but a column of numbers under one of these names. */
const MOST_RUNS = 10_000;
/** No run's name is longer. */
const LONGEST_NAME = 200;

/** Whether a column of this name tells runs apart. */
export function namesRun(column: string): boolean {
  return (RUN_COLUMNS as readonly string[]).includes(column.toLowerCase());
}

/**
 * The columns such as `name`, `seed` and `method` that tell runs apart, as the first rows show: every row has a value there,
 * which is that of others too, and rows of different values hold the same metrics, which those of training and of
 * evaluation do not.
 */
export function possibleRunColumns(rows: readonly Record<string, unknown>[]): string[] {
  if (rows.length < 2) return [];
  const isThere = (value: unknown) => value !== undefined && value !== null && value !== "";
  const metricsOf = (row: Record<string, unknown>) =>
    Object.keys(row).filter((key) => isThere(row[key])).sort().join("\n");
  return Object.keys(rows[0]!).filter((column) => {
    if (!POSSIBLE_RUN_COLUMNS.test(column)) return false;
    if (!rows.every((row) => isThere(row[column]))) return false;
    const values = new Set(rows.map((row) => String(row[column])));
    if (2 * values.size > rows.length) return false;
    return values.size === 1 || new Set(rows.map(metricsOf)).size === 1;
  });
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
  #possible: readonly string[];
  /** Whether a row names its run under a name that says so. */
  #isNamed = false;
  #runs = new Map<string, CollectedRun & { readonly name: string }>();

  /**
   * A splitter that makes what collects a run.
   *
   * @param possible What {@linkcode possibleRunColumns} found.
   */
  constructor(make: () => CollectedRun, possible: readonly string[] = []) {
    this.#make = make;
    this.#possible = possible;
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
    const names: string[] = [];
    const add = (value: unknown, prefix: string) => {
      if (typeof value !== "string" && typeof value !== "number") return;
      const text = String(value).trim().slice(0, LONGEST_NAME);
      if (text !== "" && !names.includes(prefix + text)) names.push(prefix + text);
    };
    for (const column of columns) add(cell(column), "");
    this.#isNamed ||= names.length > 0;
    for (const column of this.#possible) {
      const value = cell(column);
      add(value, Number.isNaN(Number(value)) ? "" : `${column} `);
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

  /**
   * The runs, in the order in which they appeared; an empty one if there is none. A single one is not called by its
   * seed.
   */
  runsOrOne(): (CollectedRun & { readonly name: string })[] {
    if (this.#runs.size === 0) this.of(() => undefined);
    const runs = Array.from(this.#runs.values());
    return runs.length === 1 && !this.#isNamed ? [{ ...runs[0]!, name: "" }] : runs;
  }
}
