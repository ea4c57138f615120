import { listed } from "../../formats/listed.ts";
import { counted } from "../../formats/counted.ts";
import { changes } from "../changed.ts";
import { correlate } from "../dynamics.ts";
import type { Finding } from "../finding.ts";
import type { Overview } from "../overview.ts";
import type { Run, ScoreSeries } from "../readers/run.ts";
import type { Series } from "../readers/series.ts";
import { isAuxiliary, rewardTerms } from "../reward_terms.ts";
import { nearlyIndependent, scatterOf } from "../scatter.ts";
import { scoreCourse } from "../score_course.ts";
import { stepText } from "../step_text.ts";
import {
  FEWEST_FOR_TREND,
  headOf,
  lastPart,
  medianOf,
  spreadOf,
  tailOf,
  trendOf,
} from "../trend.ts";
import { type Alarm, notice, problem } from "./alarm.ts";
import { CANNOT_TELL, percent, round } from "./words.ts";

/** Fewer validations show no divergence. */
const FEWEST_VALIDATIONS = 4;
/** Fewer have no rank correlation to speak of. */
const FEWEST_FOR_RANK = 6;
/** The training score has pulled away by so many of its deviations more than the validation score. */
const APART = 0.15;
/** A term with this share of the variance trains the policy. */
const MOST = 0.7;
/** A term with less than this share of the variance is a constant to the gradient. */
const NONE = 0.02;
/** Below so many values the shares still show the warm-up. */
const FEWEST_FOR_VERDICT = 150;

/**
 * Whether the training score rises while the validation score does not, in all or in the last half; silent where
 * either may be chance.
 */
export function divergenceFinding({ run, parted }: Overview): Finding[] {
  const { score, trainingScore } = run;
  if (score?.kind !== "validation" || trainingScore === undefined) return [];
  if (score.values.length < FEWEST_VALIDATIONS || trainingScore.values.length < 2) return [];
  const topic = "training against validation";
  const proxy = during(trainingScore, score);
  const training = interpolated(trainingScore, score.steps);
  const rank = correlate(training, score, FEWEST_FOR_RANK)?.rank;
  const count = score.values.length;
  const evidence = `${trainingScore.label} at the steps of ${score.label}: ${
    endsText(training)
  }; that: ${endsText(score)}${
    rank === undefined
      ? ""
      : `; rank correlation ${round(rank, 2)} over ${counted(count, "validation")}`
  }`;
  if (parted !== undefined) {
    return [{
      topic,
      severity: "unknown",
      finding: `${CANNOT_TELL}: the validation score is a mean of benchmarks that part.`,
      evidence,
    }];
  }
  const isAgainst = rank !== undefined && -rank * Math.sqrt(count - 1) > SIGNIFICANT &&
    changes(nearlyIndependent(proxy)) && changes(nearlyIndependent(score));
  const found = parting(training, { proxy, score }) ?? lateParting(proxy, score) ??
    (isAgainst ? notice("the validation score moves against the training score") : undefined);
  const text = found?.text ??
    (proxy.values.length >= FEWEST_FOR_TREND && isUp(proxy) && trendOf(score).direction === "up"
      ? "over the whole log both rise"
      : "no parting is seen above the noise");
  return [{ topic, severity: found?.severity ?? "fine", finding: `${text}.`, evidence }];
}

/** What to do where the reward and what it stands for part. */
export const LOOK =
  "read responses of high reward for what the grader rewards and the task does not";

/** The 99.5th percentile of the standard normal distribution. */
const SIGNIFICANT = 2.576;
/** A validation score that may have risen by this share of the training score's rise, and more, may go with it. */
const GOES_WITH = 0.5;

/** Whether a training score, of which there are many, rises by more than chance. */
function isUp(proxy: Series): boolean {
  return trendOf(nearlyIndependent(proxy)).z > SIGNIFICANT;
}

/** Whether the log leaves it open that a score rises with another one: more than half as fast. */
function mayGoWith(score: Series, proxy: Series): boolean {
  return trendOf(score).slopes[1] > GOES_WITH * trendOf(proxy).slope;
}

/** The training scores between the first and the last validation, but for few all of them. */
function during({ steps, values }: Series, { steps: at }: Series): Series {
  const from = steps.findIndex((step) => step >= at[0]!);
  const to = steps.findLastIndex((step) => step <= at.at(-1)!) + 1;
  return from < 0 || to - from < FEWEST_FOR_TREND
    ? { steps, values }
    : { steps: steps.subarray(from, to), values: values.subarray(from, to) };
}

/** The two over the whole run. */
function parting(
  training: Series,
  { proxy, score }: { readonly proxy: Series; readonly score: ScoreSeries },
): Alarm | undefined {
  if (!isUp(proxy)) return undefined;
  const { direction } = trendOf(score);
  if (direction === "down") {
    return problem(`the training score rises while the validation score falls: ${LOOK}`);
  }
  const gap = lastThird(movedBy(training)) - lastThird(movedBy(score));
  const rose = direction === "up" || scoreCourse(score)?.rose === true;
  return rose || gap < APART || mayGoWith(score, proxy)
    ? undefined
    : problem(`the training score rises while the validation score does not: ${LOOK}`);
}

/** The two over the last half of the validations. */
function lateParting(all: Series, score: ScoreSeries): Alarm | undefined {
  const goal = lastPart(score, 0.5, FEWEST_FOR_TREND);
  const proxy = during(all, goal);
  if (!isUp(proxy)) return undefined;
  const since = `since step ${stepText(goal.steps[0]!)} the training score rises`;
  const { direction } = trendOf(goal);
  if (direction === "down") return problem(`${since} and the validation score falls: ${LOOK}`);
  return direction === "up" || mayGoWith(goal, proxy) ? undefined : notice(
    `${since} and the validation score does not: what is learned there does not carry over`,
  );
}

/** The first and the last value of a series, with their steps. */
export function endsText({ steps, values }: Series): string {
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

/** Whether a term went from one level to another, by more than its noise and a tenth of the higher one. */
function hasMoved(series: Series): boolean {
  const [start, end] = [headOf(series), tailOf(series)];
  const least = Math.max(
    5 * scatterOf(series).deviation,
    0.1 * Math.max(Math.abs(start), Math.abs(end)),
  );
  return Math.abs(end - start) > least;
}

/** Which term of a reward of several moves, and so trains the policy. */
export function rewardTermsFinding(run: Run): Finding[] {
  const terms = rewardTerms(run);
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
  const quiet = shares.filter(({ share }) => share < NONE);
  const still = quiet.map(({ name }) => name);
  const learned = quiet.filter((one) => hasMoved(one.series)).map(({ name }) => name);
  const idle = still.filter((name) => !learned.includes(name));
  const lost = still.filter((name) => !isAuxiliary(name));
  const texts = [
    ...(first!.share >= MOST && isAuxiliary(first!.name)
      ? [
        `${first!.name} has ${
          percent(first!.share)
        } of the reward's variance, so the policy is trained on it rather than on the task`,
      ]
      : []),
    ...(idle.length > 0
      ? [
        `${listed(idle)} hardly ${
          idle.length === 1 ? "varies and teaches" : "vary and teach"
        } nothing`,
      ]
      : []),
    ...(learned.length > 0
      ? [
        `${listed(learned)} moved early and hardly ${
          learned.length === 1 ? "varies any more" : "vary any more"
        }`,
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
