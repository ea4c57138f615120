import { grpoAdvantages } from "./grpo.ts";
import { reinforcePlusPlusAdvantages } from "./reinforce_plus_plus.ts";
import type { GroupedResponses } from "./responses.ts";
import { rlooAdvantages } from "./rloo.ts";

/** The algorithms of the paper. */
export const ALGORITHMS = ["grpo", "rloo", "reinforce++", "prime"] as const;

/** The name of an algorithm, as in a run's id. */
export type AlgorithmName = typeof ALGORITHMS[number];

/**
 * The advantages of every token, [B, T], by the algorithms that need outcome rewards alone. PRIME's need a reward
 * model that learns along: see `judgedAdvantages`.
 */
export const OUTCOME_ADVANTAGES: Readonly<
  Record<Exclude<AlgorithmName, "prime">, (responses: GroupedResponses) => Float64Array>
> = {
  grpo: grpoAdvantages,
  rloo: rlooAdvantages,
  "reinforce++": reinforcePlusPlusAdvantages,
};
