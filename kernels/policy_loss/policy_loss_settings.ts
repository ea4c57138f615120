/**
 * The ways in which token losses become one loss, as verl's `loss_agg_mode` names it; rows without response tokens are
 * left out of means over responses.
 *
 * - `token-mean`: mean over response tokens.
 * - `seq-mean-token-sum`: mean over responses of their sums.
 * - `seq-mean-token-mean`: mean over responses of their means.
 * - `seq-mean-token-sum-norm`: mean over responses of their sums over the padded length T (Dr. GRPO).
 */
// row_weights.wgsl knows them by their index.
export const AGGREGATIONS = [
  "token-mean",
  "seq-mean-token-sum",
  "seq-mean-token-mean",
  "seq-mean-token-sum-norm",
] as const;

/** How token losses become one loss: one of {@linkcode AGGREGATIONS}. */
export type Aggregation = (typeof AGGREGATIONS)[number];

/**
 * What can be done to the tokens that were selected by their covariance; clip and dual clip are settings of
 * their own.
 *
 * - `none`: nothing is selected.
 * - `clip-cov`: their loss is zero (paper, Eq. 12).
 * - `kl-cov`: their KL to the rollout policy is added, estimated from the token itself: by |Δ| in verl's
 *   definition, by exp(Δ) − 1 − Δ in the paper's (Eq. 14), Δ the log-ratio to the rollout policy.
 */
export const INTERVENTIONS = ["none", "clip-cov", "kl-cov"] as const;

/** What is done to the selected tokens: one of {@linkcode INTERVENTIONS}. */
export type Intervention = (typeof INTERVENTIONS)[number];

/**
 * Whose definition of an intervention is meant, the authors' code in verl or the paper's equations. They differ
 * in what {@linkcode selectTokens} selects, and in the KL that KL-Cov adds.
 */
export const DEFINITIONS = ["verl", "paper"] as const;

/** Estimators of the KL to the reference (Schulman 2020), as verl's `kl`, `abs`, `mse`, `low_var_kl`. */
// reference_kl.wgsl knows them by their index.
export const KL_ESTIMATORS = ["k1", "abs", "k2", "k3"] as const;

/** How the KL to the reference is estimated: one of {@linkcode KL_ESTIMATORS}. */
export type KlEstimator = (typeof KL_ESTIMATORS)[number];

/** The settings of the policy loss. */
export interface PolicyLossSettings {
  /** How token losses become one. */
  readonly aggregation: Aggregation;
  /** What is done to the selected tokens. */
  readonly intervention: Intervention;
  /** Whose definition of the intervention, one of {@linkcode DEFINITIONS}; without one it does not matter. */
  readonly definition: (typeof DEFINITIONS)[number];
  /** ε below 1 of the ratio's clip; Infinity for none. */
  readonly clipLow: number;
  /** ε above 1; larger than `clipLow` for clip-higher; Infinity for none. */
  readonly clipHigh: number;
  /** c of the dual clip: the largest loss of a token is −A·c for negative advantages; Infinity for none. */
  readonly dualClip: number;
  /** The log-ratio is clamped to ± this: 20 in verl's plain PPO, Infinity elsewhere. */
  readonly largestLogRatio: number;
  /** β, the weight of the KL that KL-Cov adds to the selected tokens. */
  readonly klCoefficient: number;
  /** Weight of the entropy bonus. */
  readonly entropyCoefficient: number;
  /** Weight of the KL to the reference policy. */
  readonly referenceCoefficient: number;
  /** How that KL is estimated. */
  readonly referenceKl: KlEstimator;
}

/** PPO with ε = 0.2 and nothing else, as the paper's baseline; the authors' `compute_policy_loss`. */
export const PLAIN_PPO: PolicyLossSettings = {
  aggregation: "token-mean",
  intervention: "none",
  definition: "verl",
  clipLow: 0.2,
  clipHigh: 0.2,
  dualClip: Infinity,
  largestLogRatio: Infinity,
  klCoefficient: 1,
  entropyCoefficient: 0,
  referenceCoefficient: 0,
  referenceKl: "k3",
};

/** Clip-Cov as the authors ran it: ε = 1 on both sides, so that the clip only catches extremes. */
export const CLIP_COV: PolicyLossSettings = {
  ...PLAIN_PPO,
  intervention: "clip-cov",
  clipLow: 1,
  clipHigh: 1,
};

/** KL-Cov as the authors ran it: no ratio is clipped; verl's `compute_policy_loss_kl_cov`. */
export const KL_COV: PolicyLossSettings = {
  ...PLAIN_PPO,
  intervention: "kl-cov",
  clipLow: Infinity,
  clipHigh: Infinity,
};
