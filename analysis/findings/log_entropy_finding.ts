import type { Finding } from "../finding.ts";
import { FRAMEWORK_SETTINGS } from "../framework_settings.ts";
import { SUMMED_ENTROPY } from "../readers/entropy_keys.ts";
import { entropyUnit, whyNotInNats } from "../readers/entropy_unit.ts";
import { normalKey } from "../readers/normal_key.ts";
import type { Run } from "../readers/run.ts";
import { CANNOT_TELL } from "./words.ts";

/** What to set so that the entropy is logged; no finding where it is. */
export function logEntropyFinding({ entropy, framework, keys }: Run): Finding[] {
  if (entropy !== undefined) return [];
  const summed = Array.from(keys.keys()).find((key) => SUMMED_ENTROPY.pattern.test(normalKey(key)));
  if (summed !== undefined) {
    return [{
      topic: "how to log the entropy",
      severity: "notice",
      finding:
        `${summed} looks like an entropy, but is one per response and not per token, so it is not taken by itself; --entropy-key ${summed} shows its course.`,
      evidence: SUMMED_ENTROPY.definition,
    }];
  }
  const other = Array.from(keys.keys()).find((key) => entropyUnit(key) === "other");
  if (other !== undefined) {
    return [{
      topic: "how to log the entropy",
      severity: "notice",
      finding: `${whyNotInNats(other)}; log the entropy in nats.`,
      evidence: other,
    }];
  }
  const known = FRAMEWORK_SETTINGS[framework]?.logEntropy;
  return [{
    topic: "how to log the entropy",
    severity: known === undefined ? "unknown" : "notice",
    finding: known ??
      `${CANNOT_TELL}: its keys are of no framework that is known here. If one of them is the entropy, name it with --entropy-key.`,
    evidence: `framework: ${framework}`,
  }];
}
