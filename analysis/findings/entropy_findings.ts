import { counted } from "../../formats/counted.ts";
import { notBought } from "../bought.ts";
import { lastAt } from "../course.ts";
import type { EntropyCourse } from "../entropy_course.ts";
import type { Finding, Severity } from "../finding.ts";
import { flattening } from "../flattening.ts";
import type { RecentGain } from "../gain.ts";
import { jumpOf } from "../jump.ts";
import { lostSince } from "../lost.ts";
import type { Interval } from "../interval.ts";
import type { Overview } from "../overview.ts";
import { keyList } from "../readers/key_list.ts";
import { normalKey } from "../readers/normal_key.ts";
import { companionOf } from "../readers/companions.ts";
import type { Run } from "../readers/run.ts";
import type { Series } from "../readers/series.ts";
import { describeHistory, verlHistory } from "../readers/verl_history.ts";
import { spikesOf } from "../spikes.ts";
import { stepText } from "../step_text.ts";
import { type Forecast, forecast, lastPart } from "../trend.ts";
import { CANNOT_TELL, percent, round, signed } from "./words.ts";

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
export function entropyFindings(overview: Overview): Finding[] {
  const { run, entropy: course, gain } = overview;
  const { entropy } = run;
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
  const lost = lostSince(run, entropy.key);
  if (lost !== undefined) {
    return [lostFinding(course, entropy, lost), spentFinding(course, overview)];
  }
  const ahead = floorAhead(entropy, course);
  const isFalling = isAtFloor(course) || isDown(course) || runsAway(course, ahead) <= 1;
  return [
    {
      topic: "entropy course",
      severity: overview.isSolved || overview.parted !== undefined
        ? milder(severityOf(course, ahead, gain), course)
        : severityOf(course, ahead, gain),
      finding: [
        `${courseText(course, entropy)}.`,
        ...(isFalling ? [buysText(overview)] : []),
        ...(isFalling && ahead !== undefined ? [forecastText(course, ahead)] : []),
      ].join(" "),
      evidence: pointsText(course),
      marks: course.course === "collapse, then surge"
        ? [{ step: course.trough.step, label: "lowest H" }]
        : [],
    },
    spentFinding(course, overview),
    ...jumpFinding(entropy),
    ...spikeFinding(run),
  ];
}

