import type { EqualRewards } from "../equal_rewards.ts";
import { stepText } from "../step_text.ts";
import { round } from "./words.ts";

/** That all rewards are equal, as a part of a sentence. */
export function equalRewardsText({ among, equal, steps, since, value }: EqualRewards): string {
  const responses = among === "step" ? "all responses of a step" : "all responses to a prompt";
  return `${responses} have the same reward in ${equal} of the ${steps} steps from step ${
    stepText(since)
  } on${value === undefined ? "" : ` (${round(value)} at the end)`}`;
}

/** What to do about it first. */
export const MEND_REWARD =
  "check that the grader tells right from wrong answers, and take prompts that are neither all solved nor all failed";
