import type {
  CovarianceSettings,
  EntropyControls,
  FrameworkSettings,
} from "../framework_settings.ts";
import type { Run } from "../readers/run.ts";
import { numberOf, settingOf } from "../readers/setting.ts";
import { percent, round } from "./words.ts";

/** What keeps the entropy up, by what is on already. */
export function raiseText(
  run: Run,
  settings: FrameworkSettings,
  controls: EntropyControls | undefined,
): string {
  const { clipHigher, bonus, adaptive, covariance } = controls ?? {};
  const names = settings.covariance;
  if (covariance !== undefined) {
    const { fault } = names ?? {};
    return fault === undefined
      ? strengthenText(run, covariance)
      : `${fault} Of an earlier version: ${strengthenText(run, covariance)}`;
  }
  const failed = [
    clipHigher && `${clipHigher.name}=${round(clipHigher.value)} is on and does not hold it`,
    bonus && `the entropy bonus ${bonus.name}=${round(bonus.value)} is on and does not hold it`,
    adaptive && `${adaptive} is on and does not hold it`,
  ].filter((text) => text !== undefined);
  const next = names?.fault !== undefined
    ? `the paper's remedies in versions from before the fault alone (${
      names.fault.replace(/\.$/, "")
    }): ${covarianceText(names)}`
    : names !== undefined
    ? `the paper's remedies: ${covarianceText(names)}`
    : settings.instead ??
      `the paper's remedies: KL-Cov (a KL penalty, coefficient 1, on the 0.2 % of tokens of highest covariance, 0.02 % at 32B) or Clip-Cov (no gradient for 0.02 % of the tokens, drawn from those with covariance in 1 to 5)${
        run.framework === "unknown"
          ? ""
          : "; of the frameworks known here only verl and SkyRL have them"
      }`;
  const others = [
    clipHigher === undefined && settings.setClipHigh !== undefined
      ? names?.fault === undefined ? `${settings.setClipHigh} helps less` : settings.setClipHigh
      : clipHigher !== undefined && names === undefined
      ? `raise ${clipHigher.name} further`
      : undefined,
    bonus === undefined && settings.bonus !== undefined
      ? `an entropy bonus (${settings.setBonus ?? settings.bonus[0]}${
        settings.adaptive === undefined || adaptive !== undefined
          ? ""
          : `, or ${settings.adaptive}=True, which follows a target`
      }) costs performance or needs much tuning`
      : bonus !== undefined && settings.adaptive !== undefined && adaptive === undefined
      ? `${settings.adaptive}=True lets the bonus follow a target`
      : undefined,
  ].filter((text) => text !== undefined);
  if (run.framework === "unknown") others.push("raising the upper clip to 0.28 helps less");
  // A remedy with a fault comes after those without.
  const ways = names?.fault === undefined ? [next, ...others] : [...others, next];
  return `${[...failed, ...ways].join("; ")}.`;
}

function covarianceText(names: CovarianceSettings): string {
  const { klShare, klCoefficient } = names.defaults;
  return `KL-Cov (a KL penalty on the 0.2 % of tokens of highest covariance, 0.02 % at 32B): ${names.loss}=kl_cov, ${names.klShare}=0.002${
    klShare === 0.002 ? "" : ` (by default ${percent(klShare)})`
  }, ${names.klCoefficient}=1${
    klCoefficient === 1 ? "" : ` (by default ${klCoefficient})`
  }; or Clip-Cov (no gradient for 0.02 % of the tokens, drawn from those with covariance in 1 to 5): ${names.loss}=clip_cov, ${names.clipShare}=0.0002`;
}

function strengthenText(run: Run, covariance: NonNullable<EntropyControls["covariance"]>): string {
  const { loss, share, coefficient } = covariance;
  if (coefficient === undefined) {
    return `${loss} is on and does not hold the entropy: raise ${share.name}, now ${
      round(share.value)
    }, or lower the covariance from which tokens are drawn (clip_cov_lb); KL-Cov holds it more steadily.`;
  }
  if (updatesPerRollout(run) === 1) {
    return `${loss} is on, but with one update per rollout its penalty has no gradient: make ppo_mini_batch_size smaller than train_batch_size, or use clip_cov.`;
  }
  return `${loss} is on and does not hold the entropy: raise ${
    coefficient.value < 1
      ? `${coefficient.name}, now ${round(coefficient.value)} (1 in the paper), then `
      : ""
  }${share.name}, now ${round(share.value)}, step by step${
    coefficient.value < 1 ? "" : `, then ${coefficient.name}, now ${round(coefficient.value)}`
  }.`;
}

/** How often verl updates the policy with one rollout; undefined if the configuration does not tell. */
function updatesPerRollout({ config }: Run): number | undefined {
  const batch = numberOf(settingOf(config, "data.train_batch_size"));
  const mini = numberOf(settingOf(config, "actor_rollout_ref.actor.ppo_mini_batch_size"));
  const epochs = numberOf(settingOf(config, "actor_rollout_ref.actor.ppo_epochs")) ?? 1;
  return batch === undefined || mini === undefined || mini <= 0
    ? undefined
    : epochs * Math.ceil(batch / mini);
}