/** The course of an entropy that is not finite any more: nothing is forecast from it. */
function lostFinding(course: EntropyCourse, entropy: Series, lost: number): Finding {
  return {
    topic: "entropy course",
    severity: "notice",
    finding: `until step ${stepText(entropy.steps.at(-1)!)}, ${
      courseText(course, entropy)
    }. It is no finite number from step ${
      stepText(lost)
    } on, so nothing can be said of where it goes.`,
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
    } at step ${stepText(before.step)} to ${round(after.value)} at step ${
      stepText(after.step)
    }: look there for a changed setting, a resumed checkpoint or a fault of the reward.`,
    evidence: "medians of the five values before and after",
    marks: [{ step: after.step, label: "jump of H" }],
  }];
}

/** Values of the entropy that stand out alone, which its course does not show. */
function spikeFinding(run: Run): Finding[] {
  const { entropy } = run;
  const spikes = spikesOf(entropy!).filter(({ level }) => level > 0);
  if (spikes.length === 0) return [];
  const largest = spikes.reduce((left, right) =>
    Math.abs(right.value - right.level) > Math.abs(left.value - left.level) ? right : left
  );
  const { step, value, level } = largest;
  const gradient = companionOf(run, "gradient norm");
  const isInGradient = gradient !== undefined &&
    spikesOf(gradient.series).some((one) => one.step === step);
  return [{
    topic: "entropy spike",
    severity: "notice",
    finding: `${
      spikes.length === 1
        ? "one value of the entropy stands out"
        : `${spikes.length} values of the entropy stand out, most of all one`
    }: ${round(value)} at step ${stepText(step)}, where it is ${round(level)} before and after${
      isInGradient ? "; the gradient norm has a spike there, too" : ""
    }. Look at the batch of that step.`,
    evidence: `${
      entropy!.key
    }: at least three times as large or as small as the medians of four values on either side, and eight standard deviations away`,
    marks: [{ step, label: "spike of H" }],
  }];
}

function isAtFloor({ start, end }: EntropyCourse): boolean {
  return end.value <= FLOOR * start.value;
}

/** When the entropy reaches its floor, by the last half of the run; undefined if it is there or does not fall. */
function floorAhead(entropy: Series, course: EntropyCourse): FloorAhead | undefined {
  const level = FLOOR * course.start.value;
  if (entropy.values.length < FEWEST_FOR_FORECAST || isAtFloor(course)) return undefined;
  const part = lastPart(entropy, 0.5, FEWEST_FOR_FORECAST);
  const ahead = forecast(part, level);
  const flat = ahead && flattening(part, level);
  if (ahead === undefined || flat === undefined) return ahead;
  const [low, high] = ahead.interval;
  return {
    ...ahead,
    interval: [Math.min(low, flat.interval[0]), Math.max(high, flat.interval[1])],
    staysAbove: flat.staysAbove,
  };
}

/** When the entropy is at a tenth of its start, if its fall does not slow down; the interval allows that it does. */
interface FloorAhead extends Forecast {
  /** Whether it flattens before. */
  readonly staysAbove?: boolean;
}

/** How many times the run so far a forecast is away. */
function runsAway({ start, end }: EntropyCourse, ahead: FloorAhead | undefined): number {
  return ahead === undefined || ahead.staysAbove
    ? Infinity
    : (ahead.step - end.step) / Math.max(end.step - start.step, 1);
}

function severityOf(
  course: EntropyCourse,
  ahead: FloorAhead | undefined,
  gain: RecentGain | undefined,
): Severity {
  if (course.course === "explosion" || course.course === "collapse, then surge") return "problem";
  if (isAtFloor(course)) return gain?.rises ? "notice" : "problem";
  // Where the scores do not tell, nothing is known to be wasted.
  const isWasted = gain !== undefined && !gain.rises && gain.why !== "open";
  const runs = runsAway(course, ahead);
  if (runs <= 0.25) return isWasted ? "problem" : "notice";
  const isFalling = ahead !== undefined && (runs <= 1 || isDown(course));
  const isWell = course.course === "collapse" ? "notice" : "fine";
  const isMostLeft = course.end.value >= 0.5 * course.start.value;
  if (isFalling) return gain?.rises ? isWell : isWasted && !isMostLeft ? "problem" : "notice";
  if (course.course === "stable") return "fine";
  return course.course === "decline" && gain?.rises !== false ? "fine" : "notice";
}

function isDown({ course }: EntropyCourse): boolean {
  return course === "collapse" || course === "decline";
}

/** A collapse that costs nothing any more, or nobody can tell what, is none; one that went wild is what it is. */
function milder(severity: Severity, { course }: EntropyCourse): Severity {
  const isWild = course === "explosion" || course === "collapse, then surge";
  return severity === "problem" && !isWild ? "notice" : severity;
}

function courseText(course: EntropyCourse, entropy: Series): string {
  const { start, trough, peak, end } = course;
  const left = percent(end.value / start.value);
  switch (course.course) {
    case "collapse":
      return `the entropy collapsed: ${left} of its start is left`;
    case "collapse, then surge":
      return `the entropy collapsed to ${
        percent(trough.value / start.value)
      } of its start, and after step ${
        stepText(lastAt("trough", entropy, course))
      } it surged to ${left}`;
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
      return `the entropy rose to ${round(peak.value)} nats at step ${
        stepText(peak.step)
      } and fell again; it ends at ${left} of its start`;
    case "fall, then rise":
      return `the entropy fell to ${round(trough.value)} nats at step ${
        stepText(trough.step)
      } and rose again; it ends at ${left} of its start`;
  }
}

function pointsText({ start, trough, peak, end, width }: EntropyCourse): string {
  const at = ({ step, value }: { step: number; value: number }) =>
    `${round(value)} at step ${stepText(step)}`;
  return `nats: ${at(start)}, lowest ${at(trough)}, highest ${at(peak)}, ${at(end)}${
    width > 1 ? ` (ends: medians of 3; between: running median of ${width})` : ""
  }`;
}

function buysText({ run, gain, plateau, parted, isSolved }: Overview): string {
  const { score, entropy } = run;
  if (isSolved) {
    return `The score is at ${
      round(plateau!.level)
    }, where little is left to buy if 1 is the most.`;
  }
  if (parted !== undefined) {
    return "Whether it still buys score cannot be told by a mean of benchmarks that part.";
  }
  if (gain === undefined) return "Whether it still buys score cannot be told: too few scores.";
  const name = scoreName(gain.kind) +
    (score !== undefined && score.kind !== gain.kind
      ? ` (there are too few ${scoreName(score.kind)}s to tell)`
      : "");
  const unpaid = gain.rises ? notBought(entropy!, score!, gain) : undefined;
  if (unpaid !== undefined) {
    return `The ${name} still rises, but not for entropy: ${
      percent(unpaid.gained)
    } of its gain came since step ${stepText(gain.since)}, and ${
      unpaid.spent <= 0 ? "none" : percent(unpaid.spent)
    } of the entropy's fall.`;
  }
  if (gain.rises) {
    return `It still buys score: the ${name} has risen since step ${stepText(gain.since)}.`;
  }
  const { interval, expected } = gain.rise;
  const law = expected === undefined ? "" : `; the law expects ${signed(expected)}`;
  switch (gain.why) {
    case "open":
      return `Whether it still buys score cannot be told from ${
        counted(gain.count, scoreName(gain.kind))
      }: a rise of ${rangeOf(interval)} since step ${stepText(gain.since)} (90 % interval${law}).`;
    case "never":
      return `It buys no score: the ${name} ${noRiseText(gain)}.`;
    case "less":
      return `It no longer buys score: the ${name} ${noRiseText(gain)} (${
        rangeOf(interval)
      }, 90 % interval${law}).`;
    default:
      return `It no longer buys score: the ${name} ${noRiseText(gain)}.`;
  }
}

