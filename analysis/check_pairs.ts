import { counted } from "../formats/counted.ts";
import { LawError } from "./law_error.ts";
import type { Pair } from "./pairs.ts";

/** The least number of pairs that a law is fitted to. */
export const FEWEST_PAIRS = 4;

/** exp(H), its inverse and the ratio of any two are normal floats for entropies within this, in nats. */
const LARGEST_ENTROPY = 700;
/** Above this the sums and percentages of scores may leave the range of floats. */
export const LARGEST_NUMBER = 1e300;
/**
 * exp(H) must move by more than this part of itself: frameworks compute entropies in 32 bits, and at
 * less the standard errors drown in the rounding of 64.
 */
const SMALLEST_MOVE = 1e-7;
/** R must move by more than this part of itself, so that rounding stays far below the residuals. */
const SMALLEST_GAIN = 1e-10;

/**
 * Checks that every pair is finite and of a size that can be computed with.
 *
 * @throws {LawError} `not-finite` or `out-of-range`.
 */
export function checkValues(pairs: readonly Pair[]): void {
  let [lowest, highest] = [Infinity, -Infinity];
  for (const [i, { step, entropy, score }] of pairs.entries()) {
    if (!(Number.isFinite(entropy) && Number.isFinite(score))) {
      throw new LawError(
        "not-finite",
        `pair ${i} (step ${step}) has entropy ${entropy} and score ${score}, expected finite numbers.`,
      );
    }
    if (Math.abs(entropy) > LARGEST_ENTROPY) {
      throw new LawError(
        "out-of-range",
        `pair ${i} (step ${step}) has entropy ${entropy}, expected nats per token: from -${LARGEST_ENTROPY} to ${LARGEST_ENTROPY}, where exp(H) is a number that can be computed with.`,
      );
    }
    if (Math.abs(score) > LARGEST_NUMBER) {
      throw new LawError(
        "out-of-range",
        `pair ${i} (step ${step}) has score ${score}, expected a number from -${LARGEST_NUMBER} to ${LARGEST_NUMBER}.`,
      );
    }
    lowest = Math.min(lowest, entropy);
    highest = Math.max(highest, entropy);
  }
  if (highest - lowest > LARGEST_ENTROPY) {
    throw new LawError(
      "out-of-range",
      `the entropy moves from ${lowest} to ${highest}, expected nats per token: no more than ${LARGEST_ENTROPY} apart.`,
    );
  }
}

/**
 * Checks that a law can be fitted to pairs.
 *
 * @throws {LawError} as {@linkcode checkValues} does, `too-few-pairs`, `constant-entropy` or
 * `constant-score`.
 */
export function checkPairs(pairs: readonly Pair[]): void {
  checkValues(pairs);
  const fault = whyUnfit(pairs);
  if (fault !== undefined) throw fault;
}

/** Why no law can be fitted to pairs that {@linkcode checkValues} passed; undefined if one can. */
export function whyUnfit(pairs: readonly Pair[]): LawError | undefined {
  if (pairs.length < FEWEST_PAIRS) {
    return new LawError(
      "too-few-pairs",
      `there ${pairs.length === 1 ? "is" : "are"} ${
        counted(pairs.length, "pair")
      } of entropy and score, the law needs at least ${FEWEST_PAIRS}.`,
    );
  }
  return nearlyConstant("entropy", pairs, (x) => x > SMALLEST_MOVE) ??
    nearlyConstant("score", pairs, (y) => y > SMALLEST_GAIN);
}

function nearlyConstant(
  name: "entropy" | "score",
  pairs: readonly Pair[],
  moves: (share: number) => boolean,
): LawError | undefined {
  let [lowest, highest] = [Infinity, -Infinity];
  for (const pair of pairs) {
    lowest = Math.min(lowest, pair[name]);
    highest = Math.max(highest, pair[name]);
  }
  const share = name === "entropy"
    ? -Math.expm1(lowest - highest)
    : (highest - lowest) / Math.max(Math.abs(lowest), Math.abs(highest));
  if (moves(share)) return undefined;
  return new LawError(
    `constant-${name}`,
    lowest === highest
      ? `the ${name} is ${lowest} in all ${pairs.length} pairs, so no law can be fitted.`
      : `the ${name} is between ${lowest} and ${highest} in all ${pairs.length} pairs, which rounding cannot tell apart, so no law can be fitted.`,
  );
}
