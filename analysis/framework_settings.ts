import type { Framework } from "./readers/run.ts";
import { isOn, numberOf, settingOf, type Settings } from "./readers/setting.ts";

/** How a framework names what acts on the entropy, and how its entropy is logged. Names are dotted. */
export interface FrameworkSettings {
  /** The section that the names begin with, where they share one. */
  readonly section?: string;
  /** The upper clip: its settings, older names last; a list of two has the upper bound second. */
  readonly clipHigh?: readonly string[];
  /** The lower clip, or the one for both. */
  readonly clipLow?: readonly string[];
  /** The lower clip where the configuration has none. */
  readonly clipLowDefault?: number;
  /** How the upper clip is set to 0.28. */
  readonly setClipHigh?: string;
  /** The coefficient of the entropy bonus. */
  readonly bonus?: readonly string[];
  /** The setting that turns the bonus on, where the coefficient alone does not. */
  readonly bonusSwitch?: string;
  /** What sets the bonus, where that is not the first of its names alone. */
  readonly setBonus?: string;
  /** An entropy bonus that follows a target. */
  readonly adaptive?: string;
  /** The covariance losses. */
  readonly covariance?: CovarianceSettings;
  /** What is in their place, as the beginning of a sentence, where the framework has no covariance loss. */
  readonly instead?: string;
  /** What logs the entropy, in a sentence. */
  readonly logEntropy: string;
}

/** How a framework names the covariance losses. */
export interface CovarianceSettings {
  /** The loss, which is `kl_cov` or `clip_cov`. */
  readonly loss: string;
  /** The share of tokens that KL-Cov penalises. */
  readonly klShare: string;
  /** The coefficient of KL-Cov's penalty. */
  readonly klCoefficient: string;
  /** The share of tokens that Clip-Cov leaves out. */
  readonly clipShare: string;
  /** In a sentence: what is wrong with the losses in some versions, which a log does not show. */
  readonly fault?: string;
  /** The framework's own values of the three. */
  readonly defaults: {
    readonly klShare: number;
    readonly klCoefficient: number;
    readonly clipShare: number;
  };
}

const VERL = "actor_rollout_ref.actor";
const SKYRL = "trainer.algorithm";

/**
 * The settings of each framework, from its source as of summer 2026. Of frameworks without an entry none
 * are known.
 */
