import { checkResponses, everyToken, type Responses } from "./responses.ts";
import { whiten } from "./whiten.ts";

/**
 * REINFORCE++ (Hu 2025) with γ = 1: the reward, whitened over all tokens of the batch, so that a long
 * response weighs more in the mean. As verl's `compute_reinforce_plus_plus_outcome_advantage`.
 *
 * @returns The same for every token of a response, [B, T]; 0 for padding.
 * @throws {AdvantageError} if the responses do not fit or have fewer than two tokens.
 */
export function reinforcePlusPlusAdvantages(responses: Responses): Float64Array<ArrayBuffer> {
  checkResponses(responses);
  const advantages = everyToken(responses, (row) => responses.rewards[row]!);
  whiten(advantages, responses);
  return advantages;
}
