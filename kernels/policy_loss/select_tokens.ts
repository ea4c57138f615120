import { type TokenCovariance, tokenCovariance } from "../covariance/token_covariance.ts";
import type { Recorder } from "../runtime/recorder.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { type Selection, selectSample, selectTop } from "../selection/selection.ts";
import type { PolicyLossSettings } from "./policy_loss_settings.ts";

/** How many tokens Clip-Cov and KL-Cov select, and from which. */
export interface SelectionSettings {
  /** r of Clip-Cov, a share of the response tokens; verl's clip_cov_ratio. */
  readonly clipCovRatio: number;
  /** k of KL-Cov, a share of the response tokens; verl's kl_cov_ratio. */
  readonly klCovRatio: number;
  /** Clip-Cov: tokens with covarianceLow < covariance < covarianceHigh are candidates (paper: ω_low, ω_high). */
  readonly covarianceLow: number;
  /** See `covarianceLow`. */
  readonly covarianceHigh: number;
  /** Clip-Cov: of the draw; a whole number from 0 to 2^53 − 1. */
  readonly seed: number;
  /** Clip-Cov: tells apart the draws of one seed, such as those of minibatches, a 32-bit number; 0 by default. */
  readonly stream?: number;
}

/** verl's defaults: r = k = 0.0002, Clip-Cov's interval (1, 5). */
export const VERL_SELECTION: SelectionSettings = {
  clipCovRatio: 0.0002,
  klCovRatio: 0.0002,
  covarianceLow: 1,
  covarianceHigh: 5,
  seed: 0,
};

/** What {@linkcode selectTokens} writes. */
export interface TokenSelection {
  /** The covariance of each token. */
  readonly covariance: TokenCovariance;
  /** The selected tokens, which {@linkcode policyLoss} takes as `selected`; not written without an intervention. */
  readonly selection: Selection;
}

/** What {@linkcode selectTokens} takes; tensors of any shape with N elements. */
export interface SelectTokensOptions extends SelectionSettings {
  /** Log-probabilities of the current policy, in f32. */
  readonly logProb: Tensor;
  /** Log-probabilities of the rollout policy, in f32. */
  readonly oldLogProb: Tensor;
  /** Advantages, in f32. */
  readonly advantages: Tensor;
  /** Not 0, whatever else, for response tokens; 0 for padding; in u32. */
  readonly mask: Tensor;
  /** The loss whose intervention selects. */
  readonly settings: PolicyLossSettings;
  /** Where the results go. */
  readonly out: TokenSelection;
}

/**
 * Finds the tokens that the intervention of a policy loss selects, by their covariance in this batch (paper,
 * Eqs. 10, 11 and 13): ⌊r·N⌋ or ⌊k·N⌋ of them in the paper's definition, at least one in verl's, which for Clip-Cov
 * also leaves out the tokens that PPO clips. With the intervention `none` only the covariance is written. A
 * response token with a log-probability or an advantage that is NaN makes every covariance NaN: no token is
 * selected, and the {@linkcode policyLoss} of the same batch is NaN.
 *
 * @throws {ShapeError} if shapes or types do not fit, or a setting is out of range.
 */
export function selectTokens(recorder: Recorder, options: SelectTokensOptions): void {
  const { logProb, oldLogProb, advantages, mask, settings, out } = options;
  const { intervention, definition, clipLow, clipHigh } = settings;
  tokenCovariance(recorder, { logProb, advantages, mask, out: out.covariance });
  const common = {
    covariance: out.covariance.covariance,
    mask,
    atLeast: definition === "verl" ? 1 : 0,
    out: out.selection,
  };
  switch (intervention) {
    case "none":
      return;
    case "kl-cov":
      return selectTop(recorder, { ...common, share: options.klCovRatio });
    case "clip-cov": {
      const { covarianceLow, covarianceHigh, seed, stream = 0 } = options;
      return selectSample(recorder, {
        ...common,
        share: options.clipCovRatio,
        covarianceLow,
        covarianceHigh,
        seed,
        stream,
        ...(definition === "verl"
          ? { unclipped: { logProb, oldLogProb, advantages, clipLow, clipHigh } }
          : {}),
      });
    }
    default:
      intervention satisfies never;
  }
}
