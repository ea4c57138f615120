import {
  AdvantageError,
  checkGroups,
  checkResponses,
  type GroupedResponses,
  groupStatistics,
  type Responses,
} from "./responses.ts";
import { whiten } from "./whiten.ts";

/** Nats of log-ratio to units of reward: β of the implicit reward model, `beta_train` in PRIME. */
export const PRIME_BETA = 0.05;
/** Weight of the process rewards, `reward_dpo_coef` in PRIME. */
const PROCESS_WEIGHT = 5;
/** Weight of the outcome rewards, `reward_gt_coef` in PRIME. */
const OUTCOME_WEIGHT = 5;

/** The loss of the implicit reward model. */
export interface PrimeLoss {
  /** Mean cross-entropy over the responses, in nats. */
  readonly loss: number;
  /** Its gradient with respect to the reward model's log-probs, [B, T]; 0 for padding. */
  readonly gradient: Float64Array<ArrayBuffer>;
}

/**
 * Process rewards from an implicit reward model (Yuan et al. 2024): β ln(π_RM / π_ref) of each token but a
 * response's last, which gets the outcome reward instead; then all are divided by the largest sum of what is
 * still to come, in absolute value. As PRIME's `_forward_micro_batch` and `prime_norm` with
 * `prime_granularity: token` and `prime_norm: batch_norm`.
 *
 * @param logRatios ln π_RM − ln π_ref of each token, [B, T], in nats; padding may hold anything.
 * @returns [B, T]; 0 for padding.
 * @throws {AdvantageError} if the responses do not fit.
 */
export function primeProcessRewards(
  logRatios: ArrayLike<number>,
  responses: Responses,
): Float64Array<ArrayBuffer> {
  checkResponses(responses);
  checkTokens("log-ratios", logRatios, responses);
  const { lengths, columns } = responses;
  const process = new Float64Array(logRatios.length);
  let largest = 0;
  for (let row = 0; row < lengths.length; row++) {
    let toCome = 0;
    for (let i = row * columns + lengths[row]! - 2; i >= row * columns; i--) {
      process[i] = PRIME_BETA * logRatios[i]!;
      toCome += process[i]!;
      largest = Math.max(largest, Math.abs(toCome));
    }
  }
  return process.map((reward) => reward / (largest + 1e-6));
}

/**
 * PRIME (Cui et al. 2025): leave-one-out over the group for process rewards (each token's, less the mean of
 * the other responses' means) and for the outcome reward of the last token; their weighted sum, added up
 * from each token to the end, whitened over all tokens of the batch. As PRIME's
 * `compute_rloo_advantage_return`.
 *
 * @param processRewards One for each token, [B, T], as {@linkcode primeProcessRewards} makes them.
 * @returns [B, T]; 0 for padding.
 * @throws {AdvantageError} if the responses do not fit or have fewer than two tokens.
 */
export function primeAdvantages(
  processRewards: ArrayLike<number>,
  responses: GroupedResponses,
): Float64Array<ArrayBuffer> {
  checkGroups(responses);
  checkTokens("process rewards", processRewards, responses);
  const { rewards, group, lengths, columns } = responses;
  const processMeans = Float64Array.from(lengths, (length, row) => {
    let sum = 0;
    for (let i = row * columns; i < row * columns + length; i++) sum += processRewards[i]!;
    return sum / Math.max(length, 1);
  });
  const others = group / (group - 1);
  const advantages = new Float64Array(processRewards.length);
  for (let row = 0; row < lengths.length; row++) {
    const baseline = groupStatistics({ ...responses, rewards: processMeans }, row).mean;
    const outcome = (rewards[row]! - groupStatistics(responses, row).mean) * others;
    let sum = OUTCOME_WEIGHT * outcome;
    for (let i = row * columns + lengths[row]! - 1; i >= row * columns; i--) {
      sum += PROCESS_WEIGHT * (processRewards[i]! - baseline) * others;
      advantages[i] = sum;
    }
  }
  whiten(advantages, responses);
  return advantages;
}

/**
 * The loss that trains the implicit reward model: cross-entropy of σ(β Σ ln(π_RM / π_ref)) over a response's
 * tokens with its outcome reward, 0 or 1. As PRIME's `compute_ce_dpo_loss_rm`, but without its limit of 100
 * nats.
 *
 * @param logRatios ln π_RM − ln π_ref of each token, [B, T], in nats; padding may hold anything.
 * @throws {AdvantageError} if the responses do not fit.
 */
export function primeLoss(logRatios: ArrayLike<number>, responses: Responses): PrimeLoss {
  checkResponses(responses);
  checkTokens("log-ratios", logRatios, responses);
  const { rewards, lengths, columns } = responses;
  const gradient = new Float64Array(logRatios.length);
  let loss = 0;
  for (let row = 0; row < lengths.length; row++) {
    const [start, end] = [row * columns, row * columns + lengths[row]!];
    let logit = 0;
    for (let i = start; i < end; i++) logit += PRIME_BETA * logRatios[i]!;
    const right = rewards[row]!;
    loss += Math.max(logit, 0) - logit * right + Math.log1p(Math.exp(-Math.abs(logit)));
    const probability = 1 / (1 + Math.exp(-logit));
    gradient.fill(PRIME_BETA * (probability - right) / lengths.length, start, end);
  }
  return { loss: loss / lengths.length, gradient };
}

function checkTokens(what: string, values: ArrayLike<number>, { lengths, columns }: Responses) {
  if (values.length === lengths.length * columns) return;
  throw new AdvantageError(
    `there are ${values.length} ${what}, expected ${lengths.length} × ${columns}.`,
  );
}
