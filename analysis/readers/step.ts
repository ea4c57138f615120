import { counted } from "../../formats/counted.ts";

/**
 * Names of the step, a trainer's own before the logger's: W&B's `_step` counts calls of `log`, which
 * is the training step only where the trainer says so.
 */
const STEP_KEYS = [
  "train/global_step",
  "trainer/global_step",
  "global_step",
  "step",
  "current_steps",
  "global_step/max_steps",
  "Step",
  "_step",
  "training/global_step",
  "training_step",
  "iteration",
] as const;

/** Finds the step of each row; once a name was found, rows are not read by a lesser one. */
export class StepFinder {
  /** What became of rows that were read by a lesser name, one sentence each. */
  readonly notes: string[] = [];
  #best: number = STEP_KEYS.length - 1;
  /** Rows that were read by the best name so far or lesser ones. */
  #rows = 0;
  #drop: () => void;

  /** `drop` forgets all rows so far: they turned out to be of another scale. */
  constructor(drop: () => void) {
    this.#drop = drop;
  }

  #refused: number | string | undefined;

  /** Whether a column of this name can give the step. */
  static knows(name: string): boolean {
    return (STEP_KEYS as readonly string[]).includes(name);
  }

  /** The step of the row whose cells `cell` gives, or undefined if the row names none. */
  find(cell: (key: string) => unknown): number | undefined {
    this.#refused = undefined;
    for (let i = 0; i <= this.#best; i++) {
      const value = cell(STEP_KEYS[i]!);
      const step = toStep(value);
      if (step === undefined) {
        if (typeof value === "number" || typeof value === "string") this.#refused ??= value;
        continue;
      }
      if (i < this.#best && this.#rows > 0) this.#changeTo(i, step, cell);
      this.#best = i;
      this.#rows++;
      return step;
    }
    return undefined;
  }

  /** Whether rows by a lesser name stay is told by the first row that has both names. */
  #changeTo(better: number, step: number, cell: (key: string) => unknown): void {
    const lesser = STEP_KEYS[this.#best]!;
    const beside = toStep(cell(lesser));
    const [were, they] = this.#rows === 1 ? ["was", "it is"] : ["were", "they are"];
    const rows = `${
      counted(this.#rows, "row")
    } ${were} read by ${lesser}, before ${STEP_KEYS[better]!} appeared`;
    if (beside === undefined) {
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
