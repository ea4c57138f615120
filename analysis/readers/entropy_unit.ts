import { wordsOf } from "./normal_key.ts";
import type { EntropySeries } from "./run.ts";

/** In what an entropy is, by the name of its key: `other` is what no factor known here turns into nats per token. */
export type EntropyUnit = "nats" | "bits" | "other";

const BITS = /^(?:bits?|shannons?|base2)$/;
const SCALED = /^(?:(?:re)?(?:normali[sz]ed|scaled)|standardi[sz]ed|percent|pct)$/;
const OTHER = /^(?:bytes?|chars?|characters?|words?|log2|log10|base10|hartleys?|dits?|bans?)$/;
/** A mean over tokens is called normalised, too. */
const LENGTH = /^(?:tokens?|len|lengths?|seq|sequences?|responses?)$/;

/** The unit that the name of an entropy's key states; nats where it states none. */
export function entropyUnit(key: string): EntropyUnit {
  if (!/entrop/i.test(key)) return "nats";
  const parts = key.split(/[/.]/);
  const at = parts.findLastIndex((part) => /entrop/i.test(part));
  // What stands before is of the run, such as 4-bit/actor/entropy, unless it is nothing but the unit.
  const words = parts.map(wordsOf).filter((words, i) => i >= at || words.length === 1).flat();
  const isOther = key.includes("%") ||
    words.some((word, i) =>
      OTHER.test(word) || (SCALED.test(word) && !LENGTH.test(words[i - 1] ?? ""))
    );
  if (isOther) return "other";
  const isBits = words.some((word, i) => BITS.test(word) && !/^\d+$/.test(words[i - 1] ?? ""));
  return isBits ? "bits" : "nats";
}

/** An entropy in nats: one whose key says bits is converted, which its definition and a note tell. */
export function inNats(entropy: EntropySeries, notes: string[]): EntropySeries {
  const { key, definition, values } = entropy;
  if (entropyUnit(key) !== "bits") return entropy;
  notes.push(`${key} is in bits by its name and was multiplied by ln 2, which makes it nats.`);
  return {
    ...entropy,
    definition: definition.replace(
      /(?:, (?:taken as|in) nats per token|$)/,
      ", in bits by its name and turned into nats per token",
    ),
    values: values.map((value) => value * Math.LN2),
  };
}

/** Why a key whose unit is `other` is not taken for the entropy, in a clause that begins with the key. */
export function whyNotInNats(key: string): string {
  return `${key} is by its name no entropy in nats per token, but normalised, scaled or of another unit, so it is not taken for one`;
}
