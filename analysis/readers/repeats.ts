import { counted } from "../../formats/counted.ts";
import { stepText } from "../step_text.ts";

/** Steps of a key that were logged once more, so that the later value holds. */
export class Repeats {
  /** How often a value took the place of another. */
  count = 0;
  /** How often it was another number. */
  changed = 0;
  #first = Infinity;
  #last = -Infinity;

  /** A value took the place of the one before at a step. */
  add(step: number, before: number, value: number): void {
    this.count++;
    if (value !== before) this.changed++;
    this.#first = Math.min(this.#first, step);
    this.#last = Math.max(this.#last, step);
  }

  /** Those of several keys that were logged at the same steps, as those of the key that has the most. */
  static most(all: readonly Repeats[]): Repeats {
    const most = new Repeats();
    for (const one of all) {
      most.count = Math.max(most.count, one.count);
      most.changed = Math.max(most.changed, one.changed);
      most.#first = Math.min(most.#first, one.#first);
      most.#last = Math.max(most.#last, one.#last);
    }
    return most;
  }

  /** What is to be noted of them, in a sentence. */
  get note(): string {
    const { count, changed } = this;
    const steps = count === 1 || this.#first === this.#last
      ? stepText(this.#first)
      : `${stepText(this.#first)} to ${stepText(this.#last)}`;
    const were = `${counted(count, "step")} ${
      count === 1 ? "was" : "were"
    } logged again (${steps})`;
    if (changed === 0) return `${were}, with the same ${count === 1 ? "value" : "values"}.`;
    if (count === 1) return `${were}, with another value: the later one holds.`;
    if (changed === count) return `${were}, with other values: the later ones hold.`;
    return `${were}, ${changed} of them with ${
      changed === 1 ? "another value" : "other values"
    }: what is later holds.`;
  }
}
