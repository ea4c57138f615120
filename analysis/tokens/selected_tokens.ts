import { uniformInt } from "pure-rand/distribution/uniformInt";
import { mersenne } from "pure-rand/generator/mersenne";
import type { CovarianceSettings } from "./covariance_settings.ts";
import { covarianceAbout, type TokenBlock, type TokenDump } from "./dump.ts";
import type { MethodReports } from "./method_report.ts";
import { isClippedByPpo } from "./ppo_clip.ts";

/** A method that selects tokens by their covariance. */
export type CovarianceMethod = "kl-cov" | "clip-cov";

/** A token with its place in the dump, both counted from 0. */
export interface CovarianceToken {
  /** Row or line. */
  readonly sequence: number;
  /** Place in the sequence, prompt and padding counted. */
  readonly position: number;
  /** Its vocabulary id or text, where the dump tells it. */
  readonly token?: number | string;
  /** ln π. */
  readonly logProb: number;
  /** Its advantage. */
  readonly advantage: number;
  /** Its covariance (paper, Eq. 10). */
  readonly covariance: number;
  /** The methods that select it. */
  readonly methods: readonly CovarianceMethod[];
}

/** Whether token `i` of a block is a candidate of Clip-Cov. */
export function isCandidate(
  settings: Pick<CovarianceSettings, "definition" | "covarianceLow" | "covarianceHigh">,
  { logProb, oldLogProb, advantage }: TokenBlock,
  i: number,
  covariance: number,
): boolean {
  const { definition, covarianceLow, covarianceHigh } = settings;
  if (!(covariance > covarianceLow && covariance < covarianceHigh)) return false;
  return definition === "paper" || !isClippedByPpo(logProb[i]!, oldLogProb[i]!, advantage[i]!);
}

/** Asked for each token of a block in turn, in the order of the dump: the methods that select it. */
export type Selector = (block: TokenBlock, i: number, covariance: number) => CovarianceMethod[];

const NONE: CovarianceMethod[] = [];
const KL_COV: CovarianceMethod[] = ["kl-cov"];
const CLIP_COV: CovarianceMethod[] = ["clip-cov"];
const BOTH: CovarianceMethod[] = ["kl-cov", "clip-cov"];

/**
 * Says of one token after the other which methods select it: KL-Cov by its threshold, of tokens at the
 * threshold the first; Clip-Cov by selection sampling (Knuth, TAOCP 2, 3.4.2, algorithm S), so that every
 * set of candidates of the wanted size is equally likely.
 */
export function selector({ klCov, clipCov }: MethodReports): Selector {
  // Unlike other generators, this one is not alike at the start for seeds that are alike.
  const random = mersenne(clipCov.seed);
  const threshold = klCov.threshold ?? Infinity;
  let atThreshold = klCov.atThreshold;
  let wanted = clipCov.selected;
  let candidates = clipCov.candidates;
  return (block, i, covariance) => {
    let isTop = covariance > threshold;
    if (covariance === threshold && atThreshold > 0) {
      atThreshold--;
      isTop = true;
    }
    let isSampled = false;
    if (wanted > 0 && isCandidate(clipCov, block, i, covariance)) {
      isSampled = uniformInt(random, 0, candidates - 1) < wanted;
      candidates--;
      if (isSampled) wanted--;
    }
    return isTop ? isSampled ? BOTH : KL_COV : isSampled ? CLIP_COV : NONE;
  };
}

/** Token `i` of a block, with its covariance and the methods that select it. */
export function describeToken(
  tokens: TokenDump,
  block: TokenBlock,
  i: number,
  known: Pick<CovarianceToken, "covariance" | "methods">,
): CovarianceToken {
  const token = tokens.tokenOf(block.token[i]!);
  return {
    sequence: block.sequence[i]!,
    position: block.position[i]!,
    ...(token === undefined ? {} : { token }),
    logProb: block.logProb[i]!,
    advantage: block.advantage[i]!,
    ...known,
  };
}

/** Every token that the methods of a report select, in the order of the dump that it was made from. */
export function* selectedTokens(
  tokens: TokenDump,
  report: MethodReports,
): Generator<CovarianceToken> {
  const select = selector(report);
  for (const block of tokens.blocks()) {
    for (let i = 0; i < block.logProb.length; i++) {
      const covariance = covarianceAbout(tokens, block.logProb[i]!, block.advantage[i]!);
      const methods = select(block, i, covariance);
      if (methods.length > 0) yield describeToken(tokens, block, i, { covariance, methods });
    }
  }
}
