import { equalRewards } from "../equal_rewards.ts";
import type { Finding } from "../finding.ts";
import {
  type CovarianceSettings,
  type EntropyControls,
  entropyControls,
  type FoundSetting,
  FRAMEWORK_SETTINGS,
  type FrameworkSettings,
} from "../framework_settings.ts";
import { lostSince, scoreAround } from "../lost.ts";
import { isOver } from "../gain.ts";
import type { Overview } from "../overview.ts";
import type { Run } from "../readers/run.ts";
import { numberOf, settingOf } from "../readers/setting.ts";
import { falls, scoreCourse } from "../score_course.ts";
import { equalRewardsText, MEND_REWARD } from "./equal_rewards_text.ts";
import { CANNOT_TELL, listed, percent, round } from "./words.ts";
import { stepText } from "../step_text.ts";

/** What to change for the entropy, by what the configuration has on already. */
export function remedyFinding(overview: Overview, course: Finding): Finding {
  const { run, entropy, plateau, gain, isSolved } = overview;
  const topic = "remedy";
  if (entropy === undefined) {
    return {
      topic,
      severity: "unknown",
      finding: `${CANNOT_TELL}.`,
      evidence: "no course of the entropy",
    };
  }
  const settings: FrameworkSettings = FRAMEWORK_SETTINGS[run.framework] ?? { logEntropy: "" };
  const controls = entropyControls(run.config, settings);
  const short = (text: string) => withoutSection(text, settings.section);
  const evidence = short(
    `the entropy's course is ${entropy.course}; ${describeControls(controls)}`,
  );
  const lost = lostSince(run, run.entropy!.key);
  if (lost !== undefined) {
    return { topic, severity: "notice", finding: lostText(run, lost), evidence };
  }
  const equal = equalRewards(run);
  if (equal !== undefined) {
    return {
      topic,
      severity: "notice",
      finding: `none for the entropy: ${
        equalRewardsText(equal)
      }, so hardly anything is learned; ${MEND_REWARD}.`,
      evidence: `${equal.evidence}; ${evidence}`,
    };
  }
  const isUp = entropy.course === "explosion" || entropy.course === "collapse, then surge";
  if (isUp && course.severity !== "problem") {
    const finding = `none yet for the entropy; if the score stops rising: ${lowerText(controls)}`;
    return { topic, severity: "fine", finding: short(finding), evidence };
  }
  if (isUp) return { topic, severity: "notice", finding: short(lowerText(controls)), evidence };
  const hasFallen = plateau?.fall !== undefined;
  const isLower = entropy.end.value < 0.75 * entropy.start.value;
  if (hasFallen && isLower && entropy.course !== "collapse" && trainingRises(run)) {
    return {
      topic,
      severity: "notice",
      finding:
        "none for the entropy: the score fell while the training score rose, which more entropy does not mend; look first at what the reward pays for.",
      evidence,
    };
  }
  const raise = () => short(raiseText(run, settings, controls));
  if (course.severity === "problem") {
    return { topic, severity: "notice", finding: raise(), evidence };
  }
  const isLow = isLower && course.severity === "notice" &&
    !isSolved;
  const hasStopped = isLow && (hasFallen ||
    (gain === undefined ? plateau !== undefined : isOver(gain)));
  return {
    topic,
    severity: hasStopped ? "notice" : "fine",
    finding: hasStopped
      ? `${
        hasFallen ? "the score fell" : "the score gains hardly anything of late"
      }, and the entropy fell: ${raise()}`
      : isLow
      ? `none yet for the entropy; if the score stops rising: ${raise()}`
      : "none is needed for the entropy.",
    evidence,
  };
}

/** Whether the training score rose and kept its height, where it is not the score itself. */
function trainingRises({ score, trainingScore }: Run): boolean {
  if (score?.kind !== "validation" || trainingScore === undefined) return false;
  const course = scoreCourse(trainingScore);
  return course !== undefined && course.rose && !falls(course);
}

/** What to do where the entropy is not finite any more: no remedy of the paper acts on that. */
function lostText(run: Run, step: number): string {
  const score = scoreAround(run, step);
  if (score !== undefined && !(score.differ && score.since < score.before)) {
    return `the entropy is no finite number from step ${
      stepText(step)
    } on, but the score did not fall there: look first at how the entropy is computed (logits of -inf, empty responses, a narrow number format).`;
  }
  return `the entropy is no finite number from step ${
    stepText(step)
  } on, so a remedy for its course comes too late: go back to a checkpoint from before step ${
    stepText(step)
  }, and look in that step's batch and gradient for what is not finite; a smaller learning rate, clipped gradients and a wider number format of the logits help against overflow.`;
}

/** A text with a section of the configuration named once, at its end. */
function withoutSection(text: string, section: string | undefined): string {
  return section === undefined || !text.includes(`${section}.`)
    ? text
    : `${text.replaceAll(`${section}.`, "").replace(/\.$/, "")} (settings of ${section})${
      text.endsWith(".") ? "." : ""
    }`;
}

function describeControls(controls: EntropyControls | undefined): string {
  if (controls === undefined) {
    return "the log has no configuration, so what is on already cannot be told";
  }
  const on = namesOf(controls);
  return on.length === 0
    ? "neither clip-higher nor an entropy bonus nor a covariance loss is on in the configuration"
    : `on in the configuration: ${listed(on)}`;
}

function namesOf({ clipHigher, bonus, adaptive, covariance }: EntropyControls): string[] {
  return [
    clipHigher && `${clipHigher.name}=${round(clipHigher.value)} above ${round(clipHigher.low)}`,
    bonus && `${bonus.name}=${round(bonus.value)}`,
    adaptive && `${adaptive}=True`,
    covariance &&
    `${covariance.loss} (${setText(covariance.share)}${
      covariance.coefficient === undefined ? "" : `, ${setText(covariance.coefficient)}`
    })`,
  ].filter((name) => name !== undefined);
}

function setText({ name, value, isDefault }: FoundSetting): string {
  return `${name}=${round(value)}${isDefault === true ? " by default" : ""}`;
}

/** What brings an entropy down that grows without bounds. */
function lowerText(controls: EntropyControls | undefined): string {
  const { clipHigher, bonus, adaptive, covariance } = controls ?? {};
  const steps = [
    bonus && `lower ${bonus.name}, now ${round(bonus.value)}, first`,
    adaptive && `turn ${adaptive} off`,
    covariance &&
    (covariance.coefficient === undefined
      ? `lower ${covariance.share.name}, now ${round(covariance.share.value)}`
      : `lower ${covariance.coefficient.name}, now ${round(covariance.coefficient.value)}`),
    clipHigher &&
    `lower ${clipHigher.name} from ${round(clipHigher.value)} to ${round(clipHigher.low)}`,
  ].filter((step) => step !== undefined);
  const start = "the paper's remedies raise entropy, so not now: ";
  if (steps.length > 0) {
    return `${start}${
      steps.join("; ")
    }; then look at the reward's noise and at the mismatch of trainer and sampler.`;
  }
  return controls === undefined
    ? `${start}lower the entropy bonus or the upper clip first, where they are on, and check the reward for noise and trainer against sampler.`
    : `${start}nothing in the configuration raises it, so check the reward for noise and trainer against sampler, and lower the learning rate.`;
}

/** What keeps the entropy up, by what is on already. */
function raiseText(
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
