import type { Framework, Moment } from "./run.ts";

/**
 * A key with `_`, `.` and `/` alike, in lower case: exports write `actor_entropy` for `actor/entropy`,
 * and `eval_reward` is `eval/reward` in W&B.
 */
export function normalKey(key: string): string {
  return key.toLowerCase().replace(/[_.]/g, "/");
}

/** A key under which a framework logs the policy entropy. */
export interface EntropyRule {
  /** Matches the normal form of the key (see {@linkcode normalKey}). */
  readonly pattern: RegExp;
  /** What is logged there. */
  readonly definition: string;
  /** When it is measured. */
  readonly measured: Moment;
}

const FULL = "full-vocabulary entropy at the sampling temperature, in nats per token";

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
    // verl since April 2025: the pass that recomputes old log-probs, aggregated by loss_agg_mode.
    pattern: /^actor\/entropy$/,
    definition: `${FULL}, of the rollout policy`,
    measured: "before the update",
  },
  {
    // verl before April 2025: masked mean of each micro-batch, averaged over the update.
    pattern: /^actor\/entropy\/loss$/,
    definition: `${FULL}, mean over the micro-batches of the update`,
    measured: "during the update",
  },
  {
    // prime-rl, and ms-swift's entropy/mean.
    pattern: /^(?:trainer\/)?entropy\/(?:all\/)?mean$/,
    definition: FULL,
    measured: "during the update",
  },
  {
    pattern: /^optim\/entropy$/, // tinker-cookbook: minus the mean log-prob of the sampled tokens.
    definition: "estimate from the sampled tokens (minus their mean log-prob), in nats per token",
    measured: "before the update",
  },
  {
    // SkyRL, open-instruct, slime, AReaL.
    pattern:
      /^(?:policy\/policy\/entropy|policy\/entropy\/avg|train\/entropy\/loss|(?:.*\/)?update\/entropy(?:\/avg)?)$/,
    definition: `${FULL}, mean over the update`,
    measured: "during the update",
  },
  {
    // TRL (entropy, train/entropy in W&B) and hand-made tables.
    pattern: /^(?:train\/|training\/|policy\/)?entropy$/,
    definition: "entropy as the log's author defined it, taken as nats per token",
    measured: "unknown",
  },
  {
    pattern: /^(?:train\/)?approx\/entropy$/, // NeMo-RL: importance-weighted log-prob.
    definition: "importance-weighted estimate from the sampled tokens, in nats per token",
    measured: "during the update",
  },
  {
    pattern: /^(?:loss\/)?entropy\/loss$/, // OpenRLHF
    definition: FULL,
    measured: "during the update",
  },
];

/** What TRL's GRPOTrainer logs as `entropy`, once its other keys show that it is TRL's. */
export const TRL_ENTROPY = {
  definition: `${FULL}, mean over the micro-batches of the logging window`,
  measured: "during the update",
} as const;

/** What is known of an entropy that only the caller knows. */
export const UNKNOWN_ENTROPY = {
  definition: "named by the caller, taken as nats per token",
  measured: "unknown",
} as const;

/** A family of keys under which performance is logged. */
export interface ScoreRule {
  /** Matches the normal form of the key; the group `benchmark`, where there is one, names the test set. */
  readonly pattern: RegExp;
  /** Held-out problems, the training rollouts, or not told by the key. */
  readonly kind: "validation" | "training" | "unknown";
}

/**
 * The keys of performance in order of preference: validation before training. All keys of the first
 * family that the log holds are benchmarks; of one benchmark the best key counts (see
 * {@linkcode scoreRank}), and R is the mean over benchmarks.
 */
