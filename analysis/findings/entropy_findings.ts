import { counted } from "../../formats/counted.ts";
import { type EntropyCourse, entropyCourse } from "../entropy_course.ts";
import type { Finding, Severity } from "../finding.ts";
import { type RecentGain, recentGain } from "../gain.ts";
import { jumpOf } from "../jump.ts";
import { lostSince } from "../lost.ts";
import { keyList } from "../readers/key_list.ts";
import { normalKey } from "../readers/normal_key.ts";
import type { Run } from "../readers/run.ts";
import type { Series } from "../readers/series.ts";
import { describeHistory, verlHistory } from "../readers/verl_history.ts";
import { type Forecast, forecast, lastPart } from "../trend.ts";
import { CANNOT_TELL, percent, round } from "./words.ts";

/** Entropy below this share of its start leaves nothing to explore with. */
const FLOOR = 0.1;
/** A forecast is made for so many times the run. */
const FURTHEST = 10;
/** A trend is looked for in at least so many values. */
const FEWEST_FOR_FORECAST = 8;

/** What the log's entropy is, and when it was measured. */
export function entropyDefinition({ entropy, keys, framework, config }: Run): Finding {
  const topic = "entropy definition";
  if (entropy === undefined) {
    return {
      topic,
      severity: "unknown",
      finding: `${CANNOT_TELL}: no policy entropy is logged.`,
      evidence: keyList(Array.from(keys).filter(([, count]) => count > 0).map(([key]) => key)),
    };
  }
  const measured = entropy.measured === "unknown"
    ? "the log does not say when it was measured"
    : `measured ${entropy.measured}`;
  const parts = [`${entropy.key}, ${counted(entropy.values.length, "value")}`];
  if (framework === "verl") parts.push(describeHistory(verlHistory({ keys: keys.keys(), config })));
  const beside = Array.from(keys.keys()).find((key) => normalKey(key) === "actor/entropy/loss");
  if (normalKey(entropy.key) === "actor/entropy" && beside !== undefined) {
    parts.push(`${beside} beside it is that of the update, so nothing is overwritten`);
  }
  return {
    topic,
    severity: entropy.measured === "unknown" ? "notice" : "fine",
    finding: `${entropy.definition}; ${measured}.`,
    evidence: parts.join("; "),
  };
}

/** What became of the entropy, whether its fall still buys score, and when it will be spent. */
export function entropyFindings(run: Run): Finding[] {
  const { entropy } = run;
  const course = entropy === undefined ? undefined : entropyCourse(entropy);
  if (entropy === undefined || course === undefined) {
    return [{
      topic: "entropy course",
      severity: "unknown",
      finding: `${CANNOT_TELL}.`,
      evidence: entropy === undefined
        ? "no policy entropy"
        : entropy.values.length < 2
        ? "fewer than two values of the entropy"
        : "the entropy does not start above 0, so no share of it can be told",
    }];
  }
  const below = entropy.values.filter((value) => value < 0).length;
  if (below > 0) {
    return [{
      topic: "entropy course",
      severity: "unknown",
      finding: `${CANNOT_TELL}: ${counted(below, "value")} of ${entropy.key} ${
        below === 1 ? "is" : "are"
      } below 0, as no entropy is, so no share of it can be told.`,
      evidence: pointsText(course),
    }];
  }
  const gain = recentGain(run, course.end.step);
  const lost = lostSince(run, entropy.key);
  if (lost !== undefined) {
    return [lostFinding(course, entropy.steps.at(-1)!, lost), spentFinding(course, gain)];
  }
  const ahead = floorAhead(entropy, course);
  const isFalling = isAtFloor(course) || isDown(course) || runsAway(course, ahead) <= 1;
  return [
    {
      topic: "entropy course",
      severity: severityOf(course, ahead, gain),
      finding: [
        `${courseText(course)}.`,
        ...(isFalling ? [buysText(gain, run)] : []),
        ...(isFalling && ahead !== undefined ? [forecastText(course, ahead)] : []),
      ].join(" "),
      evidence: pointsText(course),
      marks: course.course === "collapse, then surge"
        ? [{ step: course.trough.step, label: "lowest H" }]
        : [],
    },
    spentFinding(course, gain),
    ...jumpFinding(entropy),
  ];
}

/** The course of an entropy that is not finite any more: nothing is forecast from it. */
function lostFinding(course: EntropyCourse, last: number, lost: number): Finding {
  return {
    topic: "entropy course",
    severity: "notice",
    finding: `until step ${last}, ${
      courseText(course)
    }. It is no finite number from step ${lost} on, so nothing can be said of where it goes.`,
    evidence: pointsText(course),
  };
}

/** A jump of the entropy from one step to the next; no finding where there is none. */
function jumpFinding(entropy: Series): Finding[] {
  const jump = jumpOf(entropy);
  if (jump === undefined) return [];
  const { before, after } = jump;
  return [{
    topic: "entropy jump",
    severity: "notice",
    finding: `the entropy ${after.value < before.value ? "dropped" : "leapt"} at once from ${
      round(before.value)
    } at step ${before.step} to ${
      round(after.value)
    } at step ${after.step}: look there for a changed setting, a resumed checkpoint or a fault of the reward.`,
    evidence: "medians of the five values before and after",
    marks: [{ step: after.step, label: "jump of H" }],
  }];
}

function isAtFloor({ start, end }: EntropyCourse): boolean {
  return end.value <= FLOOR * start.value;
}

