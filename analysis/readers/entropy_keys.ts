import type { Moment } from "./run.ts";

/** A key under which a framework logs the policy entropy. */
export interface EntropyRule {
  /** Matches the normal form of the key (see `normalKey`). */
  readonly pattern: RegExp;
  /** What is logged there. */
  readonly definition: string;
  /** When it is measured. */
  readonly measured: Moment;
}

/** An exact entropy. */
export const FULL = "full-vocabulary entropy at the sampling temperature, in nats per token";
const SAMPLED = "estimate from the sampled tokens (minus their mean log-prob), in nats per token";

/**
 * The keys of policy entropy in order of preference: the paper's before others, exact before sampled, of the rollout policy
 * before averaged over the update, a framework's own name before a bare `entropy`. Keys of an
 * evaluation (`eval_entropy`) are never taken.
 */
export const ENTROPY_RULES: readonly EntropyRule[] = [
  {
    // The paper's own (Eq. 5): the authors' fork of verl, what derives from it, and this project's lab.
    pattern: /^train\/entropy\/all$/,
    definition:
      "full-vocabulary entropy at temperature 1 in nats, mean over each response and then over responses of groups with signal: the paper's",
    measured: "before the update",
  },
  {
    // verl since June 2025: the pass that recomputes old log-probs, aggregated by loss_agg_mode.
    pattern: /^actor\/entropy$/,
    definition: `${FULL}, of the rollout policy`,
    measured: "before the update",
  },
  {
    // verl before June 2025, and beside actor/entropy since v0.8.0: masked mean of each micro-batch.
    pattern: /^actor\/entropy\/loss$/,
    definition: `${FULL}, mean over the micro-batches of the update`,
    measured: "during the update",
  },
  {
    pattern: /^critic\/entropy\/mean$/, // ROLL: the pass that recomputes old log-probs.
    definition: `${FULL}, of the rollout policy`,
    measured: "before the update",
  },
  {
    pattern: /^rollout\/entropy$/, // slime with --use-rollout-entropy.
    definition: `${FULL}, of the rollout policy`,
    measured: "before the update",
  },
  {
    // prime-rl, torchtitan, and ms-swift's entropy/mean, its Megatron trainer's entropy/entropy_mean.
    pattern: /^(?:(?:train|trainer)\/)?entropy\/(?:(?:all|entropy)\/)?mean$/,
    definition: FULL,
    measured: "during the update",
  },
  {
    pattern: /^optim\/entropy$/, // tinker-cookbook: minus the mean log-prob of the sampled tokens.
    definition: SAMPLED,
    measured: "before the update",
  },
  {
    // SkyRL, open-instruct and TRL's PPO, slime, AReaL.
    pattern:
      /^(?:policy\/policy\/entropy|policy\/entropy\/avg|train\/entropy\/loss|(?:ppo\/actor\/)?update\/entropy(?:\/avg)?)$/,
    definition: `${FULL}, mean over the update`,
    measured: "during the update",
  },
  {
    // TRL (entropy, train/entropy in W&B) and hand-made tables.
    pattern: /^(?:(?:train|training|policy)\/)?(?:entropy|policy\/entropy)$/,
    definition: "entropy as the log's author defined it, taken as nats per token",
    measured: "unknown",
  },
  {
    pattern: /^(?:train\/)?approx\/entropy$/, // NeMo-RL: importance-weighted log-prob.
    definition: "importance-weighted estimate from the sampled tokens, in nats per token",
    measured: "during the update",
  },
  {
    pattern: /^(?:loss\/)?entropy\/loss$/, // OpenRLHF's console.
    definition: FULL,
    measured: "during the update",
  },
  {
    pattern: /^entropy\/.+\/mean$/, // prime-rl: one environment.
    definition: FULL,
    measured: "during the update",
  },
];

/** What TRL's GRPOTrainer logs as `entropy`, once its other keys show that it is TRL's. */
export const TRL_ENTROPY = {
  definition: `${FULL}, mean over the micro-batches of the logging window`,
  measured: "during the update",
} as const;

/** ms-swift's `entropy/mean`: a mean of each response, and then of the responses (the paper's Eq. 5). */
export const SWIFT_ENTROPY = {
  definition:
    "full-vocabulary entropy at the sampling temperature in nats, mean over each response and then over responses",
  measured: "during the update",
} as const;

/**
 * What PPO and RLOO of TRL before 2026 log as `objective/entropy`: no entropy per token, so it is read only
 * where the caller names it.
 */
export const SUMMED_ENTROPY = {
  pattern: /^objective\/entropy$/,
  definition:
    "minus the log-probs of the sampled tokens, summed over each response (TRL's PPO and RLOO): nats per response, not per token",
  measured: "before the update",
} as const;

/** What is known of an entropy that only the caller knows. */
export const UNKNOWN_ENTROPY = {
  definition: "named by the caller, taken as nats per token",
  measured: "unknown",
} as const;

/** What is known of an entropy whose key only resembles known ones. */
export const RESEMBLING_ENTROPY = {
  definition: "entropy as the log's author defined it, taken as nats per token",
  measured: "unknown",
} as const;
