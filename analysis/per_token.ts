import { counted } from "../formats/counted.ts";
import { LawError } from "./law_error.ts";
import { number } from "../formats/number.ts";
import type { Pair } from "./pairs.ts";
import { SUMMED_ENTROPY, UNKNOWN_ENTROPY } from "./readers/entropy_keys.ts";
import type { EntropySeries } from "./readers/run.ts";
import { stepText } from "./step_text.ts";

/** No vocabulary in use has more tokens than this, so no entropy per token is larger than its log. */
export const LARGEST_VOCABULARY = 1 << 19;

/** What the values of an entropy have that none per token has, in a clause; undefined if nothing. */
export function contradiction(
  { definition, values }: Pick<EntropySeries, "definition" | "values">,
): string | undefined {
  const count = (isOdd: (value: number) => boolean) => {
    const odd = values.filter(isOdd).length;
    return odd === 0
      ? undefined
      : `${odd} of ${counted(values.length, "value")} ${odd === 1 ? "is" : "are"}`;
  };
  const most = Math.log(LARGEST_VOCABULARY);
  const above = definition === SUMMED_ENTROPY.definition ? undefined : count((one) => one > most);
  if (above !== undefined) return `${above} larger than any vocabulary allows per token`;
  const below = count((one) => one < 0);
  return below && `${below} below 0, as no exact entropy is`;
}

/** What an entropy is by its key, and what in its values contradicts that. */
export function definitionText(entropy: EntropySeries): string {
  const { definition } = entropy;
  const why = contradiction(entropy);
  if (why === undefined) return definition;
  return `${
    definition === UNKNOWN_ENTROPY.definition ? "" : "by its key "
  }${definition}, but ${why}`;
}

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
    `pair ${pairs.indexOf(first)} (step ${stepText(first.step)}) has entropy ${
      number(first.entropy)
    }, expected nats per token: no more than ${
      most.toFixed(1)
    }, the logarithm of the largest vocabulary (so in ${over.length} of ${pairs.length} pairs); it is a sum over a sequence or an estimate, and a, b and the ceiling would mean nothing.`,
  );
}
