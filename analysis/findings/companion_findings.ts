import { counted } from "../../formats/counted.ts";
import { commonSteps, correlate } from "../dynamics.ts";
import type { Finding } from "../finding.ts";
import { endedAt, lostSince } from "../lost.ts";
import type { Overview } from "../overview.ts";
import { companionOf } from "../readers/companions.ts";
import { type CompanionName, SUMMED_KL } from "../readers/companion_keys.ts";
import { normalKey } from "../readers/normal_key.ts";
import type { Run } from "../readers/run.ts";
import type { Series } from "../readers/series.ts";
import { stepText } from "../step_text.ts";
import { headOf, lastPart, medianOf, tailOf, trendOf } from "../trend.ts";
import { type Alarm, notice, problem } from "./alarm.ts";
import { noRiseText } from "./score_words.ts";
import { gradientAlarm } from "./gradient_alarm.ts";
import { lengthAlarm } from "./length_alarm.ts";
import { CANNOT_TELL, percent, round } from "./words.ts";

/** Metrics with a rank correlation of at least this moved together. */
const MOVED = 0.3;
/** A rank correlation needs so many steps. */
const FEWEST_COMMON = 8;

type FindAlarm = (series: Series, overview: Overview) => Alarm | undefined;

/** What is looked at, in this order, with what is worth a word about each. */
const COMPANIONS: readonly (readonly [CompanionName, FindAlarm])[] = [
  ["clip fraction", clipAlarm],
  ["KL to the rollout policy", klAlarm],
  ["KL to the reference", referenceAlarm],
  ["gradient norm", gradientAlarm],
  ["response length", lengthAlarm],
  ["truncated responses", truncationAlarm],
  ["train/inference mismatch", mismatchAlarm],
];

/** What became of the metrics that may move with the entropy, and what of it is worth a word. */
export function companionFindings(overview: Overview): Finding[] {
  return COMPANIONS.map(([name, alarm]) => companionFinding(overview, name, alarm));
}

function companionFinding(overview: Overview, name: CompanionName, find: FindAlarm): Finding {
  const { run } = overview;
  const found = companionOf(run, name);
  if (found === undefined) {
    return {
      topic: name,
      severity: "unknown",
      finding: `${CANNOT_TELL}: it is not logged.`,
      evidence: `none of the ${counted(run.keys.size, "key")} is known as such`,
    };
  }
  const { key, series } = found;
  const { steps, values } = series;
  const [first, last] = [steps[0]!, steps.at(-1)!];
  if (values.length < 2) {
    return {
      topic: name,
      severity: "unknown",
      finding: `one value is logged: ${round(values[0]!)} at step ${stepText(first)}.`,
      evidence: key,
    };
  }
  const isSum = SUMMED_KL.test(normalKey(key));
  const lost = lostAlarm(run, key) ?? endedAlarm(run, series);
  const alarm = lost ?? (isSum ? undefined : find(series, overview));
  const count = Math.min(3, Math.floor(values.length / 2));
  const [start, end] = [values.subarray(0, count), values.subarray(-count)].map(medianOf);
  const link = run.entropy === undefined
    ? undefined
    : correlate(run.entropy, series, FEWEST_COMMON);
  const moved = link && Math.abs(link.rank) >= MOVED
    ? `moved ${link.rank > 0 ? "with" : "against"} the entropy`
    : undefined;
  return {
    topic: name,
    severity: alarm?.severity ?? "fine",
    finding: `${
      [
        ...(lost === undefined && isBad(alarm) ? [alarm?.text, moved && `${name} ${moved}`] : [
          moved ?? movement(series, run),
          alarm?.text,
        ]),
        isSum ? "it is a sum over each response, so no bound per token is held to it" : undefined,
      ].filter((text) => text).join("; ") ||
      "there is no entropy to compare it with"
    }.`,
    evidence:
      `${key}: ${round(start!)} at step ${stepText(first)}, ${round(end!)} at step ${
        stepText(last)
      }` +
      (count > 1 ? ` (medians of ${count})` : "") +
      (link === undefined
        ? ""
        : `, rank correlation ${round(link.rank, 2)} over ${counted(link.n, "step")}`),
  };
}

function isBad(alarm: Alarm | undefined): boolean {
  return alarm?.severity === "problem" || alarm?.severity === "notice";
}

function isConstant(values: Float64Array): boolean {
  return values.every((value) => value === values[0]);
}

/** That a metric is not finite any more, which its finite values do not show. */
function lostAlarm(run: Run, key: string): Alarm | undefined {
  const lost = lostSince(run, key);
  return lost === undefined
    ? undefined
    : notice(`it is no finite number from step ${stepText(lost)} on`);
}

/** That a metric ends long before the run, so that it cannot be told how it is of late. */
function endedAlarm(run: Run, series: Series): Alarm | undefined {
  const end = endedAt(run, series);
  return end === undefined
    ? undefined
    : notice(`it is logged until step ${stepText(end)} of ${stepText(run.steps.last)} only`);
}

/** Why a metric is not said to move with the entropy; empty where there is none. */
function movement(series: Series, run: Run): string {
  const { steps, values } = series;
  if (isConstant(values)) {
    const until = run.steps.last > steps.at(-1)!
      ? ` that has a value, the last step ${stepText(steps.at(-1)!)}`
      : "";
    return `it is ${round(values[0]!)} at every step${until}`;
  }
  if (run.entropy === undefined) return "";
  const common = commonSteps(run.entropy, series);
  if (correlate(run.entropy, series, FEWEST_COMMON) !== undefined) {
    return "did not move with the entropy";
  }
  return `it cannot be compared with the entropy: ${
    common < FEWEST_COMMON
      ? `${counted(common, "step")} ${common === 1 ? "has" : "have"} both`
      : `over the ${counted(common, "step")} that have both, one of the two does not change`
  }`;
}