export const SCORE_RULES: readonly ScoreRule[] = [
  {
    pattern: /^val-core\/(?<benchmark>.+)\/(?:acc|reward|score)\/(?:mean|maj|best)@\d+(?:\/mean)?$/,
    kind: "validation",
  },
  { pattern: /^val\/(?:test\/)?score[-/]all$/, kind: "validation" },
  { pattern: /^(?:val\/)?test\/score\/(?<benchmark>.+)$/, kind: "validation" },
  { pattern: /^test\/env\/all\/reward\/total$/, kind: "validation" },
  {
    pattern:
      /^(?:eval|val|validation|test)[-/](?:(?<benchmark>.+)\/)?(?:acc|accuracy|pass@\d+|pass\/rate|avg@\d+|mean@\d+|success\/rate|solve\/rate)(?:\/(?:mean|avg))?$/,
    kind: "validation",
  },
  {
    pattern:
      /^(?:eval|val|validation|test)[-/](?:(?<benchmark>.+)\/)?(?:reward|score)(?:\/mean|\/avg)?$/,
    kind: "validation",
  },
  {
    pattern: /^(?:performance|accuracy|acc|score|pass@\d+|success\/rate)(?:\/percent)?$/,
    kind: "unknown",
  },
  { pattern: /^critic\/score\/mean$/, kind: "training" },
  { pattern: /^critic\/rewards\/mean$/, kind: "training" },
  { pattern: /^env\/all\/reward\/total$/, kind: "training" },
  {
    pattern:
      /^(?:(?:train|rollout)\/)?(?:reward|reward\/mean|reward\/all\/mean|raw\/reward|reward\/avg\/raw\/reward|task\/reward)$/,
    kind: "training",
  },
];

/**
 * The benchmark that a key of a family names, as the key writes it: `math_500` and `math.500` are two, though
 * their normal form is one. Empty if it names none; undefined if the key is not of the family.
 */
export function benchmarkOf({ pattern }: ScoreRule, key: string): string | undefined {
  const normal = normalKey(key);
  if (!pattern.test(normal)) return undefined;
  const place = new RegExp(pattern, "d").exec(normal)?.indices?.groups?.["benchmark"];
  if (place === undefined) return "";
  // A few capital letters of other scripts are longer in lower case.
  return (normal.length === key.length ? key : normal).slice(...place);
}

/** How well a key stands for its benchmark: accuracy before reward, mean before majority before best, more samples first. */
export function scoreRank(key: string): number {
  const normal = normalKey(key);
  const statistic = /(mean|avg|pass|maj|best)@(\d+)/.exec(normal);
  const kinds = ["best", "maj", "pass", "avg", "mean"];
  return (/\bacc(?:uracy)?\b/.test(normal) ? 1e6 : 0) +
    (statistic === null
      ? 0
      : 1e4 * (1 + kinds.indexOf(statistic[1]!)) + Math.min(9999, Number(statistic[2])));
}

/** Whether a key names an accuracy, so that values above 1 are percent. */
export function namesAccuracy(key: string): boolean {
  return /\b(?:acc|accuracy|pass|success|solve|correct)\b|pass@|percent/.test(normalKey(key));
}

/** What may move together with entropy. */
export type CompanionName =
  | "clip fraction"
  | "KL to the rollout policy"
  | "KL to the reference"
  | "gradient norm"
  | "response length"
  | "truncated responses"
  | "groups without signal"
  | "training score";

