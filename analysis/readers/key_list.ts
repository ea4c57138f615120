import { counted } from "../../formats/counted.ts";
import { isNeeded } from "./keys.ts";

/** Characters that a list of keys may have in a message. */
export const LONGEST_LIST = 400;

/** Keys of timings and throughput; `performance` is a score. */
const TIMING = /^(?:timings?|perf|time|timestamp|system|memory|global_seqlen)(?![a-z])/;

/**
 * The end of a sentence that tells which keys a log has; timings and throughput are only counted.
 *
 * @param most Characters that the list may have; where it has no room for one key, they are counted.
 */
export function keyList(keys: Iterable<string>, most = LONGEST_LIST): string {
  const all = Array.from(keys);
  const shown = all.filter((key) => !TIMING.test(key));
  const rest = all.length - shown.length;
  if (all.length === 0) return "it holds no number at all.";
  shown.sort();
  // Where not all fit, those that may be meant come first.
  if (shown.join(", ").length > most) {
    shown.sort((left, right) => Number(isNeeded(right)) - Number(isNeeded(left)));
  }
  const list = shown.length > 0 && shown[0]!.length > most
    ? counted(shown.length, "other key")
    : enumeration(shown, most);
  const timings = rest > 0 ? `${counted(rest, "key")} of timing and throughput` : "";
  return `it has ${[list, timings].filter((part) => part !== "").join(" and ")}.`;
}

/** Names with commas between them, until the text has so many characters. */
export function enumeration(names: readonly string[], most: number): string {
  let text = "";
  for (const [i, name] of names.entries()) {
    if (text.length + name.length > most) return `${text} … (${names.length - i} more)`;
    text += (i === 0 ? "" : ", ") + name;
  }
  return text;
}