function rangeOf([low, high]: Interval): string {
  return `${signed(low)} to ${signed(high)}`;
}

function forecastText(course: EntropyCourse, ahead: FloorAhead): string {
  if (ahead.staysAbove) {
    return "It flattens: the curves with a floor that fit its last half stay above a tenth of its start.";
  }
  return runsAway(course, ahead) > FURTHEST
    ? `At this pace a tenth of its start is more than ${FURTHEST} times the run away.`
    : `At this pace it reaches a tenth of its start, ${
      round(FLOOR * course.start.value)
    } nats, at about step ${Math.ceil(ahead.step)} (${
      rangeText(course, ahead)
    }, 95 %, if it may flatten; ${ahead.model} fit of the last half).`;
}

/** The ends of a forecast's interval in whole steps, not before the run's end. */
function rangeText({ end }: EntropyCourse, { interval: [low, high] }: Forecast): string {
  const from = Math.max(Math.floor(low), Math.ceil(end.step));
  return Number.isFinite(high) ? `${from} to ${Math.ceil(high)}` : `${from} or later or never`;
}

function spentFinding(
  { start, halfSpent, nearlySpent }: EntropyCourse,
  { gain, parted, isSolved }: Overview,
): Finding {
  const finding = halfSpent === undefined
    ? "entropy never fell below half of its start."
    : nearlySpent === undefined
    ? `half of the starting entropy was spent by step ${
      stepText(halfSpent)
    }; entropy never fell below 5 % of its start.`
    : `half of the starting entropy was spent by step ${stepText(halfSpent)}, 95 % of it by step ${
      stepText(nearlySpent)
    }.`;
  return {
    topic: "entropy spent",
    severity: nearlySpent === undefined
      ? "fine"
      : gain?.rises || isSolved || parted !== undefined
      ? "notice"
      : "problem",
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

/** That a score does not rise of late, in a few words that follow its name. */
export function noRiseText({ isSlight, since, why }: RecentGain): string {
  const from = `since step ${stepText(since)}`;
  if (why === "fell") return `has fallen ${from}`;
  if (why === "never") return "shows no rise in the whole log";
  return `shows ${isSlight ? "hardly any" : why === "open" ? "no clear" : "no"} rise ${from}`;
}

/** What a score is called in a sentence. */
export function scoreName(kind: RecentGain["kind"]): string {
  return kind === "unknown" ? "score" : `${kind} score`;
}
