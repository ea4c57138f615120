import { PLAIN_PPO, type PolicyLossSettings, type SelectionSettings } from "../../kernels/mod.ts";
import type { TrainSettings } from "./train_settings.ts";

/** The policy loss that a run's settings ask for. */
export function lossSettings(settings: TrainSettings): PolicyLossSettings {
  const { intervention, definition } = settings;
  const isCovariance = intervention === "clip-cov" || intervention === "kl-cov";
  return {
    ...PLAIN_PPO,
    aggregation: settings.aggregation,
    intervention: isCovariance ? intervention : "none",
    definition,
    clipLow: settings.clipLow ?? Infinity,
    clipHigh: settings.clipHigh ?? Infinity,
    dualClip: settings.dualClip ?? Infinity,
    klCoefficient: settings.klCoefficient,
    entropyCoefficient: intervention === "entropy-bonus" ? settings.entropyCoefficient : 0,
    referenceCoefficient: intervention === "reference-kl" ? settings.referenceCoefficient : 0,
    referenceKl: settings.referenceKl,
  };
}

/**
 * Whether a step compares the policy with the base model: where its loss has their KL, and where it is time to log
 * it.
 *
 * @param step The number of the rollout, from 1.
 */
export function comparesWithReference(
  { intervention, referenceKlEvery }: TrainSettings,
  step: number,
): boolean {
  return intervention === "reference-kl" ||
    (referenceKlEvery > 0 && (step - 1) % referenceKlEvery === 0);
}

/** Whether any step does; PRIME's reward model asks the base model besides. */
export function everComparesWithReference(settings: TrainSettings): boolean {
  // The first step is where it is time, if it ever is.
  return comparesWithReference(settings, 1);
}

/** Among which tokens Clip-Cov or KL-Cov selects; undefined where the intervention selects none. */
export function selectsAmong(settings: TrainSettings): TrainSettings["selection"] | undefined {
  return lossSettings(settings).intervention === "none" ? undefined : settings.selection;
}

/**
 * How many tokens Clip-Cov or KL-Cov selects, and how they are drawn.
 *
 * @param stream Tells apart the draws of a run, a 32-bit number.
 */
export function selectionSettings(settings: TrainSettings, stream: number): SelectionSettings {
  const { clipCovRatio, klCovRatio, covarianceLow, covarianceHigh, seed } = settings;
  return { clipCovRatio, klCovRatio, covarianceLow, covarianceHigh, seed, stream };
}
