import { among, seededRandom } from "../../experiments/lab/tasks/random.ts";
import type { Corpus, Entry, TargetName } from "./corpus.ts";
import { mutate } from "./mutate.ts";

/** An input: bytes that take the place of an entry of the corpus. */
export interface Input {
  /** What reads it. */
  readonly target: TargetName;
  /** What it was made from. */
  readonly entry: Entry;
  /** Its content. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether what was read is computed with too, which takes much longer than reading it. */
  readonly isDeep: boolean;
}

/** One in so many inputs is computed with. */
const DEEP = 8;

/** Input number `index` of a seed: the same for the same corpus, whatever was run before. */
export function makeInput(
  corpus: Corpus,
  targets: readonly TargetName[],
  seed: number,
  index: number,
): Input {
  // Odd multipliers spread neighbouring seeds over all generators.
  const random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index, 0x85ebca6b));
  const target = among(random, targets);
  const entry = among(random, corpus[target]);
  const other = among(random, corpus[target]);
  return {
    target,
    entry,
    bytes: mutate(random, entry.bytes, other.bytes),
    isDeep: index % DEEP === 0,
  };
}
