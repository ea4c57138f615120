import { GoingCounts } from "./going_counts.ts";

/** A log that begins again more often, and has no count that goes on, is not in the order of its steps at all. */
const MOST_STARTS = 100;
/** No run has more epochs. */
const MOST_EPOCHS = 10_000;
/** A run that was given up before so many steps, or this share of the longest, is no run of its own. */
const FEWEST_STEPS = 8;
const SMALLEST_SHARE = 0.1;
/** Keys that are looked at to tell whether the same log stands there twice. */
const COMPARED_KEYS = 20;
/** Of equal logs this share of the values is equal. */
const EQUAL_SHARE = 0.9;

/**
 * Counts how often the steps of a log began again, for all of its keys together. A key that is logged seldom does not
 * tell: an evaluation may come late.
 */
export class Starts {
  /** The start that is read now, from 0. */
  current = 0;
  /** How often a key went back to an earlier step, as those of a resumed run do. */
  returns = 0;
  /** The most values of one key in each start. */
  #longest: number[] = [];
  /** The counts that go on over the whole of a run, such as its epoch. */
  readonly counts = new GoingCounts();

  /** A key has so many values in the start that is read now. */
  grow(length: number): void {
    if (!(length <= this.#longest[this.current]!)) this.#longest[this.current] = length;
  }

  /** The steps of a key that had so many values in a start begin again, with a step. */
  again(start: number, length: number, step: number): void {
    const isLeading = 2 * length >= this.#longest[start]!;
    if (!isLeading || start !== this.current || this.current >= MOST_EPOCHS) return;
    this.current++;
    this.counts.begin(this.current, step);
  }

  /** The count by which the starts are parts of one run that goes on, such as its epochs; undefined if none is. */
  get goingOn(): string | undefined {
    return this.current > 0 && this.current < MOST_EPOCHS
      ? this.counts.growing(this.current)
      : undefined;
  }

  /** Whether steps began again, not so often that they are in no order, and no count went on. */
  get areSeveral(): boolean {
    return this.current > 0 && this.current < MOST_STARTS && !this.counts.wentOn;
  }
}

/** Whether a step after others is the beginning again of steps that began with a first. */
export function isBeginning(step: number, first: number): boolean {
  return step === first || (step <= 1 && first <= 1);
}

/** What a key logged in one start, in the order of the log. */
export interface Segment {
  /** The start, from 0. */
  readonly start: number;
  readonly steps: Float64Array;
  readonly values: Float64Array;
}

/**
 * What is to be added to the steps of each start, so that it follows the one before it at the distance at which the
 * key that is logged most often goes on.
 *
 * @param keys What each key logged.
 */
export function offsetsOf(keys: Iterable<readonly Segment[]>): number[] {
  const all = Array.from(keys).flat();
  const longest = all.reduce((left, right) =>
    right.steps.length > left.steps.length ? right : left
  );
  const distances = longest.steps.slice(1).map((step, i) => step - longest.steps[i]!)
    .filter((distance) => distance > 0).sort();
  const distance = distances[distances.length >> 1] ?? 1;
  const ends: { first: number; last: number }[] = [];
  for (const { start, steps } of all) {
    const end = ends[start] ??= { first: Infinity, last: -Infinity };
    for (const step of steps) {
      end.first = Math.min(end.first, step);
      end.last = Math.max(end.last, step);
    }
  }
  const offsets: number[] = [];
  for (const [start, { first }] of ends.entries()) {
    offsets.push(start === 0 ? 0 : offsets[start - 1]! + ends[start - 1]!.last + distance - first);
  }
  return offsets;
}

/**
 * The starts of a log that are runs of their own: long enough, with most of the keys that are logged most often in the
 * first of them, and with other values at the same steps than the one before. Fewer than two if the log is one run.
 *
 * @param keys What each key logged.
 */
export function runsAmong(keys: Iterable<readonly Segment[]>): number[] {
  const all = Array.from(keys);
  const longest = new Map<number, number>();
  for (const { start, steps } of all.flat()) {
    longest.set(start, Math.max(longest.get(start) ?? 0, steps.length));
  }
  const least = Math.max(FEWEST_STEPS, SMALLEST_SHARE * Math.max(0, ...longest.values()));
  const long = Array.from(longest.keys()).filter((start) => longest.get(start)! >= least)
    .sort((left, right) => left - right);
  const [first] = long;
  if (first === undefined) return [];
  const isLeading = (segments: readonly Segment[], start: number) =>
    2 * (segmentOf(segments, start)?.steps.length ?? 0) >= longest.get(start)!;
  const leaders = all.filter((segments) => isLeading(segments, first));
  const whole = long.filter((start) =>
    2 * leaders.filter((segments) => isLeading(segments, start)).length > leaders.length
  );
  const runs: number[] = [];
  for (const start of whole) {
    const before = runs.at(-1);
    const kind = before === undefined ? "another" : compare(all, before, start);
    if (kind === "apart") return [];
    if (kind === "same") runs.pop();
    runs.push(start);
  }
  return runs;
}

function segmentOf(segments: readonly Segment[], start: number): Segment | undefined {
  return segments.find((segment) => segment.start === start);
}

/**
 * Whether two starts have other values at the same steps, the same values, or hardly a step in common, as parts of one
 * run have that are not in its order. Keys that never change tell nothing.
 */
export function compare(
  keys: readonly (readonly Segment[])[],
  one: number,
  other: number,
): "another" | "same" | "apart" {
  let [equal, common, most, compared] = [0, 0, 0, 0];
  for (const segments of keys) {
    const [left, right] = [segmentOf(segments, one), segmentOf(segments, other)];
    if (left === undefined || right === undefined) continue;
    if ([...left.values, ...right.values].every((value) => value === left.values[0])) continue;
    const values = new Map(Array.from(left.steps, (step, i) => [step, left.values[i]!]));
    const shared = Array.from(right.steps, (step, i) => [values.get(step), right.values[i]])
      .filter(([value]) => value !== undefined);
    common += shared.length;
    equal += shared.filter(([left, right]) => left === right).length;
    most = Math.max(most, shared.length);
    if (++compared === COMPARED_KEYS) break;
  }
  if (most < FEWEST_STEPS) return "apart";
  return equal >= EQUAL_SHARE * common ? "same" : "another";
}
