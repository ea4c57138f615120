import { counted } from "../../formats/counted.ts";
import { correlate } from "../dynamics.ts";
import type { Finding } from "../finding.ts";
import type { Run, ScoreSeries } from "../readers/run.ts";
import type { Series } from "../readers/series.ts";
import { scoreCourse } from "../score_course.ts";
import { stepText } from "../step_text.ts";
import { FEWEST_FOR_TREND, lastPart, medianOf, spreadOf, trendOf } from "../trend.ts";
import { type Alarm, notice, problem } from "./alarm.ts";
import { listed, percent, round } from "./words.ts";

/** Fewer validations show no divergence. */
const FEWEST_VALIDATIONS = 4;
/** Fewer have no rank correlation to speak of. */
const FEWEST_FOR_RANK = 6;
/** The training score has pulled away by so many of its deviations more than the validation score. */
const APART = 0.15;
/** The mean of one term of a reward that has several: TRL and what derives from it. */
const REWARD_TERM = /^(?:train\/)?rewards\/(?<term>.+)\/mean$/;
/** Words in the name of a term that is not what the task asks for. */
const AUXILIARY = /format|tag|xml|json|length|lang|style|think/;
/** A term with this share of the variance trains the policy. */
const MOST = 0.7;
/** A term with less than this share of the variance is a constant to the gradient. */
const NONE = 0.02;
/** Below so many values the shares still show the warm-up. */
const FEWEST_FOR_VERDICT = 150;

/** Whether the training score rises while the validation score does not, in all or in the last half. */
export function divergenceFinding({ score, trainingScore }: Run): Finding[] {
  if (score?.kind !== "validation" || trainingScore === undefined) return [];
  if (score.values.length < FEWEST_VALIDATIONS || trainingScore.values.length < 2) return [];
  const training = interpolated(trainingScore, score.steps);
  const rank = correlate(training, score, FEWEST_FOR_RANK)?.rank;
  const found = parting(training, score) ?? lateParting(training, score) ??
    (rank !== undefined && rank < 0
      ? notice("the validation score moves against the training score")
      : undefined);
  const count = score.values.length;
  return [{
    topic: "training against validation",
    severity: found?.severity ?? "fine",
    finding: `${found?.text ?? "the two do not part"}.`,
    evidence: `${trainingScore.label} at the steps of ${score.label}: ${
      endsText(training)
    }; that: ${endsText(score)}${
      rank === undefined
        ? ""
        : `; rank correlation ${round(rank, 2)} over ${counted(count, "validation")}`
    }`,
  }];
}

/** What to do where the reward and what it stands for part. */
export const LOOK =
  "read responses of high reward for what the grader rewards and the task does not";

/** The two over the whole run. */
function parting(training: Series, score: ScoreSeries): Alarm | undefined {
  if (trendOf(training).direction !== "up") return undefined;
  const { direction } = trendOf(score);
  if (direction === "down") {
    return problem(`the training score rises while the validation score falls: ${LOOK}`);
  }
  const gap = lastThird(movedBy(training)) - lastThird(movedBy(score));
  const rose = direction === "up" || scoreCourse(score)?.rose === true;
  return rose || gap < APART
    ? undefined
    : problem(`the training score rises while the validation score does not: ${LOOK}`);
}

/** The two over the last half of the run. */
function lateParting(training: Series, score: ScoreSeries): Alarm | undefined {
  const [proxy, goal] = [training, score].map((one) => lastPart(one, 0.5, FEWEST_FOR_TREND));
  if (trendOf(proxy!).direction !== "up") return undefined;
  const since = `since step ${stepText(goal!.steps[0]!)} the training score rises`;
  const { direction } = trendOf(goal!);
  if (direction === "down") return problem(`${since} and the validation score falls: ${LOOK}`);
  return direction === "up" ? undefined : notice(
    `${since} and the validation score does not: what is learned there does not carry over`,
  );
}

function endsText({ steps, values }: Series): string {
  return `${round(values[0]!)} at step ${stepText(steps[0]!)}, ${round(values.at(-1)!)} at step ${
    stepText(steps.at(-1)!)
  }`;
}

/** A series at other steps, by straight lines between its values; ends stay as they are. */
function interpolated({ steps, values }: Series, at: Float64Array): Series {
  let i = 0;
  const found = at.map((step) => {
    while (i < steps.length - 1 && steps[i + 1]! <= step) i++;
    if (i === steps.length - 1 || step <= steps[i]!) return values[i]!;
    const share = (step - steps[i]!) / (steps[i + 1]! - steps[i]!);
    return values[i]! * (1 - share) + values[i + 1]! * share;
  });
  return { steps: at, values: found };
}

/** How far a series has moved from its first quarter, in units of its own spread. */
function movedBy({ values }: Series): Float64Array {
  const start = medianOf(values.subarray(0, Math.max(1, Math.floor(values.length / 4))));
  const largest = values.reduce((left, right) => Math.max(left, Math.abs(right - start)), 0);
  const spread = spreadOf(values) || largest || 1;
  return values.map((value) => (value - start) / spread);
}

function lastThird(values: Float64Array): number {
  return medianOf(values.subarray(-Math.max(2, Math.round(0.34 * values.length))));
}

/** Which term of a reward of several moves, and so trains the policy. */
export function rewardTermsFinding({ series }: Run): Finding[] {
  const terms = Array.from(series).flatMap(([key, one]) => {
    const name = REWARD_TERM.exec(key)?.groups?.["term"];
    return name === undefined || one.values.length < 4 ? [] : [{ name, key, series: one }];
  });
  if (terms.length < 2) return [];
  const topic = "reward terms";
  const spreads = terms.map(({ series }) => spreadOf(lastPart(series, 0.5, 5).values) ** 2);
  const total = spreads.reduce((sum, spread) => sum + spread, 0);
  const count = Math.min(...terms.map(({ series }) => series.values.length));
  const shares = terms.map((term, i) => ({
    ...term,
    share: total === 0 ? 1 / terms.length : spreads[i]! / total,
  })).sort((one, other) => other.share - one.share);
  const evidence = `share of the variance over the last half: ${
    shares.map(({ key, share }) => `${key} ${percent(share)}`).join(", ")
  }`;
  const [first] = shares;
  const isAuxiliary = (name: string) => AUXILIARY.test(name.toLowerCase());
  const still = shares.filter(({ share }) => share < NONE).map(({ name }) => name);
  const lost = still.filter((name) => !isAuxiliary(name));
  const texts = [
    ...(first!.share >= MOST && isAuxiliary(first!.name)
      ? [
        `${first!.name} has ${
          percent(first!.share)
        } of the reward's variance, so the policy is trained on it rather than on the task`,
      ]
      : []),
    ...(still.length > 0
      ? [
        `${listed(still)} hardly ${
          still.length === 1 ? "varies and teaches" : "vary and teach"
        } nothing`,
      ]
      : []),
  ];
  if (texts.length === 0) {
    return [{ topic, severity: "fine", finding: "no term rules the reward alone.", evidence }];
  }
  const isBad = (first!.share >= MOST && isAuxiliary(first!.name)) || lost.length > 0;
  const isEarly = count < FEWEST_FOR_VERDICT;
  return [{
    topic,
    severity: isBad && !isEarly ? "problem" : "notice",
    finding: `${texts.join("; ")}.${
      isBad && isEarly ? ` With ${counted(count, "value")} this may be the warm-up.` : ""
    }`,
    evidence,
  }];
}
