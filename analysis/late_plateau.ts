import { type Score } from "./fall.ts";
import { findPlateau, isSolved, type Plateau } from "./plateau.ts";
import type { Series } from "./readers/series.ts";
import { recentRise } from "./recent_rise.ts";
import { studentQuantile } from "./student.ts";
import { undisturbed } from "./undisturbed.ts";

/** A plateau that begins within the last half or third of the scores is held to the whole of that part. */
const PARTS = [1 / 2, 2 / 3];
/** The 99.5th percentile of the standard normal distribution. */
const SURE = 2.576;
/** A score that can have risen by less than this share of the pace before has stopped: most rises slow down. */
const STOPPED = 0.5;
/** A line through fewer scores tells nothing. */
const FEWEST = 5;

/** The plateau of a score, but for one that may be the scattered end of a rise; near 1 little is left to rise. */
export function surePlateau(score: Score): Plateau | undefined {
  const found = findPlateau(score);
  return found === undefined || isSolved(found) || !mayStillRise(score, found) ? found : undefined;
}

/**
 * Whether a plateau may be the scattered end of a rise: a line through the last half or third of the scores, in
 * which it begins, rises (one-sided test at 0.5 %), and the scores since may rise at half its pace. Never of a score that fell.
 */
function mayStillRise(whole: Series, { since, fall }: Plateau): boolean {
  if (fall !== undefined) return false;
  const score = undisturbed(whole);
  const { steps, values } = score;
  const start = steps.findIndex((step) => step >= since.step);
  if (start < 0 || values.length - start < FEWEST) return false;
  const last = steps.at(-1)!;
  const [, most] = recentRise(score, start, undefined).interval;
  return PARTS.some((part) => {
    const from = Math.floor(part * values.length);
    if (from >= start || values.length - from < FEWEST) return false;
    const [low, high] = recentRise(score, from, undefined).interval;
    const rise = (low + high) / 2;
    const degrees = values.length - from - 2;
    const half = (high - rise) * studentQuantile(degrees, SURE) / studentQuantile(degrees);
    const pace = rise / (last - steps[from]!);
    return rise > half && most >= STOPPED * pace * (last - since.step);
  });
}
