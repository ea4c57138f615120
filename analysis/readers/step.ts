import { counted } from "../../formats/counted.ts";

/** Parts of a run that state their own step. */
const PARTS = ["train", "trainer", "rollout", "eval", "val", "validation", "test"] as const;

/**
 * Names of the step, a trainer's own before the logger's: W&B's `_step` counts calls of `log`, which
 * is the training step only where the trainer says so. Names in one row of the list count alike: each part
 * of a run states the same step under its own.
 */
const STEP_KEYS: readonly (readonly string[])[] = [
  PARTS.map((part) => `${part}/global_step`),
  ["global_step"],
  ["step"],
  ["current_steps"],
  ["global_step/max_steps"],
  ["Step"],
  PARTS.map((part) => `${part}/step`),
  ["progress/batch"],
  ["_step"],
  ["training/global_step"],
  ["training_step"],
  ["iteration"],
  ["iter"],
  ["update"],
];
const KNOWN: ReadonlySet<string> = new Set(STEP_KEYS.flat());
/** It counts calls of `log`, so that alone it says nothing beside a trainer's own name. */
const LOGGER_STEP = STEP_KEYS.findIndex(([name]) => name === "_step");

/** What steps a log by whose rows none is named: their epochs, or their places. */
export type Stepless = "epoch" | "rows";

/**
 * Finds the step of each row by the best name that it has. Once a name was found, a row that has only a lesser
 * one (`eval/step` beside `train/global_step`) is read by that, but not by W&B's `_step`, nor by a name that
 * differed from the better one where a row had both.
 */
export class StepFinder {
  /** What became of rows that were read by a lesser name, one sentence each. */
  readonly notes: string[] = [];
  #best = STEP_KEYS.length;
  #name = "";
  /** Rows that were read by the best name so far or lesser ones. */
  #rows = 0;
  /** Rows of the list of names that differ from a better one. */
  #differing = new Set<number>([LOGGER_STEP]);
  /** Lesser names of which a note tells. */
  #told = new Set<string>();
  #drop: () => void;
  #stepless: Stepless | undefined;
  #refused: number | string | undefined;

  /**
   * `drop` forgets all rows so far: they turned out to be of another scale. Where rows name no step,
   * `stepless` says what counts in its place; without it they have none.
   */
  constructor(drop: () => void, stepless?: Stepless) {
    this.#drop = drop;
    this.#stepless = stepless;
  }

  /** Whether a column of this name can give the step. */
  static knows(name: string): boolean {
    return KNOWN.has(name);
  }

