import { counted } from "../../formats/counted.ts";
import type { Finding } from "../finding.ts";
import { contradiction, definitionText } from "../per_token.ts";
import { keyList } from "../readers/key_list.ts";
import { normalKey } from "../readers/normal_key.ts";
import type { Run } from "../readers/run.ts";
import { describeHistory, verlHistory } from "../readers/verl_history.ts";
import { CANNOT_TELL } from "./words.ts";

/** What the log's entropy is, and when it was measured. */
export function entropyDefinition({ entropy, keys, framework, config }: Run): Finding {
  const topic = "entropy definition";
  if (entropy === undefined) {
    return {
      topic,
      severity: "unknown",
      finding: `${CANNOT_TELL}: no policy entropy is logged.`,
      evidence: keyList(Array.from(keys).filter(([, count]) => count > 0).map(([key]) => key)),
    };
  }
  const measured = entropy.measured === "unknown"
    ? "the log does not say when it was measured"
    : `measured ${entropy.measured}`;
  const parts = [`${entropy.key}, ${counted(entropy.values.length, "value")}`];
  if (framework === "verl") parts.push(describeHistory(verlHistory({ keys: keys.keys(), config })));
  const beside = Array.from(keys.keys()).find((key) => normalKey(key) === "actor/entropy/loss");
  if (normalKey(entropy.key) === "actor/entropy" && beside !== undefined) {
    parts.push(`${beside} beside it is that of the update, so nothing is overwritten`);
  }
  return {
    topic,
    severity: entropy.measured === "unknown" || contradiction(entropy) !== undefined
      ? "notice"
      : "fine",
    finding: `${definitionText(entropy)}; ${measured}.`,
    evidence: parts.join("; "),
  };
}
