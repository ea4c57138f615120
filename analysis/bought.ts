import { type RecentGain, shareSince } from "./gain.ts";
import type { ScoreSeries } from "./readers/run.ts";
import type { Series } from "./readers/series.ts";

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
 * @param gain That the score rises of late; of another score than this, it tells nothing here.
 */
export function notBought(
  entropy: Series,
  score: ScoreSeries,
  { kind, since }: RecentGain,
): NotBought | undefined {
  if (kind !== score.kind) return undefined;
  const gained = shareSince(score, since);
  const spent = shareSince(entropy, since);
  const isFree = gained >= GAINED && gained <= 1 && spent <= SPENT * gained;
  return isFree ? { gained, spent } : undefined;
}
