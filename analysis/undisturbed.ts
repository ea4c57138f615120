import { FEWEST_SMOOTHED, type Point, runningMedian } from "./course.ts";
import { isAboveChance, roughScatterOf } from "./fall.ts";
import type { Series } from "./readers/series.ts";

/** So many scores before the last one are those beside it. */
const BESIDE = 5;
/** Width of the running median that heights are told by, so that one or two wild scores are none. */
const WIDTH = 5;
/** A dip of more than this share of the scores is part of the course. */
const MOST_LEFT_OUT = 0.25;

/**
 * The last score where it is far from those beside it: below all of them, or above all before it, by more than
 * the noise and a fifth of what they moved by; what comes after it is not known. Undefined for fewer than 12.
 */
export function strayEnd(score: Series): Point | undefined {
  const { steps, values } = score;
  if (values.length < FEWEST_SMOOTHED) return undefined;
  const value = values.at(-1)!;
  const before = values.subarray(0, -1);
  const away = Math.max(value - highest(before), lowest(before.subarray(-BESIDE)) - value);
  const moved = highest(before) - lowest(before);
  const course = { noise: roughScatterOf(score).deviation, width: 1 };
  return isAboveChance(away, moved, { score, course }) ? { step: steps.at(-1)!, value } : undefined;
}

/** A score without its last value where that is a {@linkcode strayEnd}. */
export function withoutStrayEnd<S extends Series>(score: S): S {
  const { steps, values } = score;
  return strayEnd(score) === undefined
    ? score
    : { ...score, steps: steps.subarray(0, -1), values: values.subarray(0, -1) };
}

/**
 * A score without its stray end and without the short dips from which it came back: what is said of its whole course
 * must hold of the rest, too, since a line through all scores goes where a few failed validations draw it.
 *
 * @param score One that did not fall.
 */
export function undisturbed<S extends Series>(score: S): S {
  const whole = withoutStrayEnd(score);
  const { steps, values } = whole;
  if (values.length < FEWEST_SMOOTHED) return whole;
  const heights = runningMedian(values, WIDTH);
  const before = highestUpTo(heights);
  const after = highestUpTo(heights.toReversed()).reverse();
  const gain = highest(heights) - values[0]!;
  const course = { noise: roughScatterOf(whole).deviation, width: 1 };
  const stays = (_: number, i: number) => {
    const depth = Math.min(before[i]!, after[i]!) - values[i]!;
    return !isAboveChance(depth, gain, { score: whole, course, sides: 2 });
  };
  const rest = { ...whole, steps: steps.filter(stays), values: values.filter(stays) };
  return rest.values.length < (1 - MOST_LEFT_OUT) * values.length ? whole : rest;
}

/** The highest of each value and all before it. */
function highestUpTo(values: Float64Array): Float64Array {
  let most = -Infinity;
  return values.map((value) => most = Math.max(most, value));
}

function highest(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, value));
}

function lowest(values: Float64Array): number {
  return values.reduce((least, value) => Math.min(least, value));
}
