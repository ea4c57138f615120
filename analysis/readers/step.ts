import { counted } from "../../formats/counted.ts";
import { isObject } from "../../formats/json_object.ts";
import { isEvaluationStep, type Move, OwnSteps, PARTS } from "./own_steps.ts";
import { plannedInRow } from "./planned_in_row.ts";
import { complaintOf, EXPECTED, isThere, type Refused, shown, toStep } from "./step_value.ts";

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
const RANKS: ReadonlyMap<string, number> = new Map(
  STEP_KEYS.flatMap((names, rank) => names.map((name) => [name, rank] as const)),
);
/** It counts calls of `log`, so that alone it says nothing beside a trainer's own name. */
const LOGGER_STEP = STEP_KEYS.findIndex(([name]) => name === "_step");

/** A name of the step with its value in a row. */
interface Named {
  /** Its place in the list of names. */
  readonly rank: number;
  readonly name: string;
  readonly step: number;
}

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
  /** Steps of the last row's parts that differ from its own, such as `eval`; undefined if none does. */
  own: ReadonlyMap<string, number> | undefined;
  #best = STEP_KEYS.length;
  #name = "";
  /** Rows that were read by the best name so far or lesser ones. */
  #rows = 0;
  /** Rows of the list of names that differ from a better one. */
  #differing = new Set<number>([LOGGER_STEP]);
  /** Lesser names of which a note tells. */
  #told = new Set<string>();
  #drop: () => void;
  #ownSteps: OwnSteps;
  #stepless: Stepless | undefined;
  /** What the last row has under a name of the step that is none. */
  #refused: Refused | undefined;
  /** The first such of the rows that are counted. */
  #unread: Refused | undefined;
  /** What is said of rows that are counted. */
  #countedNote: string | undefined;
  #planned: number | undefined;

  /**
   * Steps of the rows that `read` takes; `clear` forgets all so far, which turned out to be of another scale. Where
   * rows name no step, `stepless` says what counts in its place; without it they have none.
   */
  constructor(read: { clear(): void; move: Move }, stepless?: Stepless) {
    this.#drop = () => read.clear();
    this.#ownSteps = new OwnSteps(
      this.notes,
      (part, from, to) => read.move(part, from, to),
    );
    this.#stepless = stepless;
  }

  /** Whether a column of this name can give the step. */
  static knows(name: string): boolean {
    return RANKS.has(name);
  }

  /** The step of the row whose cells `cell` gives, or undefined if the row names none. */
  find(cell: (key: string) => unknown): number | undefined {
    this.#refused = undefined;
    this.own = undefined;
    const found = this.#named(cell);
    if (found === undefined) {
      return this.#best === STEP_KEYS.length ? this.#unnamed(cell) : undefined;
    }
    const { rank, name, step } = found;
    this.#planned = plannedInRow(name, cell) ?? this.#planned;
    if (rank <= this.#best) {
      if (rank < this.#best) {
        if (this.#rows > 0) this.#changeTo(name, step, cell);
        this.#name = name;
      }
      this.#best = rank;
      this.#rows++;
      this.#compare(name, step, cell);
    } else this.#tell(name);
    this.own = this.#ownSteps.of(
      found,
      (other) => this.#differing.has(RANKS.get(other)!) ? undefined : toStep(cell(other)),
    );
    return step;
  }

  /**
   * The best name of a row, but none that differed from a better one. An evaluation may be of an older policy, so its step is that of the whole row only where
   * nothing but the logger's counter stands beside it.
   */
  #named(cell: (key: string) => unknown): Named | undefined {
    let evaluation: Named | undefined;
    for (const [rank, names] of STEP_KEYS.entries()) {
      if (rank === LOGGER_STEP && evaluation !== undefined) continue;
      if (rank > this.#best && this.#differing.has(rank)) continue;
      for (const name of names) {
        const value = cell(name);
        const step = toStep(value);
        if (step === undefined) {
          if (isThere(value)) this.#refused ??= { name, value };
          continue;
        }
        if (!isEvaluationStep(name)) return { rank, name, step };
        evaluation ??= { rank, name, step };
      }
    }
    return evaluation;
  }

  /** Finds out which lesser names are no step of this scale. */
  #compare(name: string, step: number, cell: (key: string) => unknown): void {
    for (let i = this.#best + 1; i < STEP_KEYS.length; i++) {
      if (this.#differing.has(i)) continue;
      for (const lesser of STEP_KEYS[i]!) {
        const other = isEvaluationStep(lesser) ? undefined : toStep(cell(lesser));
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

  /** Says once that rows were read by a name that is less than the best. */
  #tell(name: string): void {
    if (this.#told.has(name)) return;
    this.#told.add(name);
    this.notes.push(
      `rows without ${this.#name} are read by ${name}: the two are taken to count alike.`,
    );
  }

  /** The step of a row that names none, where no row has named one. */
  #unnamed(cell: (key: string) => unknown): number | undefined {
    if (this.#stepless === undefined) return undefined;
    const byEpoch = this.#stepless === "epoch";
    const step = byEpoch ? toStep(cell("epoch")) : this.#rows;
    if (step === undefined) return undefined;
    if (this.#rows === 0 || (this.#unread === undefined && this.#refused !== undefined)) {
      this.#unread = this.#refused;
      this.#forget(this.#countedNote);
      const [why, whose] = this.#unread === undefined
        ? ["the log names no step", "its"]
        : [complaintOf(this.#unread), "the"];
      this.#countedNote = `${why}: ${whose} ${
        byEpoch ? "epochs are taken for steps" : "rows were counted, from 0"
      }.`;
      this.notes.push(this.#countedNote);
    }
    this.#name = byEpoch ? "epoch" : "their order";
    this.#rows++;
    return step;
  }

  #forget(note: string | undefined): void {
    const at = this.notes.indexOf(note ?? "");
    if (at >= 0) this.notes.splice(at, 1);
  }

  /** Whether rows by a lesser name stay is told by the first row that has both names. */
  #changeTo(better: string, step: number, cell: (key: string) => unknown): void {
    const lesser = this.#name;
    const beside = toStep(cell(lesser));
    const many = counted(this.#rows, "row");
    const [were, they] = this.#rows === 1 ? ["was", "it is"] : ["were", "they are"];
    const rows = `${many} ${were} read by ${lesser}, before ${better} appeared`;
    if (this.#best === STEP_KEYS.length) {
      this.#forget(this.#countedNote);
      this.notes.push(
        this.#unread === undefined
          ? `${rows}; ${they} left out.`
          : `${complaintOf(this.#unread)}: ${many} before the first with a step ${
            this.#rows === 1 ? "is" : "are"
          } left out.`,
      );
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

  /** What is told of a run beside its values: the notes, and how many steps it is to have where its rows say it. */
  get facts(): { readonly notes: readonly string[]; readonly plannedSteps?: number } {
    const planned = this.#planned;
    return { notes: this.notes, ...(planned === undefined ? {} : { plannedSteps: planned }) };
  }

  /** Why the last row has no step, to be put after its place. */
  get complaint(): string {
    if (this.#refused === undefined) return "names no step";
    return `has the step ${shown(this.#refused)}, expected ${EXPECTED}`;
  }
}

/** What is to step rows of which the first say so little; undefined if one of them names a step. */
export function steplessBy(rows: readonly Record<string, unknown>[]): Stepless | undefined {
  if (rows.length === 0) return undefined;
  if (rows.some(namesStep)) return undefined;
  const epochs = rows.map((row) => toStep(row["epoch"])).filter((epoch) => epoch !== undefined);
  // A training row and a validation row may share one; many rows in one say nothing.
  const areSteps = epochs.length === rows.length && 2 * new Set(epochs).size >= rows.length &&
    rows.length > 1;
  return areSteps ? "epoch" : "rows";
}

/** Whether a row, or an object in it, has a member that is a step. */
export function namesStep(row: Record<string, unknown>): boolean {
  return Object.keys(row).some((name) => {
    const value = row[name];
    return RANKS.has(name) ||
      (isObject(value) && Object.keys(value).some((inner) => RANKS.has(`${name}/${inner}`)));
  });
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
