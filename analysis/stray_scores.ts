import { counted } from "../formats/counted.ts";
import { listed } from "../formats/listed.ts";
import { number } from "../formats/number.ts";
import { FEWEST_SMOOTHED, type Point } from "./course.ts";
import { isAboveChance, roughScatterOf } from "./fall.ts";
import type { Series } from "./readers/series.ts";
import { stepText } from "./step_text.ts";

/** More than this share of the scores are no strays but their scatter. */
const MOST = 1 / 8;

/**
 * Single scores within a course that are far below or far above both of their neighbours, by more than the noise and a
 * fifth of what the others moved by, as a validation that failed is. None of fewer than 12.
 */
export function strayScores(score: Series): Point[] {
  const { steps, values } = score;
  if (values.length < FEWEST_SMOOTHED) return [];
  const course = { noise: roughScatterOf(score).deviation, width: 1 };
  // Scores that hardly change tell no noise.
  if (course.noise === 0) return [];
  const away = values.map((value, i) => {
    const [before, after] = [values[i - 1]! - value, values[i + 1]! - value];
    return before * after > 0 ? Math.min(Math.abs(before), Math.abs(after)) : 0;
  });
  const far = Array.from(values.keys()).filter((i) =>
    isAboveChance(away[i]!, 0, { score, course, sides: 2 })
  );
  if (far.length > MOST * values.length) return [];
  const isFar = new Set(far);
  let [lowest, highest] = [Infinity, -Infinity];
  for (const [i, value] of values.entries()) {
    if (isFar.has(i)) continue;
    lowest = Math.min(lowest, value);
    highest = Math.max(highest, value);
  }
  return far.filter((i) => isAboveChance(away[i]!, highest - lowest, { score, course, sides: 2 }))
    .map((i) => ({ step: steps[i]!, value: values[i]! }));
}

/** At most so many are named. */
const NAMED = 3;

/** Which scores are strays, in words that begin a sentence or end one. */
export function strayText(strays: readonly Point[]): string {
  const named = strays.slice(0, NAMED).map(({ step, value }) =>
    `${number(value, 3)} at step ${stepText(step)}`
  );
  const others = strays.length - named.length;
  return strays.length === 1
    ? `one score, ${named[0]}, is far from those before and after it`
    : `${strays.length} single scores, ${
      listed(others > 0 ? [...named, counted(others, "other")] : named)
    }, are far from those before and after them`;
}
