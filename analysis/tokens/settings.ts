import { UserError } from "../../formats/errors.ts";

/**
 * Whose definition of the two methods:
 *
 * - `paper`: KL-Cov takes the ⌊kN⌋ tokens of highest covariance (Eq. 13), Clip-Cov ⌊rN⌋ at random among
 *   those with a covariance between the bounds (Eq. 11);
 * - `verl`: at least one token each (KL-Cov none for a ratio of 0), and tokens that PPO clips already are
 *   no candidates of Clip-Cov.
 */
export type Definition = "paper" | "verl";

/** What Clip-Cov and KL-Cov are told. */
export interface CovarianceSettings {
  /** Whose definition of them. */
  readonly definition: Definition;
  /** k, the share of tokens that KL-Cov takes. */
  readonly klRatio: number;
  /** r, the share of tokens that Clip-Cov takes. */
  readonly clipRatio: number;
  /** The covariance above which a token is a candidate of Clip-Cov. */
  readonly low: number;
  /** The covariance below which a token is a candidate of Clip-Cov. */
  readonly high: number;
  /** Seed of Clip-Cov's sample, an integer from 0 to 2^32 − 1. */
  readonly seed: number;
}

/**
 * KL-Cov's k as in the paper for 7B (for 32B it is 2e-4, as verl's `kl_cov_ratio`), Clip-Cov as in the
 * paper and verl (`clip_cov_ratio`, `clip_cov_lb`, `clip_cov_ub`).
 */
export const DEFAULT_SETTINGS: CovarianceSettings = {
  definition: "paper",
  klRatio: 2e-3,
  clipRatio: 2e-4,
  low: 1,
  high: 5,
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
  const { klRatio, clipRatio, low, high, seed } = settings;
  const refuse = (setting: keyof CovarianceSettings, expected: string) => {
    throw new UserError(`${name(setting)} is ${settings[setting]}, expected ${expected}.`);
  };
  if (!isShare(klRatio)) refuse("klRatio", "a share from 0 to 1");
  if (!isShare(clipRatio)) refuse("clipRatio", "a share from 0 to 1");
  if (!Number.isFinite(low)) refuse("low", "a finite number");
  if (!Number.isFinite(high)) refuse("high", "a finite number");
  if (!(high > low)) refuse("high", `a number above ${name("low")}, which is ${low}`);
  if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) {
    refuse("seed", "an integer from 0 to 4294967295");
  }
}
