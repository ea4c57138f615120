import type { EqualRewards } from "../equal_rewards.ts";
import { stepText } from "../step_text.ts";
import { round } from "./words.ts";

/** That all rewards are equal, as a part of a sentence. */
export function equalRewardsText({ equal, steps, since, value }: EqualRewards): string {
  return `all responses of a step have the same reward in ${equal} of the ${steps} steps from step ${
    stepText(since)
  } on${value === undefined ? "" : ` (${round(value)} at the end)`}`;
}

/** What to do about it first. */
export const MEND_REWARD =
  "check that the grader tells right from wrong answers, and take prompts that are neither all solved nor all failed";
