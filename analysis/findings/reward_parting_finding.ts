import type { Finding } from "../finding.ts";
import { normalKey } from "../readers/normal_key.ts";
import type { Run } from "../readers/run.ts";
import type { Series } from "../readers/series.ts";
import { nearlyIndependent } from "../scatter.ts";
import { trendOf } from "../trend.ts";
import { LOOK } from "./reward_findings.ts";
import { round } from "./words.ts";
import { stepText } from "../step_text.ts";

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
  const ends = ({ steps, values }: Series) =>
    `${round(values[0]!)} at step ${stepText(steps[0]!)}, ${round(values.at(-1)!)} at step ${
      stepText(steps.at(-1)!)
    }`;
  return [{
    topic: "reward against accuracy",
    severity: "problem",
    finding: `the reward rises while ${score.label} falls: ${LOOK}.`,
    evidence: `${key}: ${ends(reward)}; ${score.label}: ${ends(score)}`,
  }];
}
