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
import { verlEntropy } from "./verl_entropy.ts";
import type { VerlLog } from "./verl_history.ts";

/**
 * What a log says under the key of its entropy, and when it was measured. One key has meant two things in
 * different versions of a framework, which the other keys and the configuration tell apart.
 */
export function entropyMeaning(
  key: string,
  framework: Framework,
  log: VerlLog,
): Pick<EntropyRule, "definition" | "measured"> {
  const normal = normalKey(key);
  if (SUMMED_ENTROPY.pattern.test(normal)) return SUMMED_ENTROPY;
  const rule = ENTROPY_RULES.find(({ pattern }) => pattern.test(normal));
  if (framework === "trl" && rule?.measured === "unknown") return TRL_ENTROPY;
  if (framework === "ms-swift" && /^(?:train\/)?entropy\/mean$/.test(normal)) return SWIFT_ENTROPY;
  if (framework === "verl") return verlEntropy(key, log) ?? rule ?? UNKNOWN_ENTROPY;
  return rule ?? UNKNOWN_ENTROPY;
}
