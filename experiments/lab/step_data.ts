import type { MisconceptionKey } from "./misconceptions.ts";
import type { ValidationKey } from "./validation.ts";

/**
 * The numbers that a step of a run logs, by key; verl's keys where verl has one. Whatever is about the policy
 * is about the one that made the step's rollout, before the step's update, except for keys that say "update":
 * those are means over the step's minibatches. A number that is not finite is logged as null.
 */
export interface StepData {
  /**
   * Exact entropy over the vocabulary at the sampling temperature, mean over all response tokens, in nats: verl's
   * definition.
   */
  readonly "actor/entropy": number;
  /**
   * The paper's H: exact entropy at temperature 1, mean over the tokens of each response and then over the
   * responses to learn from, in nats; missing where there are none. Groups without signal are left out unless the
   * run keeps them (Eq. 5; `compute_entropy_for_every_source` of the authors' fork of verl).
   */
  readonly "train_entropy/all"?: number;
  /** Training accuracy: mean outcome reward of all responses, those of filtered groups included. */
  readonly "critic/score/mean": number;
  /** Mean length of the responses, in tokens. */
  readonly "response_length/mean": number;
  /** Share of responses that were cut off at the longest length. */
  readonly "response_length/clip_ratio": number;
  /** What a validation measured, in validation steps only; see {@linkcode validate}. */
  readonly [accuracy: ValidationKey]: number;
  /** What the policy makes of the teacher's misconceptions, where all accuracies are measured. */
  readonly [misconceptions: MisconceptionKey]: number;

  /** Covariance of log-prob and advantage over tokens (paper, Eq. 10), mean over tokens: nats × advantage. */
  readonly "covariance/mean"?: number;
  /** Mean over the 0.02 % of the tokens of highest covariance (paper, Table 1), at least one token. */
  readonly "covariance/top-0.0002"?: number;
  /** Mean over the top 0.2 %. */
  readonly "covariance/top-0.002"?: number;
  /** Mean over the top 2 %. */
  readonly "covariance/top-0.02"?: number;
  /** Mean over the top 20 %. */
  readonly "covariance/top-0.2"?: number;
  /** Mean over the top 50 %. */
  readonly "covariance/top-0.5"?: number;
  /** Covariance of ln π and π·A over the responses to a prompt (paper, Theorem 1, Eqs. 8-9), mean over prompts. */
  readonly "covariance/sequence"?: number;
  /** The same of ln π and A (Theorem 2). */
  readonly "covariance/sequence-advantage"?: number;
  /** `covariance/sequence` over the prompts of which that many responses are right. */
  readonly [difficulty: `covariance/difficulty/${number}`]: number;

  /** Update: the policy loss that was minimized. */
  readonly "actor/pg_loss"?: number;
  /** Update: share of response tokens whose ratio was clipped. */
  readonly "actor/pg_clipfrac"?: number;
  /** Update: share of response tokens that the dual clip limited. */
  readonly "actor/pg_clipfrac_lower"?: number;
  /** Update: KL from the rollout policy to the current one, estimated by the mean of −ln ratio, in nats per token. */
  readonly "actor/ppo_kl"?: number;
  /**
   * Update: KL to the reference policy, the base model, by the run's estimator, in nats per token. Only in the steps
   * that take it: all with the intervention reference-kl, else one in `referenceKlEvery`.
   */
  readonly "actor/kl_loss"?: number;
  /** Update: norm of the gradient before it is clipped. */
  readonly "actor/grad_norm"?: number;
  /** Learning rate of the step. */
  readonly "actor/lr"?: number;
  /**
   * Tokens that Clip-Cov or KL-Cov selected, summed over the step's minibatches. The key has an older word for
   * them, so that logs stay comparable.
   */
  readonly "actor/touched_tokens"?: number;

  /** Mean covariance (Eq. 10, of the whole rollout) of these tokens; missing where there are none. */
  readonly "touched/covariance"?: number;
  /** Mean ln π of these tokens, in nats. */
  readonly "touched/log_prob"?: number;
  /** Share of these tokens whose advantage is positive. */
  readonly "touched/positive"?: number;
  /**
   * Tokens whose gradient GRPO's ε = 0.2 would have stopped and the run's own, wider range does not, summed over the
   * step's minibatches.
   */
  readonly "freed/tokens"?: number;
  /** Mean covariance (Eq. 10, of the whole rollout) of these tokens; missing where there are none. */
  readonly "freed/covariance"?: number;

  /**
   * In runs of one update a rollout: by how much it changed the entropy before the tokens of the rollout that it
   * learnt from, mean over tokens, in nats. The states are the same before and after.
   */
  readonly "theory/entropy_change"?: number;
  /**
   * The same by Lemma 1, −Cov(ln π, z' − z) over the actions in a state, mean over states. In place of the logits z
   * stands ln π, which differs from them by the same number for all actions.
   */
  readonly "theory/lemma_1"?: number;
  /** Cov(ln π, π·A) over the actions in a state (Theorem 1), mean over states: nats × advantage. */
  readonly "theory/theorem_1"?: number;
  /** Cov(ln π, A) over the actions in a state (Theorem 2), mean over states: nats × advantage. */
  readonly "theory/theorem_2"?: number;

  /** Cross-entropy of PRIME's implicit reward model, in nats per response. */
  readonly "reward_model/dpo_loss"?: number;
  /** Norm of that loss's gradient before it is clipped. */
  readonly "reward_model/grad_norm"?: number;

  /** Share of groups that were all right or all wrong. */
  readonly "rollout/no_signal_groups"?: number;
  /** Response tokens in the update. */
  readonly "rollout/tokens"?: number;
}
