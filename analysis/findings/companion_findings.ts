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
import { medianOf } from "../trend.ts";
import { type Alarm, notice } from "./alarm.ts";
import { clipAlarm } from "./clip_alarm.ts";
import { gradientAlarm } from "./gradient_alarm.ts";
import { klAlarm, referenceAlarm } from "./kl_alarm.ts";
import { lengthAlarm } from "./length_alarm.ts";
import { mismatchAlarm } from "./mismatch_alarm.ts";
import { truncationAlarm } from "./truncation_alarm.ts";
import { CANNOT_TELL, round } from "./words.ts";

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