/** The keys of each companion in order of preference, in normal form. */
export const COMPANION_RULES: Readonly<Record<CompanionName, readonly RegExp[]>> = {
  "clip fraction": [
    /^actor\/pg\/clipfrac$/,
    /^(?:train\/)?clip\/ratio\/region\/mean$/,
    /^(?:train\/)?(?:clip\/ratio|pg\/clipfrac|ppo\/clip\/ratio)$/,
    /^(?:policy|actor)\/(?:ppo\/clip\/ratio|clipfrac|clipfrac\/avg)$/,
  ],
  "KL to the rollout policy": [
    /^actor\/ppo\/kl$/,
    /^(?:train\/)?(?:ppo\/kl|approx\/kl)$/,
    /^optim\/kl\/sample\/train\/v1$/,
    /^mismatch\/kl\/(?:all\/)?mean$/,
  ],
  "KL to the reference": [
    /^actor\/kl\/loss$/,
    /^actor\/kl\/reference$/,
    /^actor\/reward\/kl\/penalty$/,
    /^(?:train\/)?kl$/,
    /^(?:train\/)?kl\/loss$/,
    /^policy\/policy\/kl$/,
  ],
  "gradient norm": [
    /^actor\/grad\/norm$/,
    /^(?:train\/|optim\/)?grad\/norm$/,
    /^policy\/raw\/grad\/norm$/,
  ],
  "response length": [
    /^response\/length\/mean$/,
    /^(?:train\/)?completions\/mean\/length$/,
    /^(?:train\/)?completion\/length$/,
    /^(?:train\/)?(?:output|response)[ /]length$/,
    /^rollout\/response\/len\/mean$/,
    /^env\/all\/ac\/tokens\/per\/turn$/,
    /^decode\/len\/all\/mean$/,
  ],
  "truncated responses": [
    /^response\/length\/clip\/ratio$/,
    /^(?:train\/)?completions\/clipped\/ratio$/,
    /^rollout\/truncated(?:\/ratio)?$/,
    /^is\/truncated\/all\/mean$/,
  ],
  "groups without signal": [
    /^(?:train\/)?frac\/reward\/zero\/std$/,
    /^groups\/without\/signal$/,
    /^rollout\/no\/signal\/groups$/,
    /^batch\/(?:solve\/)?none\/and\/all$/,
  ],
  "training score": [
    /^critic\/score\/mean$/,
    /^env\/all\/reward\/total$/,
    /^(?:(?:train|rollout)\/)?(?:reward|raw\/reward|reward\/all\/mean)$/,
  ],
};

/** Pairs of keys whose sum is the share of groups without signal: all wrong, all right. */
export const NO_SIGNAL_PARTS: readonly (readonly [RegExp, RegExp])[] = [
  [/^env\/all\/by\/group\/frac\/all\/bad$/, /^env\/all\/by\/group\/frac\/all\/good$/],
  [/^solve\/none\/all$/, /^solve\/all\/all$/],
];

const VALIDATION_KEY = /^(?:val|test|eval|validation)(?:[-/]|$)/;

const NEEDED: readonly RegExp[] = [
  ...ENTROPY_RULES.map(({ pattern }) => pattern),
  ...SCORE_RULES.map(({ pattern }) => pattern),
  ...Object.values(COMPANION_RULES).flat(),
  ...NO_SIGNAL_PARTS.flat(),
];

/** Whether an analysis here may need the values of a key. */
export function isNeeded(key: string): boolean {
  const normal = normalKey(key);
  return NEEDED.some((pattern) => pattern.test(normal));
}

/** Whether a key is of a validation and may be offered as a score: no spread, extreme or count. */
export function isValidationKey(key: string): boolean {
  const normal = normalKey(key);
  return VALIDATION_KEY.test(normal) && !/\b(?:std|min|max|total|num|runtime|per)\b/.test(normal);
}

/** Who wrote the keys of a log. */
export function frameworkOf(keys: Iterable<string>): Framework {
  const normal = new Set(Array.from(keys, normalKey));
  const has = (pattern: RegExp) => normal.values().some((key) => pattern.test(key));
  if (
    has(/^(?:actor\/(?:entropy|pg\/loss|pg\/clipfrac)|val-core\/|critic\/(?:score|rewards)\/mean)/)
  ) {
    return "verl";
  }
  if (has(/^optim\/(?:entropy|kl\/sample\/train\/v1)$/)) return "tinker";
  if (has(/^entropy\/all\/mean$|^mismatch\/kl\/all\/mean$/)) return "prime-rl";
  if (
    has(
      /^(?:train\/)?(?:frac\/reward\/zero\/std|completions\/mean\/length|clip\/ratio\/region\/mean)$/,
    )
  ) {
    return "trl";
  }
  return "unknown";
}
