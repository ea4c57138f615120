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

/** A part's step and the row's, where a row has both. */
interface Pair {
  readonly own: number;
  readonly row: number;
}

/** What the rows so far say of a part's own step. */
interface Seen {
  last: Pair;
  /** Those so far, until it is known whether the part's count is a step. */
  early: Pair[] | undefined;
  /** Whether the part's count is no step: it counts evaluations, or responses. */
  isOther: boolean;
  /** What was said of it. */
  note?: string;
}

/** After so many different steps of a part they are steps. */
const MOST_EARLY = 64;
/** So many evaluations whose numbers are one share of the steps are counted. */
const FEWEST_COUNTED = 3;
/** No evaluation leads by so many times, not even where columns stand side by side that are none of a row. */
const FAR = 100;

/** Gives what was logged of a part at a step another step. */
export type Move = (part: string, from: number, to: number) => void;

/**
 * Steps of the parts of a row that state another than the row itself: `eval/step` 95 beside `train/step` 19. A
 * part that counts by ones while the row's step goes on by more, or at one share of it, counts its evaluations; one
 * far ahead counts something else. Both are read by the row's step.
 */
export class OwnSteps {
  /** What was decided, one sentence each. */
  #notes: string[];
  #move: Move;
  #seen = new Map<string, Seen>();

  /** Steps of parts; what is decided of them is added to `notes`, and what was read by a count is moved. */
  constructor(notes: string[], move: Move) {
    this.#notes = notes;
    this.#move = move;
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
      if (this.#isOther(name, step, row) || step === row.step) continue;
      own ??= new Map();
      own.set(part, step);
    }
    return own;
  }

  /** Whether the count under a name is no step. */
  #isOther(name: string, own: number, row: { name: string; step: number }): boolean {
    const pair = { own, row: row.step };
    const seen = this.#seen.get(name);
    if (seen === undefined) {
      const isOther = pair.row >= 1 && own > FAR * pair.row;
      const first: Seen = { last: pair, early: isOther ? undefined : [pair], isOther };
      this.#seen.set(name, first);
      if (isOther) {
        this.#notes.push(
          `${name} is ${own} where ${row.name} is ${pair.row}: it counts something else, so what stands beside it is read by ${row.name}.`,
        );
      } else if (own !== pair.row) this.#note(first, name, row.name);
      return isOther;
    }
    if (seen.isOther || seen.last.own === own) return seen.isOther;
    const { last, early } = seen;
    seen.last = pair;
    if (own !== pair.row && last.own === last.row && seen.note === undefined) {
      this.#note(seen, name, row.name);
    }
    early?.push(pair);
    if (early !== undefined && counts(early)) {
      seen.isOther = true;
      const at = this.#notes.indexOf(seen.note ?? "");
      if (at >= 0) this.#notes.splice(at, 1);
      this.#notes.push(
        `${name} goes on by ${own - last.own} where ${row.name} goes on by ${
          pair.row - last.row
        }: it counts evaluations, so what stands beside it is read by ${row.name}.`,
      );
      // The last first, as an earlier one may move to where it was.
      for (const { own, row } of early.toReversed()) {
        if (own !== row) this.#move(partOf(name)!, own, row);
      }
    }
    if (seen.isOther || early?.length === MOST_EARLY) seen.early = undefined;
    return seen.isOther;
  }

  #note(seen: Seen, name: string, rowName: string): void {
    const { own, row } = seen.last;
    seen.note = `${partOf(
      name,
    )!}/ keys are read by ${name}, which is ${own} where ${rowName} is ${row}.`;
    this.#notes.push(seen.note);
  }
}

/** Whether a part's steps count evaluations, by the last two of them or by all. */
function counts(pairs: readonly Pair[]): boolean {
  const [before, last] = [pairs.at(-2)!, pairs.at(-1)!];
  if (last.own - before.own === 1 && last.row - before.row > 1 && last.own <= last.row) return true;
  const later = pairs.filter(({ row }) => row > 0);
  return later.length >= FEWEST_COUNTED &&
    later.every(({ own, row }) => own > 0 && own < row && own * last.row === last.own * row);
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
