/** A log that begins again more often is not in the order of its steps at all. */
const MOST_STARTS = 100;
/** A run that was given up before so many steps, or this share of the longest, is no run of its own. */
const FEWEST_STEPS = 8;
const SMALLEST_SHARE = 0.1;
/** Keys that are looked at to tell whether the same log stands there twice. */
const COMPARED_KEYS = 20;
/** Of equal logs this share of the values is equal. */
const EQUAL_SHARE = 0.9;

/** Counts how often the steps of a log began again, for all of its keys together. */
export class Starts {
  /** The start that is read now, from 0. */
  current = 0;

  /** A key's steps began again in this start. */
  again(start: number): void {
    if (start === this.current && this.current < MOST_STARTS) this.current++;
  }

  /** Whether steps began again, and not so often that they are in no order. */
  get areSeveral(): boolean {
    return this.current > 0 && this.current < MOST_STARTS;
  }
}

/** What a key logged in one start, in the order of the log. */
export interface Segment {
  /** The start, from 0. */
  readonly start: number;
  readonly steps: Float64Array;
  readonly values: Float64Array;
}

/**
 * The starts of a log that are runs of their own: long enough, and none of them the same as the one before.
 * Fewer than two if the log is one run.
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
  const long = Array.from(longest.keys()).filter((start) => longest.get(start)! >= least).sort((
    left,
    right,
  ) => left - right);
  return long.some((start, i) => i > 0 && isSame(all, long[i - 1]!, start)) ? [] : long;
}

/** Whether two starts have the same values, as far as both go. */
function isSame(keys: readonly (readonly Segment[])[], one: number, other: number): boolean {
  let [equal, common, compared] = [0, 0, 0];
  for (const segments of keys) {
    const [left, right] = [one, other].map((start) =>
      segments.find((segment) => segment.start === start)
    );
    if (left === undefined || right === undefined) continue;
    const values = new Map(Array.from(left.steps, (step, i) => [step, left.values[i]!]));
    for (const [i, step] of right.steps.entries()) {
      const value = values.get(step);
      if (value === undefined) continue;
      common++;
      if (value === right.values[i]) equal++;
    }
    if (++compared === COMPARED_KEYS) break;
  }
  return common > 0 && equal >= EQUAL_SHARE * common;
}
