import { checkGroups, everyToken, type GroupedResponses, groupStatistics } from "./responses.ts";

/**
 * GRPO (Shao et al. 2024): the reward less the mean of its group, over the group's standard deviation
 * (with Bessel's correction, plus 1e-6). As verl's `compute_grpo_outcome_advantage`.
 *
 * @returns The same for every token of a response, [B, T]; 0 for padding.
 * @throws {AdvantageError} if the responses do not fit.
 */
export function grpoAdvantages(responses: GroupedResponses): Float64Array<ArrayBuffer> {
  checkGroups(responses);
  return everyToken(responses, (row) => {
    const { mean, deviation } = groupStatistics(responses, row);
    return (responses.rewards[row]! - mean) / (deviation + 1e-6);
  });
}
