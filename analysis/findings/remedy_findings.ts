import { listed } from "../../formats/listed.ts";
import { equalRewards } from "../equal_rewards.ts";
import type { Finding } from "../finding.ts";
import {
  type EntropyControls,
  entropyControls,
  type FoundSetting,
  FRAMEWORK_SETTINGS,
  type FrameworkSettings,
} from "../framework_settings.ts";
import { lostSince } from "../lost.ts";
import { isOver } from "../gain.ts";
import type { Overview } from "../overview.ts";
import type { Run } from "../readers/run.ts";
import { falls, scoreCourse } from "../score_course.ts";
import { spikeBeforeBreak } from "../spike_before_break.ts";
import { lostText, spikeText } from "./break_remedy.ts";
import { equalRewardsText, MEND_REWARD } from "./equal_rewards_text.ts";
import { raiseText } from "./raise_text.ts";
import { CANNOT_TELL, round } from "./words.ts";

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
  const spike = spikeBeforeBreak(overview);
  const lost = lostSince(run, run.entropy!.key);
  if (lost !== undefined) {
    return { topic, severity: "notice", finding: lostText(run, lost, spike), evidence };
  }
  const hasFallen = plateau?.fall !== undefined;
  if (spike !== undefined && (hasFallen || course.severity === "problem")) {
    return { topic, severity: "notice", finding: spikeText(spike), evidence };
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
