import { END_VALUES, shareSince } from "./gain.ts";
import type { Series } from "./readers/series.ts";
import { medianOf, trendOf } from "./trend.ts";

/** A gain of the score for which hardly any entropy was spent, as shares of all that a run did. */
export interface NotBought {
  /** What the score gained since a step, of its whole gain. */
  readonly gained: number;
  /** What of the entropy was spent since, of all that was spent; negative where it rose. */
  readonly spent: number;
}

/** A gain of so much of the whole is looked at … */
const GAINED = 0.2;
/** … and is not bought by less than this share of it. */
const SPENT = 0.1;

/**
 * Where the score made a good part of its gain of late while the entropy stayed where it was: by the law
 * that gain would have cost a like part of the entropy. Undefined where the two go together.
 *
 * @param since The step since which the score rises.
 */
export function notBought(entropy: Series, score: Series, since: number): NotBought | undefined {
  const gained = shareSince(score, since);
  // By its pace as well as by its ends, which scatter.
  const spent = Math.max(shareSince(entropy, since), shareByTrend(entropy, since));
  const isFree = gained >= GAINED && gained <= 1 && spent <= SPENT * gained;
  return isFree ? { gained, spent } : undefined;
}

/** What of the whole change of a series its trend since a step made. */
function shareByTrend({ steps, values }: Series, since: number): number {
  const at = Math.max(0, steps.findIndex((step) => step >= since));
  const part = { steps: steps.subarray(at), values: values.subarray(at) };
  const { slope, direction } = trendOf(part);
  if (direction === "flat") return 0;
  const whole = medianOf(values.subarray(-END_VALUES)) - medianOf(values.subarray(0, END_VALUES));
  return slope * (part.steps.at(-1)! - part.steps[0]!) / whole;
}
