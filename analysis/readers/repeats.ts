import { counted } from "../../formats/counted.ts";
import { listed } from "../../formats/listed.ts";
import { stepText } from "../step_text.ts";
import { distinct, placeOf } from "./series.ts";

/** Steps of a key that were logged once more, so that the later value holds. */
export class Repeats {
  /** How often a value took the place of another. */
  count = 0;
  /** The steps at which one did, in the order of the log. */
  readonly steps: number[] = [];
  /** Those at which it was another number. */
  readonly changed: number[] = [];

  /** A value took the place of the one before at a step. */
  add(step: number, before: number, value: number): void {
    this.count++;
    if (this.steps.at(-1) !== step) this.steps.push(step);
    if (value !== before && this.changed.at(-1) !== step) this.changed.push(step);
  }
}

/** More stretches are not named one by one. */
const MOST_STRETCHES = 3;

/**
 * What is to be noted of steps that at least one of several keys logged again, in a sentence.
 *
 * @param all Those of each key; at least one.
 * @param logged All steps of the keys, ascending, each once.
 */
export function describeRepeats(all: readonly Repeats[], logged: Float64Array): string {
  const steps = distinct(Float64Array.from(all.flatMap(({ steps }) => steps)));
  const changed = distinct(Float64Array.from(all.flatMap(({ changed }) => changed))).length;
  const count = steps.length;
  const times = all.reduce((most, one) => Math.max(most, one.count), 0);
  const were = `${counted(count, "step")} ${count === 1 ? "was" : "were"} logged again (${
    stretchesText(steps, logged)
  })${times > count ? `, ${times} times in all` : ""}`;
  const isOne = Math.max(count, times) === 1;
  if (changed === 0) return `${were}, with the same ${isOne ? "value" : "values"}.`;
  if (isOne) return `${were}, with another value: the later one holds.`;
  if (changed === count) {
    return `${were}, with other values: the ${count === 1 ? "last one holds" : "later ones hold"}.`;
  }
  return `${were}, ${changed} of them with ${
    changed === 1 ? "another value" : "other values"
  }: what is later holds.`;
}

/** Steps as stretches in which the log has no other step. */
function stretchesText(steps: Float64Array, logged: Float64Array): string {
  const stretches: [first: number, last: number][] = [];
  let before = NaN;
  for (const step of steps) {
    const place = placeOf(logged, step);
    if (place === before + 1) stretches.at(-1)![1] = step;
    else stretches.push([step, step]);
    before = place;
  }
  if (stretches.length > MOST_STRETCHES) {
    return `in ${stretches.length} stretches from ${stepText(steps[0]!)} to ${
      stepText(steps.at(-1)!)
    }`;
  }
  const texts = stretches.map(([first, last]) =>
    first === last ? stepText(first) : `${stepText(first)} to ${stepText(last)}`
  );
  return listed(texts);
}
