/** What may move together with entropy. */
export type CompanionName =
  | "clip fraction"
  | "KL to the rollout policy"
  | "KL to the reference"
  | "gradient norm"
  | "response length"
  | "truncated responses"
  | "groups without signal"
  | "groups too easy"
  | "groups too hard"
  | "train/inference mismatch"
  | "clipped at the lower bound"
  | "clipped at the upper bound"
  | "training score";

/** A KL in nats per response, not per token: that of TRL's PPO and RLOO before 2026. */
export const SUMMED_KL = /^objective\/kl$/;

/** The keys of each companion in order of preference, in normal form. */
export const COMPANION_RULES: Readonly<Record<CompanionName, readonly RegExp[]>> = {
  "clip fraction": [
    /^actor\/pg\/clipfrac$/,
    /^(?:train\/)?clip\/ratio\/region\/mean$/,
    /^(?:train\/)?(?:clip\/ratio|pg\/clipfrac|ppo\/clip\/ratio|cispo\/clip\/ratio|clipfrac)(?:\/mean)?$/,
    /^(?:policy|actor)\/(?:ppo\/clip\/ratio|clipfrac|clipfrac\/avg)$/,
    /^policy\/loss\/metrics\/clip\/ratio$/, // SkyRL
    /^actor\/ppo\/ratio\/clipfrac(?:@sum)?$/, // ROLL
    /^ppo\/actor\/update\/clip\/ratio\/avg$/, // AReaL
    /^is\/masked\/(?:all\/)?mean$/, // prime-rl: what its trust region masks.
  ],
  "KL to the rollout policy": [
    /^actor\/ppo\/kl$/,
    /^(?:train\/)?(?:ppo\/kl|approx\/kl)$/,
    /^(?:actor\/)?approxkl$/, // ROLL
    /^(?:policy\/approxkl\/avg|ppo\/actor\/update\/approx\/kl\/avg)$/,
    /^loss\/avg\/kl$/, // SkyRL
  ],
  "KL to the reference": [
    /^actor\/kl\/loss$/,
    /^actor\/kl\/reference$/,
    /^actor\/reward\/kl\/penalty$/,
    /^(?:train\/)?kl(?:[ /]divergence)?$/,
    /^(?:train\/)?kl\/(?:loss|penalty)$/,
    /^policy\/policy\/kl$/,
    /^(?:loss\/kl\/avg|objective\/kl\d*\/avg|objective\/kl)$/, // open-instruct, TRL's PPO
  ],
  "gradient norm": [
    /^actor\/grad\/norm$/,
    /^(?:train\/|optim\/)?grad\/norm$/,
    /^policy\/(?:raw\/)?grad\/norm$/,
    /^ppo\/actor\/update\/grad\/norm(?:\/avg)?$/,
  ],
  "response length": [
    /^response\/length\/mean$/,
    /^(?:train\/)?completions\/mean\/length$/,
    /^(?:train\/)?completion\/length$/,
    /^(?:train\/)?(?:output|response)[ /]length$/,
    /^tokens?\/response\/length\/mean$/, // ROLL
    /^response\/length\/non\/aborted\/mean$/,
    /^rollout\/response\/(?:len\/mean|lengths?)$/, // slime
    /^(?:generate\/avg\/num\/tokens|policy\/response\/length)$/, // SkyRL
    /^train\/mean\/gen\/tokens\/per\/sample$/, // NeMo-RL
    /^train\/(?:all|effective)\/(?:.+\/)?num\/output\/tokens\/mean$/, // prime-rl
    /^ppo\/actor\/seq\/len\/avg$/, // AReaL
    /^val\/sequence\/lengths$/, // open-instruct: of the training batch in spite of its name.
    /^env\/all\/ac\/tokens\/per\/turn$/,
    /^decode\/len\/all\/mean$/,
    /^eval\/.+\/response\/len(?:gth)?\/mean$/, // OpenRLHF, slime
    /^val-aux\/.+\/response\/length\/mean@\d+$/, // verl: where the reward function gives it.
    /^(?:validation\/avg\/length|eval\/sequence\/lengths)$/,
  ],
  "truncated responses": [
    /^response\/length\/clip\/ratio$/,
    /^response\/length\/non\/aborted\/clip\/ratio$/, // verl since v0.6
    /^(?:train\/)?completions\/clipped\/ratio$/,
    /^rollout\/truncated(?:\/ratio)?$/,
    /^(?:train\/)?(?:truncated|truncation\/rate)$/, // OpenRLHF, NeMo-RL
    /^is\/truncated\/all\/mean$/,
    /^train\/(?:all|effective)\/(?:.+\/)?is\/truncated\/mean$/, // prime-rl
    /^ppo\/actor\/no\/eos\/ratios\/avg$/, // AReaL
    /^eval\/.+-truncated\/ratio$/, // slime
    /^eval\/eval\/truncated\/rate$/, // OpenRLHF
  ],
  "groups without signal": [
    /^(?:train\/)?frac\/reward\/zero\/std$/,
    /^groups\/without\/signal$/,
    /^rollout\/no\/signal\/groups$/,
    /^batch\/(?:solve\/)?none\/and\/all$/,
  ],
  "groups too easy": [
    /^env\/all\/by\/group\/frac\/all\/good$/, // tinker-cookbook
    /^(?:train\/(?:all|effective)\/(?:.+\/)?)?solve(?:d)?\/all(?:\/all)?(?:\/mean)?$/, // prime-rl
    /^rollout\/zero\/std\/count\/1(?:\/0)?$/, // slime: groups whose rewards are all 1.
  ],
  "groups too hard": [
    /^env\/all\/by\/group\/frac\/all\/bad$/,
    /^group\/reward\/all\/zero\/rate$/, // a fork of verl
    /^(?:train\/(?:all|effective)\/(?:.+\/)?)?solve(?:d)?\/none(?:\/all)?(?:\/mean)?$/,
    /^rollout\/zero\/std\/count\/(?:-?0(?:\/0)?|-1(?:\/0)?)$/,
  ],
  "train/inference mismatch": [
    /^rollout\/corr\/(?:k3\/)?kl$/, // verl since v0.6
    /^training\/rollout\/probs\/diff\/mean$/,
    /^mismatch\/kl\/(?:all\/)?mean$/, // prime-rl
    /^optim\/kl\/sample\/train\/v1$/, // tinker-cookbook
    /^(?:train\/)?gen\/kl\/error$/, // NeMo-RL
    /^(?:train\/)?sampling\/sampling\/logp\/difference\/mean$/, // TRL
    /^train\/train\/rollout\/logprob\/abs\/diff$/, // slime
  ],
  "clipped at the lower bound": [/^(?:train\/)?clip\/ratio\/low\/mean$/], // TRL, ms-swift
  "clipped at the upper bound": [/^(?:train\/)?clip\/ratio\/high\/mean$/],
  "training score": [
    /^critic\/score\/mean$/,
    /^env\/all\/reward\/total$/,
    /^(?:(?:train|rollout)\/)?(?:reward|raw\/reward|reward\/all\/mean)$/,
  ],
};

