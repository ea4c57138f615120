import { UserError } from "../../formats/errors.ts";

/**
 * Whose definition of the two methods:
 *
 * - `paper`: KL-Cov selects the ⌊kN⌋ tokens of highest covariance (Eq. 13), Clip-Cov ⌊rN⌋ at random among
 *   those with a covariance between the bounds (Eq. 11);
 * - `verl`: at least one token each (KL-Cov none for a ratio of 0), and tokens that PPO clips already are
 *   no candidates of Clip-Cov.
 */
export type Definition = "paper" | "verl";

/** What Clip-Cov and KL-Cov are told. */
export interface CovarianceSettings {
  /** Whose definition of them. */
  readonly definition: Definition;
  /** The share of tokens that KL-Cov selects: the paper's k (Eq. 13), verl's `kl_cov_ratio`. */
  readonly klCovRatio: number;
  /** The share of tokens that Clip-Cov selects: the paper's r (Eq. 11), verl's `clip_cov_ratio`. */
  readonly clipCovRatio: number;
  /** The covariance above which a token is a candidate of Clip-Cov: ω_low, `clip_cov_lb`. */
  readonly covarianceLow: number;
  /** The covariance below which a token is a candidate of Clip-Cov: ω_high, `clip_cov_ub`. */
  readonly covarianceHigh: number;
  /** Seed of Clip-Cov's sample, an integer from 0 to 2^32 − 1. */
  readonly seed: number;
}

/** KL-Cov's ratio as in the paper for 7B (for 32B it is 2e-4, as in verl), Clip-Cov as in the paper and verl. */
export const DEFAULT_SETTINGS: CovarianceSettings = {
  definition: "paper",
  klCovRatio: 2e-3,
  clipCovRatio: 2e-4,
  covarianceLow: 1,
  covarianceHigh: 5,
  seed: 1,
};

const isShare = (value: number) => value >= 0 && value <= 1;

/**
 * Refuses settings that mean nothing.
 *
 * @param name How the sentence calls a setting.
 * @throws {UserError} if a setting is out of range.
 */
export function checkSettings(
  settings: CovarianceSettings,
  name: (setting: keyof CovarianceSettings) => string = (setting) => setting,
): void {
  const { klCovRatio, clipCovRatio, covarianceLow, covarianceHigh, seed } = settings;
  const refuse = (setting: keyof CovarianceSettings, expected: string) => {
    throw new UserError(`${name(setting)} is ${settings[setting]}, expected ${expected}.`);
  };
  if (!isShare(klCovRatio)) refuse("klCovRatio", "a share from 0 to 1");
  if (!isShare(clipCovRatio)) refuse("clipCovRatio", "a share from 0 to 1");
  if (!Number.isFinite(covarianceLow)) refuse("covarianceLow", "a finite number");
  if (!Number.isFinite(covarianceHigh)) refuse("covarianceHigh", "a finite number");
  if (!(covarianceHigh > covarianceLow)) {
    refuse("covarianceHigh", `a number above ${name("covarianceLow")}, which is ${covarianceLow}`);
  }
  if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) {
    refuse("seed", "an integer from 0 to 4294967295");
  }
}
