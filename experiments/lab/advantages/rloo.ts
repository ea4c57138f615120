import { checkGroups, everyToken, type GroupedResponses, groupStatistics } from "./responses.ts";

/**
 * RLOO (Ahmadian et al. 2024): the reward less the mean of the others in its group, which is G / (G − 1)
 * times the reward less the mean of all G. As verl's `compute_rloo_outcome_advantage`.
 *
 * @returns The same for every token of a response, [B, T]; 0 for padding.
 * @throws {AdvantageError} if the responses do not fit.
 */
export function rlooAdvantages(responses: GroupedResponses): Float64Array<ArrayBuffer> {
  checkGroups(responses);
  const { rewards, group } = responses;
  return everyToken(
    responses,
    (row) => (rewards[row]! - groupStatistics(responses, row).mean) * group / (group - 1),
  );
}
