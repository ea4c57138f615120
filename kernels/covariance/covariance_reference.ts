/** Tokens of a batch. */
export interface CovarianceInput {
  /** Log-probabilities of the current policy. */
  readonly logProb: ArrayLike<number>;
  /** Advantages. */
  readonly advantages: ArrayLike<number>;
  /** Not 0, whatever else, for response tokens; 0 for padding. */
  readonly mask: ArrayLike<number>;
}

/** Covariance of each token, and what it is taken about. */
export interface CovarianceOutput {
  /** Number of response tokens. */
  readonly count: number;
  /** Mean log-probability of response tokens. */
  readonly meanLogProb: number;
  /** Mean advantage of response tokens. */
  readonly meanAdvantage: number;
  /** (ln π − mean)·(A − mean) of each token (paper, Eq. 10); 0 for padding. */
  readonly covariance: Float64Array;
  /** Its mean over response tokens. */
  readonly mean: number;
}

/** The covariance of Eq. 10 in float64, the definition that token_covariance.wgsl is held to. */
export function covarianceReference(
  { logProb, advantages, mask }: CovarianceInput,
): CovarianceOutput {
  let [count, sumLogProb, sumAdvantage] = [0, 0, 0];
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue;
    count++;
    sumLogProb += logProb[i]!;
    sumAdvantage += advantages[i]!;
  }
  const meanLogProb = count === 0 ? 0 : sumLogProb / count;
  const meanAdvantage = count === 0 ? 0 : sumAdvantage / count;
  const covariance = Float64Array.from(
    { length: mask.length },
    (_, i) => mask[i] === 0 ? 0 : (logProb[i]! - meanLogProb) * (advantages[i]! - meanAdvantage),
  );
  const total = covariance.reduce((sum, value) => sum + value, 0);
  return { count, meanLogProb, meanAdvantage, covariance, mean: count === 0 ? 0 : total / count };
}