export const FRAMEWORK_SETTINGS: Partial<Record<Framework, FrameworkSettings>> = {
  verl: {
    section: VERL,
    clipHigh: [`${VERL}.clip_ratio_high`, `${VERL}.clip_ratio`],
    clipLow: [`${VERL}.clip_ratio_low`, `${VERL}.clip_ratio`],
    clipLowDefault: 0.2,
    setClipHigh: `${VERL}.clip_ratio_high=0.28`,
    bonus: [`${VERL}.entropy_coeff`],
    covariance: {
      loss: `${VERL}.policy_loss.loss_mode`,
      klShare: `${VERL}.policy_loss.kl_cov_ratio`,
      klCoefficient: `${VERL}.policy_loss.ppo_kl_coef`,
      clipShare: `${VERL}.policy_loss.clip_cov_ratio`,
      defaults: { klShare: 2e-4, klCoefficient: 0.1, clipShare: 2e-4 },
    },
    logEntropy:
      `verl logs actor/entropy (actor/entropy_loss up to 0.4.0) wherever its trainer recomputes the old log-probs: not with algorithm.rollout_correction.bypass_mode=True, and not in every recipe with a trainer of its own. From 0.7.0 on ${VERL}.calculate_entropy=True logs that of the update.`,
  },
  trl: {
    clipHigh: ["epsilon_high", "epsilon"],
    clipLow: ["epsilon"],
    setClipHigh: "epsilon_high=0.28",
    bonus: ["entropy_coef"],
    adaptive: "use_adaptive_entropy",
    logEntropy:
      "TRL's GRPOTrainer logs entropy since July 2025 (trl#3700), but not with the Liger loss: set use_liger_kernel=False (use_liger_loss before 0.25).",
  },
  "ms-swift": {
    clipHigh: ["epsilon_high", "epsilon"],
    clipLow: ["epsilon"],
    setClipHigh: "--epsilon_high 0.28",
    logEntropy: "ms-swift logs entropy/mean with --log_entropy true (since July 2025).",
  },
  openrlhf: {
    clipHigh: ["actor.eps_clip_low_high", "eps_clip_low_high", "actor.eps_clip", "eps_clip"],
    clipLow: ["actor.eps_clip_low_high", "eps_clip_low_high", "actor.eps_clip", "eps_clip"],
    setClipHigh: "--actor.eps_clip_low_high 0.2 0.28 (--eps_clip_low_high before 0.11)",
    bonus: ["actor.entropy_coef", "entropy_loss_coef"],
    setBonus: "--actor.entropy_coef, --entropy_loss_coef before 0.11",
    logEntropy:
      "OpenRLHF logs entropy_loss only if --actor.entropy_coef is set (--entropy_loss_coef before 0.11); 0 logs it without a bonus.",
  },
  skyrl: {
    section: SKYRL,
    clipHigh: [`${SKYRL}.eps_clip_high`],
    clipLow: [`${SKYRL}.eps_clip_low`],
    setClipHigh: `${SKYRL}.eps_clip_high=0.28`,
    bonus: [`${SKYRL}.entropy_loss_coef`],
    bonusSwitch: `${SKYRL}.use_entropy_loss`,
    setBonus: `${SKYRL}.use_entropy_loss=true and ${SKYRL}.entropy_loss_coef`,
    covariance: {
      loss: `${SKYRL}.policy_loss_type`,
      klShare: `${SKYRL}.kl_cov.kl_cov_frac`,
      klCoefficient: `${SKYRL}.kl_cov.ppo_kl_coef`,
      clipShare: `${SKYRL}.clip_cov.clip_ratio`,
      fault:
        "since 31 March 2026 SkyRL's Clip-Cov never acts, and KL-Cov's penalty is too strong by the number of tokens (SkyRL#1296).",
      defaults: { klShare: 0.2, klCoefficient: 1, clipShare: 2e-4 },
    },
    logEntropy: "SkyRL logs policy/policy_entropy in every update, without a setting.",
  },
  slime: {
    clipHigh: ["eps_clip_high", "eps_clip"],
    clipLow: ["eps_clip"],
    setClipHigh: "--eps-clip-high 0.28",
    bonus: ["entropy_coef"],
    setBonus: "--entropy-coef",
    logEntropy:
      "slime logs rollout/entropy with --use-rollout-entropy, and train/entropy_loss during the update.",
  },
  roll: {
    clipHigh: ["pg_clip_high", "pg_clip"],
    clipLow: ["pg_clip_low", "pg_clip"],
    setClipHigh: "use_pg_clip_range: true and pg_clip_high: 0.28",
    bonus: ["entropy_loss_coef"],
    logEntropy:
      "ROLL logs critic/entropy/mean where it recomputes the old log-probs, without a setting.",
  },
  "nemo-rl": {
    clipHigh: ["loss_fn.ratio_clip_max"],
    clipLow: ["loss_fn.ratio_clip_min"],
    setClipHigh: "loss_fn.ratio_clip_max=0.28",
    logEntropy: "NeMo-RL logs train/approx_entropy, an estimate, without a setting.",
  },
  "prime-rl": {
    logEntropy:
      "prime-rl's trainer, not its orchestrator, logs entropy/all/mean: read the trainer's log.",
  },
  areal: {
    clipHigh: ["actor.eps_clip_higher", "actor.eps_clip"],
    clipLow: ["actor.eps_clip"],
    setClipHigh: "actor.eps_clip_higher=0.28",
    logEntropy: "AReaL logs ppo_actor/update/entropy/avg in every update, without a setting.",
  },
  "open-instruct": {
    clipHigh: ["clip_higher"],
    clipLow: ["clip_lower"],
    setClipHigh: "--clip_higher 0.28",
    logEntropy: "open-instruct logs policy/entropy_avg with --record_entropy.",
  },
  tinker: {
    logEntropy: "tinker-cookbook's RL loop logs optim/entropy, an estimate, without a setting.",
  },
  "entropy-lab": {
    instead: "--intervention kl-cov, or clip-cov; clip-higher helps less",
    logEntropy: "deno task train logs actor/entropy at every step.",
  },
  torchtitan: {
    logEntropy: "torchtitan's RL trainer logs trainer/entropy/mean (torchtitan#3848).",
  },
};

