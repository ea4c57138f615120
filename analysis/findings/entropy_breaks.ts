import type { Finding } from "../finding.ts";
import { jumpOf } from "../jump.ts";
import { companionOf } from "../readers/companions.ts";
import type { Run } from "../readers/run.ts";
import type { Series } from "../readers/series.ts";
import { spikesOf } from "../spikes.ts";
import { stepText } from "../step_text.ts";
import { round } from "./words.ts";

/** A jump of the entropy from one step to the next; no finding where there is none. */
export function jumpFinding(entropy: Series): Finding[] {
  const jump = jumpOf(entropy);
  if (jump === undefined) return [];
  const { before, after, levels } = jump;
  return [{
    topic: "entropy jump",
    severity: "notice",
    finding: `the entropy ${after.value < before.value ? "dropped" : "leapt"} at once from ${
      round(before.value)
    } at step ${stepText(before.step)} to ${round(after.value)} at step ${
      stepText(after.step)
    }: look there for a changed setting, a resumed checkpoint or a fault of the reward.`,
    evidence: `medians of the five values before and after: ${
      levels.map((one) => round(one)).join(", ")
    }`,
    marks: [{ step: after.step, label: "jump of H" }],
  }];
}

/** Values of the entropy that stand out alone, which its course does not show. */
export function spikeFinding(run: Run): Finding[] {
  const { entropy } = run;
  const spikes = spikesOf(entropy!).filter(({ level }) => level > 0);
  if (spikes.length === 0) return [];
  const largest = spikes.reduce((left, right) =>
    Math.abs(right.value - right.level) > Math.abs(left.value - left.level) ? right : left
  );
  const { step, value, level } = largest;
  const gradient = companionOf(run, "gradient norm");
  const isInGradient = gradient !== undefined &&
    spikesOf(gradient.series).some((one) => one.step === step);
  return [{
    topic: "entropy spike",
    severity: "notice",
    finding: `${
      spikes.length === 1
        ? "one value of the entropy stands out"
        : `${spikes.length} values of the entropy stand out, most of all one`
    }: ${round(value)} at step ${stepText(step)}, where it is ${round(level)} before and after${
      isInGradient ? "; the gradient norm has a spike there, too" : ""
    }. Look at the batch of that step.`,
    evidence: `${
      entropy!.key
    }: at least three times as large or as small as the medians of four values on either side, and eight standard deviations away`,
    marks: [{ step, label: "spike of H" }],
  }];
}
