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
  #best: number = STEP_KEYS.length - 1;

  /** Whether a column of this name can give the step. */
  static knows(name: string): boolean {
    return (STEP_KEYS as readonly string[]).includes(name);
  }

  /** The step of the row whose cells `cell` gives, or undefined if the row names none. */
  find(cell: (key: string) => unknown): number | undefined {
    for (let i = 0; i <= this.#best; i++) {
      const step = toStep(cell(STEP_KEYS[i]!));
      if (step === undefined) continue;
      this.#best = i;
      return step;
    }
    return undefined;
  }
}

/** A step as a number, as a table writes it, or as ms-swift does (`5/100`). */
function toStep(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "string") return undefined;
  const match = /^\s*(\d+(?:\.\d+)?(?:[eE]\+?\d+)?)(?:\/\d+)?\s*$/.exec(value);
  return match === null ? undefined : Number(match[1]);
}
