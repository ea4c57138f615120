import { type TokenCovariance, tokenCovariance } from "../covariance/token_covariance.ts";
import type { Recorder } from "../runtime/recorder.ts";
import { type Selection, selectSample, selectTop } from "../selection/selection.ts";
import type { PolicyLossTensors } from "./policy_loss.ts";
import type { PolicyLossSettings } from "./settings.ts";

/** Which tokens Clip-Cov and KL-Cov restrict. */
export interface RestrictionSettings {
  /** r of Clip-Cov or k of KL-Cov, as a share of the response tokens. */
  readonly ratio: number;
  /** Clip-Cov: tokens with low < covariance < high are candidates. */
  readonly low: number;
  /** See `low`. */
  readonly high: number;
  /** Clip-Cov: of the draw; a whole number from 0 to 2^53 − 1. */
  readonly seed: number;
  /** Clip-Cov: tells apart the draws of one seed, such as those of minibatches; a 32-bit number. */
  readonly stream?: number;
}

/** verl's defaults of Clip-Cov: r = 0.0002, the interval (1, 5). KL-Cov's k is 0.0002 too. */
export const VERL_RESTRICTION: RestrictionSettings = { ratio: 0.0002, low: 1, high: 5, seed: 0 };

/**
 * Finds the tokens that the intervention of a policy loss restricts, from their covariance in this batch
 * (paper, Eqs. 10, 11 and 13): ⌊ratio·N⌋ of them in the paper's definition, at least one in verl's, which
 * for Clip-Cov also leaves out the tokens that PPO clips. With the intervention `none` only the covariance
 * is written. A response token with a log-probability or an advantage that is NaN makes every covariance NaN:
 * no token is restricted, and the {@linkcode policyLoss} of the same batch is NaN.
 *
 * @param selection Written: what {@linkcode policyLoss} takes as `selected`.
 * @throws {ShapeError} if shapes or types do not fit, or a setting is out of range.
 */
export function restrictTokens(
  recorder: Recorder,
  input: PolicyLossTensors,
  { intervention, clipLow, clipHigh }: PolicyLossSettings,
  { ratio, low, high, seed, stream = 0 }: RestrictionSettings,
  covariance: TokenCovariance,
  selection: Selection,
): void {
  tokenCovariance(recorder, input, covariance);
  const tokens = { covariance: covariance.covariance, mask: input.mask };
  switch (intervention) {
    case "none":
      return;
    case "kl-cov-paper":
      return selectTop(recorder, tokens, { ratio }, selection);
    case "kl-cov-verl":
      return selectTop(recorder, tokens, { ratio, atLeast: 1 }, selection);
    case "clip-cov-paper":
      return selectSample(recorder, tokens, { ratio }, { low, high, seed, stream }, selection);
    case "clip-cov-verl": {
      const unclipped = { ...input, clipLow, clipHigh };
      const options = { low, high, seed, stream, unclipped };
      return selectSample(recorder, tokens, { ratio, atLeast: 1 }, options, selection);
    }
  }
}