/** A setting that was found. */
export interface FoundSetting {
  /** Its dotted name. */
  readonly name: string;
  /** Its value. */
  readonly value: number;
  /** Whether the configuration does not have it, so that its default holds. */
  readonly isDefault?: boolean;
}

/** What of a run's configuration acts on its entropy. */
export interface EntropyControls {
  /** The upper clip where it is above the lower. */
  readonly clipHigher?: FoundSetting & { readonly low: number };
  /** The coefficient of an entropy bonus that is on. */
  readonly bonus?: FoundSetting;
  /** The setting of an adaptive bonus that is on. */
  readonly adaptive?: string;
  /** The covariance loss that is on, with its share and, of KL-Cov, its coefficient. */
  readonly covariance?: {
    readonly loss: "kl_cov" | "clip_cov";
    readonly share: FoundSetting;
    readonly coefficient?: FoundSetting;
  };
}

/** What acts on the entropy, by a run's configuration; undefined without one. */
export function entropyControls(
  config: Settings | undefined,
  settings: FrameworkSettings,
): EntropyControls | undefined {
  if (config === undefined) return undefined;
  const high = firstOf(config, settings.clipHigh ?? [], 1);
  const low = firstOf(config, settings.clipLow ?? [], 0)?.value ?? settings.clipLowDefault;
  const bonus = firstOf(config, settings.bonus ?? [], 0);
  const isBonusOn = bonus !== undefined && bonus.value !== 0 &&
    (settings.bonusSwitch === undefined || isOn(settingOf(config, settings.bonusSwitch)) === true);
  const isAdaptive = settings.adaptive !== undefined &&
    isOn(settingOf(config, settings.adaptive)) === true;
  const covariance = covarianceOf(config, settings.covariance);
  return {
    ...(high !== undefined && low !== undefined && high.value > low
      ? { clipHigher: { ...high, low } }
      : {}),
    ...(isBonusOn ? { bonus } : {}),
    ...(isAdaptive ? { adaptive: settings.adaptive } : {}),
    ...(covariance === undefined ? {} : { covariance }),
  };
}

function covarianceOf(
  config: Settings,
  names: CovarianceSettings | undefined,
): EntropyControls["covariance"] {
  if (names === undefined) return undefined;
  const loss = settingOf(config, names.loss);
  const found = (name: string, value: number) => ({
    name,
    value: numberOf(settingOf(config, name)) ?? value,
    isDefault: numberOf(settingOf(config, name)) === undefined,
  });
  if (loss === "clip_cov") {
    return { loss, share: found(names.clipShare, names.defaults.clipShare) };
  }
  if (loss !== "kl_cov") return undefined;
  return {
    loss,
    share: found(names.klShare, names.defaults.klShare),
    coefficient: found(names.klCoefficient, names.defaults.klCoefficient),
  };
}

/** The first of several settings that is a number, or a list with one at a place. */
function firstOf(
  config: Settings,
  names: readonly string[],
  place: 0 | 1,
): FoundSetting | undefined {
  for (const name of names) {
    const value = settingOf(config, name);
    const number = numberOf(Array.isArray(value) ? value[place] : value);
    if (number !== undefined) return { name, value: number };
  }
  return undefined;
}
