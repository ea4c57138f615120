import { notBought } from "./bought.ts";
import { percent } from "./findings/words.ts";
import type { Pair } from "./pairs.ts";
import { stepText } from "./step_text.ts";
import { lastPart, trendOf } from "./trend.ts";

/** A trend is looked for in at least so many pairs. */
const FEWEST_LATE = 8;

/**
 * That the score rose on over the last half of the pairs while entropy stayed where it was, in a sentence;
 * undefined where the two go together, and for fewer than 16 pairs.
 *
 * @param pairs In order of their steps.
 */
export function roseUnpaid(pairs: readonly Pair[]): string | undefined {
  if (pairs.length < 2 * FEWEST_LATE) return undefined;
  const steps = Float64Array.from(pairs, ({ step }) => step);
  const score = { steps, values: Float64Array.from(pairs, ({ score }) => score) };
  const entropy = { steps, values: Float64Array.from(pairs, ({ entropy }) => entropy) };
  const late = lastPart(score, 0.5, FEWEST_LATE);
  if (trendOf(late).direction !== "up") return undefined;
  const since = late.steps[0]!;
  const found = notBought(entropy, score, since);
  return found &&
    `${percent(found.gained)} of the score's gain came since step ${stepText(since)}, but ${
      found.spent <= 0 ? "none" : percent(found.spent)
    } of the entropy's fall, which is not what the law describes.`;
}