  /** The step of the row whose cells `cell` gives, or undefined if the row names none. */
  find(cell: (key: string) => unknown): number | undefined {
    this.#refused = undefined;
    const most = Math.min(this.#best, STEP_KEYS.length - 1);
    for (let i = 0; i <= most; i++) {
      for (const name of STEP_KEYS[i]!) {
        const value = cell(name);
        const step = toStep(value);
        if (step === undefined) {
          if (typeof value === "number" || typeof value === "string") this.#refused ??= value;
          continue;
        }
        if (i < this.#best) {
          if (this.#rows > 0) this.#changeTo(name, step, cell);
          this.#name = name;
        }
        this.#best = i;
        this.#rows++;
        this.#compare(name, step, cell);
        return step;
      }
    }
    return this.#best === STEP_KEYS.length ? this.#unnamed(cell) : this.#lesser(cell);
  }

  /** Finds out which lesser names are no step of this scale. */
  #compare(name: string, step: number, cell: (key: string) => unknown): void {
    for (let i = this.#best + 1; i < STEP_KEYS.length; i++) {
      if (this.#differing.has(i)) continue;
      for (const lesser of STEP_KEYS[i]!) {
        const other = toStep(cell(lesser));
        if (other === undefined || other === step) continue;
        this.#differing.add(i);
        const read = STEP_KEYS[i]!.find((one) => this.#told.has(one));
        if (read !== undefined) {
          this.notes.push(
            `rows were read by ${read}; but ${lesser} is ${other} where ${name} is ${step}, so they may be of another scale.`,
          );
        }
        break;
      }
    }
  }

  /** The step of a row that has no name as good as the best so far. */
  #lesser(cell: (key: string) => unknown): number | undefined {
    for (let i = this.#best + 1; i < STEP_KEYS.length; i++) {
      if (this.#differing.has(i)) continue;
      for (const name of STEP_KEYS[i]!) {
        const step = toStep(cell(name));
        if (step === undefined) continue;
        if (!this.#told.has(name)) {
          this.#told.add(name);
          this.notes.push(
            `rows without ${this.#name} are read by ${name}: the two are taken to count alike.`,
          );
        }
        return step;
      }
    }
    return undefined;
  }

  /** The step of a row that names none, where no row has named one. */
  #unnamed(cell: (key: string) => unknown): number | undefined {
    if (this.#stepless === undefined) return undefined;
    const byEpoch = this.#stepless === "epoch";
    const step = byEpoch ? toStep(cell("epoch")) : this.#rows;
    if (step === undefined) return undefined;
    if (this.#rows === 0) {
      this.notes.push(
        byEpoch
          ? "the log names no step: its epochs are taken for steps."
          : "the log names no step: its rows were counted, from 0.",
      );
    }
    this.#name = byEpoch ? "epoch" : "their order";
    this.#rows++;
    return step;
  }

  /** Whether rows by a lesser name stay is told by the first row that has both names. */
  #changeTo(better: string, step: number, cell: (key: string) => unknown): void {
    const lesser = this.#name;
    const beside = toStep(cell(lesser));
    const [were, they] = this.#rows === 1 ? ["was", "it is"] : ["were", "they are"];
    const rows = `${
      counted(this.#rows, "row")
    } ${were} read by ${lesser}, before ${better} appeared`;
    if (this.#best === STEP_KEYS.length) {
      this.notes.push(`${rows}; ${they} left out.`);
      this.#drop();
      this.#rows = 0;
    } else if (beside === undefined) {
      this.#told.add(lesser);
      this.notes.push(`${rows}; whether the two count alike cannot be told.`);
    } else if (beside === step) this.notes.push(`${rows}; the two agree there.`);
    else {
      this.notes.push(`${rows} as ${step} at ${lesser} ${beside}; ${they} left out.`);
      this.#drop();
      this.#rows = 0;
    }
  }

  /** Why the last row has no step, to be put after its place. */
  get complaint(): string {
    if (this.#refused === undefined) return "names no step";
    return `has the step ${String(this.#refused).slice(0, 24)}, expected 0 to 2^53 − 1`;
  }
}

/**
 * Whether a number can be a step: finite, not negative, and small enough to be told from the next one.
 * It may be a fraction, as loggers that average rows write it.
 */
export function isStep(value: number): boolean {
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}

/** What is to step rows of which the first say so little; undefined if one of them names a step. */
export function steplessBy(rows: readonly Record<string, unknown>[]): Stepless | undefined {
  if (rows.length === 0) return undefined;
  if (rows.some((row) => namesOf(row).some((name) => KNOWN.has(name)))) return undefined;
  const epochs = rows.map((row) => toStep(row["epoch"])).filter((epoch) => epoch !== undefined);
  // A training row and a validation row may share one; many rows in one say nothing.
  const areSteps = epochs.length === rows.length && 2 * new Set(epochs).size >= rows.length &&
    rows.length > 1;
  return areSteps ? "epoch" : "rows";
}

/** The names of a row's members, and of those of its members, behind the names of these. */
function namesOf(row: Record<string, unknown>): string[] {
  return Object.entries(row).flatMap(([name, value]) =>
    typeof value === "object" && value !== null
      ? [name, ...Object.keys(value).map((inner) => `${name}/${inner}`)]
      : [name]
  );
}

/**
 * Gives what a row of JSON has under a name of the step, which may lie in an object: `train/step` in
 * `train`.
 */
export function cellsOf(row: Record<string, unknown>): (name: string) => unknown {
  const isNested = PARTS.some((part) => typeof row[part] === "object" && row[part] !== null);
  if (!isNested) return (name) => row[name];
  return (name) => {
    const [part = "", inner = ""] = name.split("/");
    const within = row[name] === undefined ? row[part] : undefined;
    return typeof within === "object" && within !== null
      ? (within as Record<string, unknown>)[inner]
      : row[name];
  };
}

/** A step as a number, as a table writes it, or as ms-swift does (`5/100`). */
function toStep(value: unknown): number | undefined {
  let step: number;
  if (typeof value === "number") step = value;
  else if (typeof value === "string") {
    const match = /^\s*(\d+(?:\.\d+)?(?:[eE]\+?\d+)?)(?:\/\d+)?\s*$/.exec(value);
    if (match === null) return undefined;
    step = Number(match[1]);
  } else return undefined;
  return isStep(step) ? step : undefined;
}
