/** Parts of a run that state their own step: those of the training, then those that look at it from outside. */
export const TRAINING_PARTS = ["train", "trainer", "rollout"] as const;
/** Parts that evaluate a policy, which may be an older one. */
export const EVALUATING_PARTS = ["eval", "val", "validation", "test"] as const;
/** All of them. */
export const PARTS: readonly string[] = [...TRAINING_PARTS, ...EVALUATING_PARTS];
/** How a part names its step, the better name first. */
const NAMES = ["global_step", "step"] as const;

const EVALUATION_STEPS: ReadonlySet<string> = new Set(
  EVALUATING_PARTS.flatMap((part) => NAMES.map((name) => `${part}/${name}`)),
);

/** Whether a name is of the step of an evaluation, `eval/step`. */
export function isEvaluationStep(name: string): boolean {
  return EVALUATION_STEPS.has(name);
}

/** What the rows so far say of a part's own step. */
interface Seen {
  /** The part's step and the row's where both were last there. */
  own: number;
  row: number;
  /** Whether the part's count is one of evaluations, and no step. */
  isCounter: boolean;
}

/**
 * Steps of the parts of a row that state another than the row itself: `eval/step` 95 beside `train/step` 19. A
 * part that counts by ones while the row's step goes on by more counts its evaluations, and is read by the
 * row's step.
 */
export class OwnSteps {
  /** What was decided, one sentence each. */
  #notes: string[];
  #seen = new Map<string, Seen>();

  /** Steps of parts; what is decided of them is added to `notes`. */
  constructor(notes: string[]) {
    this.#notes = notes;
  }

  /**
   * The steps of the parts of a row that differ from its own; undefined if none does.
   *
   * @param row The name and the step that the row is read by.
   * @param stepOf The step under a name, where the row has one.
   */
  of(
    row: { readonly name: string; readonly step: number },
    stepOf: (name: string) => number | undefined,
  ): ReadonlyMap<string, number> | undefined {
    let own: Map<string, number> | undefined;
    const rowPart = partOf(row.name);
    // A trainer's own name for the step of all, such as global_step, goes before those of its parts.
    const parts = rowPart === undefined ? EVALUATING_PARTS : PARTS;
    for (const part of parts) {
      if (part === rowPart) continue;
      const name = NAMES.map((inner) => `${part}/${inner}`).find((one) =>
        stepOf(one) !== undefined
      );
      if (name === undefined) continue;
      const step = stepOf(name)!;
      if (this.#isCounter(name, step, row) || step === row.step) continue;
      own ??= new Map();
      own.set(part, step);
    }
    return own;
  }

  #isCounter(name: string, own: number, row: { name: string; step: number }): boolean {
    const seen = this.#seen.get(name);
    if (seen === undefined) {
      this.#seen.set(name, { own, row: row.step, isCounter: false });
      if (own !== row.step) this.#note(name, own, row);
      return false;
    }
    if (seen.own !== own && !seen.isCounter) {
      if (own !== row.step && seen.own === seen.row) this.#note(name, own, row);
      if (own - seen.own === 1 && row.step - seen.row > 1 && own <= row.step) {
        seen.isCounter = true;
        this.#notes.push(
          `${name} goes on by 1 where ${row.name} goes on by ${
            row.step - seen.row
          }: it counts evaluations, so what stands beside it is read by ${row.name}.`,
        );
      }
      [seen.own, seen.row] = [own, row.step];
    }
    return seen.isCounter;
  }

  #note(name: string, own: number, row: { name: string; step: number }): void {
    const part = partOf(name)!;
    const note =
      `${part}/ keys are read by ${name}, which is ${own} where ${row.name} is ${row.step}.`;
    if (!this.#notes.includes(note)) this.#notes.push(note);
  }
}

/** The part of a run that a name belongs to: `eval` of `eval/accuracy`. */
function partOf(name: string): string | undefined {
  return PARTS.find((part) => name.startsWith(`${part}/`));
}

/** The step of a key: that of its part, where `own` has one, else the row's. */
export function stepOfKey(
  key: string,
  step: number,
  own: ReadonlyMap<string, number> | undefined,
): number {
  return own?.get(key.slice(0, Math.max(0, key.indexOf("/")))) ?? step;
}