/** From these shares on clipped tokens are worth a word, and a problem. */
const [CLIPPED, MUCH_CLIPPED] = [0.1, 0.2];
/** The lower bound clips so many times as much as the upper, and at least so many tokens. */
const [LOPSIDED, LOPSIDED_SHARE] = [3, 0.02];
/** The part of the run that is looked at. */
const RECENT = 0.25;
const FEWEST_RECENT = 5;

function clipAlarm(series: Series, { run }: Overview): Alarm | undefined {
  const share = tailOf(series, RECENT, FEWEST_RECENT);
  const low = companionOf(run, "clipped at the lower bound");
  const high = companionOf(run, "clipped at the upper bound");
  const [below, above] = [low, high].map((one) =>
    one === undefined ? undefined : tailOf(one.series, RECENT, FEWEST_RECENT)
  );
  if (
    below !== undefined && above !== undefined && below >= LOPSIDED_SHARE &&
    below >= LOPSIDED * above
  ) {
    return problem(
      `the lower bound clips ${percent(below)} of the tokens of late, the upper ${
        percent(above)
      }: rare tokens are pushed down more freely than up${
        share >= CLIPPED ? `, and ${percent(share)} are clipped in all` : ""
      }`,
    );
  }
  if (share >= MUCH_CLIPPED) {
    return problem(
      `${
        percent(share)
      } of the tokens are clipped of late: take a smaller learning rate, fewer updates per rollout, or fresher rollouts`,
    );
  }
  return share >= CLIPPED
    ? notice(`${percent(share)} of the tokens are clipped of late`)
    : undefined;
}

/** From these KLs in nats per token on a drift is worth a word, and a problem. */
const [FAR, VERY_FAR] = [0.5, 2];
/** A penalised KL that never leaves this is held at its reference, if it had the time to leave it. */
const [HELD, FEWEST_HELD] = [1e-4, 50];

function klAlarm(series: Series): Alarm | undefined {
  const now = tailOf(series);
  return now < FAR
    ? undefined
    : { severity: now >= VERY_FAR ? "problem" : "notice", text: `it is ${round(now)} of late` };
}

function referenceAlarm(series: Series, { gain }: Overview): Alarm | undefined {
  const { values } = series;
  if (values.every((value) => value === 0)) {
    return { severity: "fine", text: "the run has no KL to a reference" };
  }
  const most = values.reduce((left, right) => Math.max(left, Math.abs(right)), 0);
  const isHeld = most <= HELD && values.length >= FEWEST_HELD &&
    trendOf(lastPart(series, 0.5, FEWEST_HELD / 2)).direction !== "up";
  if (isHeld) {
    return problem(
      "the policy hardly leaves its reference: the KL penalty is too strong, or the reference is a copy of the policy",
    );
  }
  const now = tailOf(series);
  const middle = Math.floor(values.length / 2);
  const halves = [medianOf(values.subarray(0, middle)), medianOf(values.subarray(middle))];
  const accelerates = now - halves[1]! > 1.5 * Math.max(halves[1]! - halves[0]!, 0) &&
    now > halves[1]!;
  if (now >= VERY_FAR || (now >= FAR && accelerates)) {
    return problem(
      `it is ${round(now)} of late${accelerates ? " and grows ever faster" : ""}${
        gain?.rises === false ? `, while the score ${noRiseText(gain)}` : ""
      }`,
    );
  }
  return now >= FAR ? notice(`it is ${round(now)} of late`) : undefined;
}

/** From these shares on responses that are cut off are worth a word, and a problem. */
const [CUT_OFF, MANY_CUT_OFF] = [0.05, 0.1];

function truncationAlarm(series: Series, { run }: Overview): Alarm | undefined {
  const share = tailOf(series, RECENT, FEWEST_RECENT);
  if (share < CUT_OFF) return undefined;
  const text = `${percent(share)} of the responses are cut off at the limit of late${
    wrongText(share, run)
  }`;
  return share >= MANY_CUT_OFF ? problem(text) : notice(text);
}

/** How many of the responses that are cut off may be wrong, of rollouts whose share of right answers is logged. */
function wrongText(share: number, { trainingScore, score }: Run): string {
  const rollouts = trainingScore ?? (score?.kind === "training" ? score : undefined);
  const isShare = rollouts?.values.every((value) => value >= 0 && value <= 1) === true;
  if (!isShare) return ", and may be scored as wrong";
  const right = tailOf(rollouts!, RECENT, FEWEST_RECENT);
  const most = (1 - right) / share;
  return most >= 1
    ? ", and may be scored as wrong"
    : `; at most ${
      percent(most)
    } of them are scored as wrong, if 1 is right and 0 wrong, by a mean score of ${round(right)}`;
}

/** A mismatch that grew so much is a problem, if it is no longer negligible. */
const GREW = 5;
const NEGLIGIBLE_MISMATCH = 1e-3;

function mismatchAlarm(series: Series): Alarm | undefined {
  const [start, end] = [Math.abs(headOf(series)), Math.abs(tailOf(series))];
  return end > GREW * start && end > NEGLIGIBLE_MISMATCH
    ? problem("trainer and sampler disagree more than five times as much as at the start")
    : undefined;
}
