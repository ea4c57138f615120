import { LawError } from "./law_error.ts";
import { number } from "../formats/number.ts";
import type { Pair } from "./pairs.ts";

/** No vocabulary in use has more tokens than this, so no entropy per token is larger than its log. */
export const LARGEST_VOCABULARY = 1 << 19;

/**
 * Checks that entropies can be nats per token: no larger than the logarithm of any vocabulary.
 *
 * @throws {LawError} `out-of-range`.
 */
export function checkPerToken(pairs: readonly Pair[]): void {
  const most = Math.log(LARGEST_VOCABULARY);
  const over = pairs.filter(({ entropy }) => entropy > most);
  const [first] = over;
  if (first === undefined) return;
  throw new LawError(
    "out-of-range",
    `pair ${pairs.indexOf(first)} (step ${first.step}) has entropy ${
      number(first.entropy)
    }, expected nats per token: no more than ${
      most.toFixed(1)
    }, the logarithm of the largest vocabulary (so in ${over.length} of ${pairs.length} pairs); it is a sum over a sequence or an estimate, and a, b and the ceiling would mean nothing.`,
  );
}