/** Keys that no rule takes as a companion, and that tell of the mismatch between trainer and sampler all the same. */
export const MISMATCH_KEYS = /^(?:rollout\/corr\/|training\/rollout\/)/;

/**
 * The smallest and the largest reward of a batch: by whole names, as `format_reward_min` is of one term. Those of
 * prime-rl, `reward/all/min`, are of the prompts' means.
 */
export const REWARD_ENDS =
  /^(?:(?:train|training|rollout|critic|episode|env\/all|objective|ppo\/actor\/task)\/)?(?:scores?|rewards?)\/(?:min|max)$/;

/** The spread of the rewards, by TRL: in a group on average, or in the batch. */
export const REWARD_SPREAD = /^(?:train\/)?reward\/std$/;

/**
 * How a key's words tell a companion where its name is not known: all patterns of the first list occur
 * among the words, none of the second.
 */
export const COMPANION_WORDS: Partial<
  Record<CompanionName, { readonly all: readonly RegExp[]; readonly none: RegExp }>
> = {
  "clip fraction": {
    all: [/^(?:clip|clipped|clipfrac|clamped)$/, /^(?:frac|fraction|ratio|rate|clipfrac)$/],
    none:
      /^(?:response|responses|length|completion|completions|value|values|vf|critic|grad|norm|low|lower|high|higher|upper|eps|epsilon|range|dual|coef|max|min|std)$/,
  },
  "gradient norm": {
    all: [/^(?:grad|grads|gradient|gradients|gradnorm)$/, /^(?:norm|gradnorm)$/],
    none: /^(?:critic|value|values|vf|clip|clipped|max|min|std|threshold)$/,
  },
  "response length": {
    all: [
      /^(?:response|responses|completion|completions|output|outputs|generation|gen|generated|sequence|seq)$/,
      /^(?:length|lengths|len|tokens)$/,
    ],
    none:
      /^(?:prompt|input|clip|clipped|max|min|std|median|total|ratio|frac|fraction|throughput|per|sec|second|time|truncated|aborted|reward|penalty|global|seqlen|eval|val|validation|test|loss)$/,
  },
  "truncated responses": {
    all: [/^(?:truncated|truncation|truncate|overlong)$/],
    none:
      /^(?:eval|val|validation|test|std|max|min|is|tis|importance|reward|penalty|length|count)$/,
  },
};
