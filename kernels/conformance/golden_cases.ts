import type { Aggregation } from "../policy_loss/policy_loss_settings.ts";

/** What the files of tests/golden hold. */
export interface GoldenCases {
  /** softmax.json. */
  readonly softmax?: readonly SoftmaxCase[];
  /** policy_loss.json. */
  readonly policyLoss?: readonly PolicyLossGroup[];
  /** kl_penalty.json. */
  readonly klPenalty?: readonly KlPenaltyCase[];
}

/** A case of softmax.json. */
export interface SoftmaxCase {
  /** Number of rows. */
  readonly rows: number;
  /** Number of columns. */
  readonly vocab: number;
  /** Divides the logits. */
  readonly temperature: number;
  /** Rows × vocab. */
  readonly logits: readonly number[];
  /** One for each row. */
  readonly targets: readonly number[];
  /** Expected log-probabilities. */
  readonly log_prob: readonly number[];
  /** Expected entropies. */
  readonly entropy: readonly number[];
  /** Expected log Z. */
  readonly log_z: readonly number[];
  /** Gradient with respect to the log-probabilities. */
  readonly upstream_log_prob: readonly number[];
  /** Gradient with respect to the entropies. */
  readonly upstream_entropy: readonly number[];
  /** Expected gradient with respect to the logits, of small vocabularies. */
  readonly grad_logits?: readonly number[];
  /** The beginning of its first row, of large ones. */
  readonly grad_logits_first_row?: readonly number[];
  /** The sum of its absolute values in each row, of large ones. */
  readonly grad_logits_row_sums_abs?: readonly number[];
}

/** A batch of policy_loss.json and its cases. */
export interface PolicyLossGroup {
  /** The batch, B × T. */
  readonly input: {
    readonly B: number;
    readonly T: number;
    readonly log_prob: readonly number[];
    readonly old_log_prob: readonly number[];
    readonly advantages: readonly number[];
    readonly mask: readonly number[];
  };
  /** What was computed of it. */
  readonly cases: readonly PolicyLossCase[];
}

/** A case of policy_loss.json. */
export interface PolicyLossCase {
  /** verl or authors. */
  readonly implementation: string;
  /** Which loss. */
  readonly loss: "ppo_clip" | "clip_cov" | "kl_cov";
  /** How token losses become one. */
  readonly aggregation: Aggregation;
  /** The settings, in the names of the implementation. */
  readonly params: Readonly<Record<string, number>>;
  /** Response tokens of zero gradient, of Clip-Cov. */
  readonly zeroed_tokens?: readonly number[];
  /** The results; null where not finite. */
  readonly expected: {
    readonly loss: number | null;
    readonly grad_log_prob: readonly (number | null)[];
    readonly metrics: Readonly<Record<string, number | null>>;
  };
}

/** A case of kl_penalty.json. */
export interface KlPenaltyCase {
  /** Log-probabilities of the policy. */
  readonly log_prob: readonly number[];
  /** Those of the reference. */
  readonly ref_log_prob: readonly number[];
  /** Estimates of the KL, by verl's names. */
  readonly expected: Readonly<Record<"kl" | "abs" | "mse" | "low_var_kl", readonly number[]>>;
}
