import type { Definition } from "./covariance_settings.ts";

/** What a method selects. */
export interface MethodReport {
  /** Whose definition of the method. */
  readonly definition: Definition;
  /** The number of tokens that the definition asks for. */
  readonly asked: number;
  /** The number of tokens that are selected. */
  readonly selected: number;
  /** Their share of the response tokens. */
  readonly share: number;
  /**
   * The sum of their covariances over that of all response tokens; null if the latter is 0, or so small that
   * the ratio overflows.
   */
  readonly covarianceShare: number | null;
  /** The same of covariances above 0 only. */
  readonly positiveShare: number | null;
}

/** What KL-Cov selects. */
export interface KlCovReport extends MethodReport {
  /** The share of tokens that it was told to select. */
  readonly klCovRatio: number;
  /** The lowest covariance that is selected; null if none is. */
  readonly threshold: number | null;
  /** How many tokens with exactly this covariance are selected: the first in the order of the dump. */
  readonly atThreshold: number;
}

/** What Clip-Cov selects. */
export interface ClipCovReport extends MethodReport {
  /** The share of tokens that it was told to select. */
  readonly clipCovRatio: number;
  /** The covariance above which a token is a candidate. */
  readonly covarianceLow: number;
  /** The covariance below which a token is a candidate. */
  readonly covarianceHigh: number;
  /** Seed of the sample. */
  readonly seed: number;
  /** The number of candidates. */
  readonly candidates: number;
}

/** What both methods select of a batch. */
export interface MethodReports {
  /** KL-Cov's. */
  readonly klCov: KlCovReport;
  /** Clip-Cov's. */
  readonly clipCov: ClipCovReport;
}
