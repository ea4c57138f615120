import type { CovarianceInput } from "./covariance_reference.ts";

/** Cov(ln π, A) and Cov(ln π, π·A) of one prompt's responses. */
export interface GroupCovariance {
  /** With the advantage: what the natural policy gradient sees (paper, Theorem 2). */
  readonly withAdvantage: number;
  /** With π·A: what the policy gradient sees (paper, Theorem 1). */
  readonly withPolicyAdvantage: number;
}

/** The covariance of Eqs. 8 and 9 in float64, the definition that sequence_covariance.wgsl is held to. */
export function sequenceCovarianceReference(
  { logProb, advantages, mask }: CovarianceInput,
  columns: number,
  group: number,
): GroupCovariance[] {
  const rows = mask.length / columns;
  const responses = Array.from({ length: rows }, (_, row) => {
    const tokens = Array.from({ length: columns }, (_, column) => row * columns + column)
      .filter((i) => mask[i] !== 0);
    return tokens.length === 0 ? undefined : {
      logProb: mean(tokens.map((i) => logProb[i]!)),
      advantage: mean(tokens.map((i) => advantages[i]!)),
    };
  });
  return Array.from({ length: Math.ceil(rows / group) }, (_, g) => {
    const own = responses.slice(g * group, (g + 1) * group).filter((response) =>
      response !== undefined
    );
    const logProbs = own.map((response) => response.logProb);
    return {
      withAdvantage: covariance(logProbs, own.map(({ advantage }) => advantage)),
      withPolicyAdvantage: covariance(
        logProbs,
        own.map((response) => Math.exp(response.logProb) * response.advantage),
      ),
    };
  });
}

function mean(values: number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function covariance(x: number[], y: number[]): number {
  const [meanX, meanY] = [mean(x), mean(y)];
  return mean(x.map((value, i) => (value - meanX) * (y[i]! - meanY)));
}
