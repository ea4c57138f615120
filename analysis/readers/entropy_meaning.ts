import {
  ENTROPY_RULES,
  type EntropyRule,
  SUMMED_ENTROPY,
  SWIFT_ENTROPY,
  TRL_ENTROPY,
  UNKNOWN_ENTROPY,
} from "./entropy_keys.ts";
import { normalKey } from "./normal_key.ts";
import type { Framework } from "./run.ts";

/**
 * What a log says under the key of its entropy, and when it was measured. One key has meant two things in
 * different versions of a framework, which the other keys tell apart.
 *
 * @param keys All keys of the log.
 */
export function entropyMeaning(
  key: string,
  framework: Framework,
  keys: Iterable<string>,
): Pick<EntropyRule, "definition" | "measured"> {
  const normal = normalKey(key);
  if (SUMMED_ENTROPY.pattern.test(normal)) return SUMMED_ENTROPY;
  const rule = ENTROPY_RULES.find(({ pattern }) => pattern.test(normal));
  if (framework === "trl" && rule?.measured === "unknown") return TRL_ENTROPY;
  if (framework === "ms-swift" && /^(?:train\/)?entropy\/mean$/.test(normal)) return SWIFT_ENTROPY;
  if (framework === "verl" && normal === "actor/entropy/loss" && isBeforeRename(keys)) {
    // verl#1100 to #1943, v0.4.0: the pass that recomputes old log-probs, under the old name.
    return ENTROPY_RULES.find(({ pattern }) => pattern.test("actor/entropy"))!;
  }
  return rule ?? UNKNOWN_ENTROPY;
}

/** Whether keys are of verl from April to June 2025, where `actor/entropy_loss` is of the rollout policy. */
function isBeforeRename(keys: Iterable<string>): boolean {
  let isSince = false;
  for (const key of keys) {
    const normal = normalKey(key);
    if (normal === "actor/entropy") return false;
    isSince ||= normal.startsWith("val-core/") || normal === "actor/pg/clipfrac/lower";
  }
  return isSince;
}
