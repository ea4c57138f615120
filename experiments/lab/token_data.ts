import { mean } from "./mean.ts";
import type { Sample } from "./sample.ts";
import type { StepData } from "./step_data.ts";
import { PPO_CLIP, type TrainSettings } from "./train_settings.ts";

/** What the updates of a step saw of its B responses, in rows of R columns; whatever for padding. */
export interface UpdateTokens {
  /** R, the tokens of the rollout's longest response. */
  readonly columns: number;
  /** ln π of each token as the update that learns from it finds the policy, [B·R], in nats. */
  readonly logProb: ArrayLike<number>;
  /** Entropy of the distribution before each, of the same policy, [B·R], in nats. */
  readonly entropy: ArrayLike<number>;
  /** Not 0 for tokens that Clip-Cov or KL-Cov selects, [B·R]; undefined without them. */
  readonly selected: ArrayLike<number> | undefined;
}

/** A response token. */
interface Token {
  readonly logProb: number;
  readonly oldLogProb: number;
  readonly entropy: number;
  readonly advantage: number;
  readonly selected: boolean;
  /** Of the whole rollout, under the policy that made it (Eq. 10). */
  readonly covariance: number;
}

/**
 * What is logged of the tokens that a method is about: those that Clip-Cov or KL-Cov selects, and those that a wider
 * clip range than GRPO's lets through.
 */
export function methodTokenData(
  samples: readonly Sample[],
  seen: UpdateTokens,
  { clipLow, clipHigh }: TrainSettings,
): Partial<StepData> {
  const tokens = tokensOf(samples, seen);
  const touched = tokens.filter(({ selected }) => selected);
  const [low, high] = [clipLow ?? Infinity, clipHigh ?? Infinity];
  const freed = tokens.filter(({ logProb, oldLogProb, advantage }) => {
    const change = Math.exp(logProb - oldLogProb) - 1;
    return advantage > 0 ? change > PPO_CLIP && change <= high : advantage < 0 &&
      change < -PPO_CLIP && change >= -low;
  });
  return {
    ...(touched.length === 0 ? {} : {
      "touched/covariance": mean(touched.map(({ covariance }) => covariance)),
      "touched/log_prob": mean(touched.map(({ oldLogProb }) => oldLogProb)),
      "touched/positive": mean(touched.map(({ advantage }) => Number(advantage > 0))),
    }),
    ...(low > PPO_CLIP || high > PPO_CLIP ? { "freed/tokens": freed.length } : {}),
    ...(freed.length === 0
      ? {}
      : { "freed/covariance": mean(freed.map(({ covariance }) => covariance)) }),
  };
}

/**
 * What a single update did to the entropy at the states of its rollout, and what the theory says of it: means over
 * tokens, each a sample of a state s ~ d_π and an action a ~ π(·|s). Covariances of a state's actions with ln π are
 * taken with its exact mean: Cov(ln π, f) = E[(ln π + H)·f].
 *
 * @param after ln π and entropy of the tokens after the update, as in {@linkcode UpdateTokens}.
 */
export function firstOrderData(
  samples: readonly Sample[],
  seen: UpdateTokens,
  after: Pick<UpdateTokens, "logProb" | "entropy">,
): Partial<StepData> {
  const before = tokensOf(samples, seen);
  const now = tokensOf(samples, { ...seen, ...after });
  const meanOf = (value: (token: Token, now: Token) => number) =>
    mean(before.map((token, i) => value(token, now[i]!)));
  const centred = ({ logProb, entropy }: Token) => logProb + entropy;
  return {
    "theory/entropy_change": meanOf(({ entropy }, now) => now.entropy - entropy),
    "theory/lemma_1": -meanOf((token, now) => centred(token) * (now.logProb - token.logProb)),
    "theory/theorem_1": meanOf((token) =>
      centred(token) * Math.exp(token.logProb) * token.advantage
    ),
    "theory/theorem_2": meanOf((token) => centred(token) * token.advantage),
  };
}

/** The response tokens, in their order. */
function tokensOf(
  samples: readonly Sample[],
  { columns, logProb, entropy, selected }: UpdateTokens,
): Token[] {
  const meanLogProb = mean(samples.flatMap(({ oldLogProb }) => Array.from(oldLogProb)));
  const meanAdvantage = mean(
    samples.flatMap(({ response, advantages }) =>
      Array.from(response, (_, token) => advantages[token]!)
    ),
  );
  return samples.flatMap(({ response, oldLogProb, advantages }, row) =>
    Array.from(response, (_, token): Token => {
      const i = row * columns + token;
      const advantage = advantages[token]!;
      return {
        logProb: logProb[i]!,
        oldLogProb: oldLogProb[token]!,
        entropy: entropy[i]!,
        advantage,
        selected: selected !== undefined && selected[i] !== 0,
        covariance: (oldLogProb[token]! - meanLogProb) * (advantage - meanAdvantage),
      };
    })
  );
}
