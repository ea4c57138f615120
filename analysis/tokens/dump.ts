/** The formats of token dumps. */
export type DumpFormat = "safetensors" | "npz" | "jsonl" | "prime-rl";

/** How far the policy moved from the one that made the rollout. */
export interface RatioStatistics {
  /** Response tokens whose old log-probability is known. */
  readonly tokens: number;
  /** Share of them that PPO clips at ε = 0.2. */
  readonly clipFraction: number;
  /** Mean of |ln π − ln π_old| over them, in nats. */
  readonly meanAbsoluteLogRatio: number;
}

/** Consecutive response tokens, column by column. */
export interface TokenBlock {
  /** ln π of each token under the current policy. */
  readonly logProb: Float64Array;
  /** Advantages. */
  readonly advantage: Float64Array;
  /** ln π under the policy that made the rollout; NaN where the dump does not tell it. */
  readonly oldLogProb: Float64Array;
  /** The row or line that a token stands in, from 0. */
  readonly sequence: Uint32Array;
  /** Its place there, from 0, padding and prompt counted. */
  readonly position: Uint32Array;
  /** Its vocabulary id (≥ 0), a text of the dump (−2 and below), or −1 for unknown. */
  readonly token: Int32Array;
}

/**
 * The response tokens of one batch, in a temporary file: dispose of it (`using`) when done. Sequences
 * and positions are counted from 0.
 */
export interface TokenDump extends Disposable {
  /** Where it was read from. */
  readonly source: string;
  /** Recognised from the content. */
  readonly format: DumpFormat;
  /** Number of sequences; 1 for a flat list of tokens. */
  readonly sequences: number;
  /** Number of response tokens, but for those left out. */
  readonly tokens: number;
  /** Number of tokens whose mask is 0: padding and prompts. */
  readonly padding: number;
  /** Number of response tokens left out because ln π or A is not a finite number. */
  readonly leftOut: number;
  /** Lines that could not be used: how many, and the first three in words. */
  readonly malformed: { readonly count: number; readonly examples: readonly string[] };
  /** What a reader should know about the dump, in sentences. */
  readonly notes: readonly string[];
  /** Mean of ln π over response tokens, in nats. */
  readonly meanLogProb: number;
  /** Mean advantage over response tokens. */
  readonly meanAdvantage: number;
  /** Present if the dump tells an old log-probability of any response token. */
  readonly ratio?: RatioStatistics;
  /** The response tokens in the order of the dump; a block is valid until the next one is asked for. */
  blocks(): Iterable<TokenBlock>;
  /** The covariance of each response token (paper, Eq. 10), in blocks that are valid as long. */
  covariances(): Iterable<Float64Array>;
  /** What a value of {@linkcode TokenBlock.token} stands for: an id, a text, or nothing. */
  tokenOf(value: number): number | string | undefined;
}

/** The covariance of one token about the means over response tokens (paper, Eq. 10). */
export function covarianceAbout(
  { meanLogProb, meanAdvantage }: Pick<TokenDump, "meanLogProb" | "meanAdvantage">,
  logProb: number,
  advantage: number,
): number {
  // + 0 turns −0 into 0: they are equal, and must sort so.
  return (logProb - meanLogProb) * (advantage - meanAdvantage) + 0;
}
