import type { EntropyCourse } from "../entropy_course.ts";
import type { Finding } from "../finding.ts";
import type { Overview } from "../overview.ts";
import { stepText } from "../step_text.ts";
import { round } from "./words.ts";

/** When half of the entropy was spent, and nearly all of it. */
export function spentFinding(
  { start, halfSpent, nearlySpent }: EntropyCourse,
  { gain, parted, isSolved }: Overview,
): Finding {
  const finding = halfSpent === undefined
    ? "entropy never fell below half of its start."
    : nearlySpent === undefined
    ? `half of the starting entropy was spent by step ${
      stepText(halfSpent)
    }; entropy never fell below 5 % of its start.`
    : `half of the starting entropy was spent by step ${stepText(halfSpent)}, 95 % of it by step ${
      stepText(nearlySpent)
    }.`;
  return {
    topic: "entropy spent",
    severity: nearlySpent === undefined
      ? "fine"
      : gain?.rises || isSolved || parted !== undefined
      ? "notice"
      : "problem",
    finding,
    evidence: `where its running median is first at ${round(0.5 * start.value)} and ${
      round(0.05 * start.value)
    } nats`,
    marks: [
      ...(halfSpent === undefined ? [] : [{ step: halfSpent, label: "half of H spent" }]),
      ...(nearlySpent === undefined ? [] : [{ step: nearlySpent, label: "95 % of H spent" }]),
    ],
  };
}