/** When the entropy reaches its floor, by the last half of the run; undefined if it is there or does not fall. */
function floorAhead(entropy: Series, course: EntropyCourse): Forecast | undefined {
  const level = FLOOR * course.start.value;
  if (entropy.values.length < FEWEST_FOR_FORECAST || isAtFloor(course)) return undefined;
  return forecast(lastPart(entropy, 0.5, FEWEST_FOR_FORECAST), level);
}

/** How many times the run so far a forecast is away. */
function runsAway({ start, end }: EntropyCourse, ahead: Forecast | undefined): number {
  return ahead === undefined
    ? Infinity
    : (ahead.step - end.step) / Math.max(end.step - start.step, 1);
}

function severityOf(
  course: EntropyCourse,
  ahead: Forecast | undefined,
  gain: RecentGain | undefined,
): Severity {
  if (course.course === "explosion" || course.course === "collapse, then surge") return "problem";
  if (isAtFloor(course)) return gain?.rises ? "notice" : "problem";
  const runs = runsAway(course, ahead);
  if (runs <= 0.25) return gain?.rises ? "notice" : "problem";
  const isFalling = ahead !== undefined && (runs <= 1 || isDown(course));
  const isWell = course.course === "collapse" ? "notice" : "fine";
  const isMostLeft = course.end.value >= 0.5 * course.start.value;
  const isWasted = isMostLeft ? "notice" : "problem";
  if (isFalling) return gain === undefined ? "notice" : gain.rises ? isWell : isWasted;
  if (course.course === "stable") return "fine";
  return course.course === "decline" && gain?.rises !== false ? "fine" : "notice";
}

function isDown({ course }: EntropyCourse): boolean {
  return course === "collapse" || course === "decline";
}

function courseText(course: EntropyCourse): string {
  const { start, trough, peak, end } = course;
  const left = percent(end.value / start.value);
  switch (course.course) {
    case "collapse":
      return `the entropy collapsed: ${left} of its start is left`;
    case "collapse, then surge":
      return `the entropy collapsed to ${
        percent(trough.value / start.value)
      } of its start at step ${trough.step}, then surged to ${left} of it`;
    case "decline":
      return `the entropy declined, but did not collapse: ${left} of its start is left`;
    case "stable":
      return `the entropy is stable: it ends at ${left} of its start`;
    case "rise":
      return `the entropy rose to ${left} of its start`;
    case "explosion":
      return `the entropy exploded: it ends at ${left} of its start`;
    case "oscillation":
      return `the entropy oscillates between ${round(trough.value)} and ${
        round(peak.value)
      } nats; it ends at ${left} of its start`;
    case "rise, then fall":
      return `the entropy rose to ${
        round(peak.value)
      } nats at step ${peak.step} and fell again; it ends at ${left} of its start`;
    case "fall, then rise":
      return `the entropy fell to ${
        round(trough.value)
      } nats at step ${trough.step} and rose again; it ends at ${left} of its start`;
  }
}

function pointsText({ start, trough, peak, end, width }: EntropyCourse): string {
  const at = ({ step, value }: { step: number; value: number }) =>
    `${round(value)} at step ${step}`;
  return `nats: ${at(start)}, lowest ${at(trough)}, highest ${at(peak)}, ${at(end)}${
    width > 1 ? ` (ends: medians of 3; between: running median of ${width})` : ""
  }`;
}

function buysText(gain: RecentGain | undefined, { score }: Run): string {
  if (gain === undefined) return "Whether it still buys score cannot be told: too few scores.";
  const name = scoreName(gain.kind) +
    (score !== undefined && score.kind !== gain.kind
      ? ` (there are too few ${scoreName(score.kind)}s to tell)`
      : "");
  return gain.rises
    ? `It still buys score: the ${name} has risen since step ${gain.since}.`
    : `It no longer buys score: the ${name} shows no rise since step ${gain.since}.`;
}

function forecastText(course: EntropyCourse, ahead: Forecast): string {
  return runsAway(course, ahead) > FURTHEST
    ? `At this pace a tenth of its start is more than ${FURTHEST} times the run away.`
    : `At this pace it reaches a tenth of its start, ${
      round(FLOOR * course.start.value)
    } nats, at about step ${Math.ceil(ahead.step)} (${ahead.model} fit of the last half).`;
}

function spentFinding(
  { start, halfSpent, nearlySpent }: EntropyCourse,
  gain: RecentGain | undefined,
): Finding {
  const finding = halfSpent === undefined
    ? "entropy never fell below half of its start."
    : nearlySpent === undefined
    ? `half of the starting entropy was spent by step ${halfSpent}; entropy never fell below 5 % of its start.`
    : `half of the starting entropy was spent by step ${halfSpent}, 95 % of it by step ${nearlySpent}.`;
  return {
    topic: "entropy spent",
    severity: nearlySpent === undefined ? "fine" : gain?.rises ? "notice" : "problem",
    finding,
    evidence: `where its running median is first at ${round(0.5 * start.value)} and ${
      round(0.05 * start.value)
    } nats`,
    marks: [
      ...(halfSpent === undefined ? [] : [{ step: halfSpent, label: "half of H spent" }]),
      ...(nearlySpent === undefined ? [] : [{ step: nearlySpent, label: "95 % of H spent" }]),
    ],
  };
}

/** What a score is called in a sentence. */
export function scoreName(kind: RecentGain["kind"]): string {
  return kind === "unknown" ? "score" : `${kind} score`;
}
