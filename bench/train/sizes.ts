import type { BaseModelName } from "../../experiments/lab/families.ts";
import type { StepSize } from "./steps.ts";

/** A step to time. */
export interface SizedStep {
  /** The counterpart of this model of the paper. */
  readonly model: BaseModelName;
  /** How large its steps are. */
  readonly size: StepSize;
  /** How many are timed. */
  readonly count: number;
}

/** 512 responses of 32 tokens, and four updates. */
const FULL: StepSize = { prompts: 64, group: 8, minibatches: 4, responseTokens: 32 };

/** The steps that are shown phase by phase. */
export const SHOWN: readonly SizedStep[] = [
  { model: "qwen2.5-7b", size: FULL, count: 5 },
  { model: "qwen2.5-0.5b", size: FULL, count: 5 },
];

/** As the study's: responses of 16 tokens, about their mean, and eight updates. */
const STUDY_SIZE: StepSize = { prompts: 64, group: 8, minibatches: 8, responseTokens: 16 };

/** Steps of the study, shown phase by phase too. */
export const STUDY: readonly SizedStep[] = (["qwen2.5-0.5b", "qwen2.5-7b", "qwen2.5-32b"] as const)
  .map((model) => ({ model, size: STUDY_SIZE, count: 5 }));

/** More models with the same tokens, and more numbers of tokens with the model shown first. */
export const MORE: readonly SizedStep[] = [
  ...(["qwen2.5-1.5b", "qwen2.5-3b", "qwen2.5-32b"] as const)
    .map((model) => ({ model, size: FULL, count: 3 })),
  ...[8, 16, 32, 128].map((prompts) => ({
    model: SHOWN[0]!.model,
    size: { ...FULL, prompts },
    count: 3,
  })),
];

/** Tokens of the prompts of the update that peers make too: about the mean of the task's. */
export const PROMPT_TOKENS = 9;
