import { type Point, smoothed } from "./course.ts";
import { isAboveChance } from "./fall.ts";
import type { ScoreSeries } from "./readers/run.ts";
import type { ScoreCourse } from "./score_course.ts";

/** A fall of a score from which it came back. */
export interface Dip {
  /** Its lowest point. */
  readonly lowest: Point;
  /** The first and the last step at which the score was down by half of the dip and more. */
  readonly steps: readonly [number, number];
}

/** The deepest dip of a score, above its noise and a fifth of its gain; undefined if it has none. */
export function dipOf(score: ScoreSeries, course: ScoreCourse): Dip | undefined {
  if (!course.changed) return undefined;
  const { steps, values } = smoothed(score, course.width);
  const highestAfter = new Float64Array(values.length);
  for (let i = values.length - 1, highest = -Infinity; i >= 0; i--) {
    highestAfter[i] = highest;
    highest = Math.max(highest, values[i]!);
  }
  let [place, depth, before] = [-1, 0, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const here = Math.min(before, highestAfter[i]!) - values[i]!;
    if (here > depth) [place, depth] = [i, here];
    before = Math.max(before, values[i]!);
  }
  const gain = course.peak.value - course.start.value;
  if (place < 0 || !isAboveChance(depth, gain, { score, course, sides: 2 })) return undefined;
  const limit = values[place]! + depth / 2;
  const isDown = (i: number) => values[i]! <= limit;
  let [first, last] = [place, place];
  while (first > 0 && isDown(first - 1)) first--;
  while (last < values.length - 1 && isDown(last + 1)) last++;
  return {
    lowest: { step: steps[place]!, value: values[place]! },
    steps: [steps[first]!, steps[last]!],
  };
}
