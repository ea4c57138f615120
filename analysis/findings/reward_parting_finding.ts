import type { Finding } from "../finding.ts";
import { normalKey } from "../readers/normal_key.ts";
import type { Run } from "../readers/run.ts";
import { nearlyIndependent } from "../scatter.ts";
import { trendOf } from "../trend.ts";
import { endsText, LOOK } from "./reward_findings.ts";

/** What the policy is trained on, and no term of it. */
const REWARD = /(?:^|\/)rewards?(?:\/mean)?$/;
/** The 99.5th percentile of the standard normal distribution. */
const SURE = 2.576;

/**
 * Whether the reward rises while an accuracy of the same rollouts, which is logged beside it, falls; no finding
 * where they do not part, and where the score is a validation's: that is held to the training score.
 */
export function rewardPartingFinding({ score, series }: Run): Finding[] {
  if (score === undefined || score.kind === "validation" || score.unit === "reward") return [];
  const found = Array.from(series).find(([key]) =>
    REWARD.test(normalKey(key)) && !score.keys.includes(key)
  );
  if (found === undefined || !(trendOf(nearlyIndependent(score)).z < -SURE)) return [];
  const [key, reward] = found;
  if (!(trendOf(nearlyIndependent(reward)).z > SURE)) return [];
  return [{
    topic: "reward against accuracy",
    severity: "problem",
    finding: `the reward rises while ${score.label} falls: ${LOOK}.`,
    evidence: `${key}: ${endsText(reward)}; ${score.label}: ${endsText(score)}`,
  }];
}
