/**
 * A claim of the paper as data, and the rule that makes a verdict of what was measured. Each number has an accepted
 * range, which is set before there are any runs; nothing else decides.
 */
import { linearRegression, mean, sampleStandardDeviation } from "simple-statistics";
import { counted } from "../formats/counted.ts";
import type { Interval } from "./interval.ts";
import { meanInterval, tQuantile } from "./mean_interval.ts";

/** What became of a claim. */
export type Verdict =
  | "reproduced"
  | "partly"
  | "not reproduced"
  | "not testable at this scale"
  | "not run yet";

const BEST_FIRST: readonly Verdict[] = [
  "reproduced",
  "partly",
  "not reproduced",
  "not testable at this scale",
];

/** More runs than this nobody makes to decide what is open. */
const MOST_RUNS = 100;

/** What the last digits of a computation may be off by: a rank correlation of 0.9 is one of at least 0.9. */
const ROUNDING = 1e-14;

/** Beyond this many, how many would be needed is told to two digits. */
const COUNTABLE = 1000;

/** Parameters beyond which no model is, in billions. */
const LARGEST_MODEL = 10_000;

/** The rule of all verdicts, in words. */
export const VERDICT_RULE =
  "Each number of a claim has an accepted range, set before the runs. It is met if ours lies in the range and its 95 % interval does not leave it (one run has none, nor has a count of runs or of parts of one), open if only the interval leaves it, and missed if ours lies outside. Reproduced: all are met. Not testable at this scale: a decisive one, or all, cannot be measured here, for the reason given in numbers. Not reproduced: a decisive one is missed, or all that can be measured are. Partly: anything between. Where the paper contradicts itself, each reading has its own verdict, and the best of them counts.";

/** A number of one run, or of what else is independent of the others. */
export interface Observation {
  /** What it is of, such as a run's name. */
  readonly name: string;
  /** The number; NaN where it cannot be computed, as the law of a run that has none. */
  readonly value: number;
  /** Parameters of the paper's model that the run stands for, without embeddings, in billions. */
  readonly size?: number;
}

/** What the logs tell of a number: observations, of which the mean counts, or why there are none. */
export type Evidence =
  | {
    /** At least one. */
    readonly observations: readonly Observation[];
    /**
     * The 95 % interval of the mean; unless given that of independent observations, and none where all are 0 or 1:
     * in how many of them something holds is a count.
     */
    readonly interval?: Interval | undefined;
  }
  | {
    /** Why it cannot be measured at this scale, with the numbers that say so, as a clause. */
    readonly untestable: string;
  };

/** A number that a claim is judged by. */
export interface Criterion<Logs> {
  /** What it is. */
  readonly quantity: string;
  /** What the paper has, as it says it. */
  readonly paper: string;
  /** Where ours must lie, both ends included; an end may be infinite. */
  readonly accept: Interval;
  /** How values are written: a fraction as percent or in points of accuracy, a ratio, or by some digits. */
  readonly unit: "%" | "points" | "×" | "";
  /** The claim is not reproduced if this is missed. */
  readonly decisive?: boolean;
  /** The number, from the logs. */
  measure(logs: Logs): Evidence;
}

/** One way to read a claim; most have one. */
export interface Reading<Logs> {
  /** How it is read; empty where there is one way. */
  readonly name: string;
  /** At least one. */
  readonly criteria: readonly Criterion<Logs>[];
}

/** A claim of the paper. */
export interface Claim<Logs> {
  /** Its number in the list of claims. */
  readonly number: number;
  /** Where the paper makes it. */
  readonly place: string;
  /** What it says, in one sentence. */
  readonly statement: string;
  /** The numbers that the paper gives for it. */
  readonly paper: string;
  /** The figures whose runs it is judged by, as of their tasks; none if it needs no runs. */
  readonly figures: readonly string[];
  /** At least one. */
  readonly readings: readonly Reading<Logs>[];
  /** What else tells whether scale matters, in sentences with numbers from the logs. */
  scale?(logs: Logs): readonly string[];
}

/** A number of a claim, measured. */
export interface JudgedCriterion {
  /** What it is. */
  readonly quantity: string;
  /** What the paper has. */
  readonly paper: string;
  /** The accepted range, in words. */
  readonly accepted: string;
  /** Whether missing it decides. */
  readonly decisive: boolean;
  /** Ours, with its interval and how many observations it is of, in words. */
  readonly ours: string;
  /** Ours as a number; null where there is none. */
  readonly value: number | null;
  /** Its 95 % interval; null where there is none. */
  readonly interval: Interval | null;
  /** What became of it. */
  readonly outcome: "met" | "open" | "missed" | "not testable";
  /** If it is not met: whether size may explain it, by numbers. */
  readonly because: string;
}

/** A reading of a claim, judged. */
export interface JudgedReading {
  /** How it is read. */
  readonly name: string;
  /** By its own numbers. */
  readonly verdict: Verdict;
  /** Its numbers; none while runs are missing. */
  readonly criteria: readonly JudgedCriterion[];
}

/** A claim, judged. */
export interface JudgedClaim {
  /** Its number. */
  readonly number: number;
  /** Where the paper makes it. */
  readonly place: string;
  /** What it says. */
  readonly statement: string;
  /** The numbers that the paper gives. */
  readonly paper: string;
  /** What has to hold, in words. */
  readonly rule: string;
  /** What became of it. */
  readonly verdict: Verdict;
  /** Each way to read it. */
  readonly readings: readonly JudgedReading[];
  /** What else tells whether scale matters, where the claim is not reproduced. */
  readonly scale: readonly string[];
  /** The runs that are still to be made; empty unless the verdict says so. */
  readonly missing: readonly string[];
}

/** The verdict on a claim whose runs are all there. */
export function judge<Logs>(claim: Claim<Logs>, logs: Logs): JudgedClaim {
  const readings = claim.readings.map(({ name, criteria }): JudgedReading => {
    const judged = criteria.map((criterion) => judgeCriterion(criterion, logs));
    return { name, verdict: verdictOf(judged), criteria: judged };
  });
  const verdict = BEST_FIRST.find((one) => readings.some((reading) => reading.verdict === one))!;
  const scale = verdict === "reproduced" ? [] : claim.scale?.(logs) ?? [];
  return { ...said(claim), verdict, readings, scale, missing: [] };
}

/** A claim some of whose runs are still to be made. */
export function notRunYet<Logs>(claim: Claim<Logs>, missing: readonly string[]): JudgedClaim {
  const readings = claim.readings.map(({ name }): JudgedReading => ({
    name,
    verdict: "not run yet",
    criteria: [],
  }));
  return { ...said(claim), verdict: "not run yet", readings, scale: [], missing };
}

function said<Logs>({ number, place, statement, paper, readings }: Claim<Logs>) {
  return { number, place, statement, paper, rule: ruleOf(readings) };
}

/** What has to hold for a claim, in words. */
function ruleOf<Logs>(readings: readonly Reading<Logs>[]): string {
  return readings.map(({ name, criteria }) => {
    const all = criteria.map((criterion) =>
      `${criterion.quantity} ${accepted(criterion)}${
        criterion.decisive && criteria.length > 1 ? " (decisive)" : ""
      }`
    );
    return `${name === "" ? "" : `${name}: `}${all.join("; ")}.`;
  }).join(" ");
}

function verdictOf(criteria: readonly JudgedCriterion[]): Verdict {
  const [met, untestable, missed] = (["met", "not testable", "missed"] as const).map((outcome) =>
    criteria.filter((criterion) => criterion.outcome === outcome)
  );
  const decide = (some: readonly JudgedCriterion[]) => some.some(({ decisive }) => decisive);
  if (met!.length === criteria.length) return "reproduced";
  if (decide(untestable!) || untestable!.length === criteria.length) {
    return "not testable at this scale";
  }
  const all = criteria.length - untestable!.length;
  return decide(missed!) || missed!.length === all ? "not reproduced" : "partly";
}

function judgeCriterion<Logs>(criterion: Criterion<Logs>, logs: Logs): JudgedCriterion {
  const { quantity, paper, accept, decisive = false } = criterion;
  const same = { quantity, paper, accepted: accepted(criterion), decisive };
  const evidence = criterion.measure(logs);
  if ("untestable" in evidence) {
    const because = `Not testable: ${evidence.untestable}.`;
    const outcome = "not testable";
    return { ...same, ours: "–", value: null, interval: null, outcome, because };
  }
  const { observations } = evidence;
  const values = observations.map(({ value }) => value);
  const without = observations.filter(({ value }) => !Number.isFinite(value));
  if (without.length > 0) {
    const because = `${without.length} of ${observations.length} have no such number: ${
      without.map(({ name }) => name).join(", ")
    }.`;
    const outcome = "missed";
    return { ...same, ours: "none", value: null, interval: null, outcome, because };
  }
  const value = mean(values);
  const isCount = values.length > 1 && values.every((value) => value === 0 || value === 1);
  const interval = evidence.interval ?? (isCount ? null : meanInterval(values) ?? null);
  const inside = (one: number) => accept[0] - ROUNDING <= one && one <= accept[1] + ROUNDING;
  const outcome = !inside(value)
    ? "missed"
    : interval === null || interval.every(inside)
    ? "met"
    : "open";
  const count = values.length === 1
    ? ""
    : isCount
    ? `, ${values.filter((value) => value === 1).length} of ${values.length}`
    : `, mean of ${values.length}`;
  const finer = outcome === "met" ? 0 : digitsToTell(criterion, value);
  const ours = `${written(criterion.unit, value, { interval, finer })}${count}`;
  const because = outcome === "met" ? "" : whyNot(criterion, observations, outcome);
  return { ...same, ours, value, interval, outcome, because };
}

/** What the observations say of a number that is not met: would more runs, or larger models, meet it? */
function whyNot<Logs>(
  criterion: Criterion<Logs>,
  observations: readonly Observation[],
  outcome: "open" | "missed",
): string {
  const values = observations.map(({ value }) => value);
  const value = mean(values);
  const [low, high] = criterion.accept;
  const sentences: string[] = [];
  if (outcome === "open" && values.length > 1) {
    const distance = Math.min(value - low, high - value);
    const needed = numberNeeded(sampleStandardDeviation(values), distance, values.length);
    const number = needed > COUNTABLE ? Number(needed.toPrecision(2)) : needed;
    sentences.push(
      needed === Infinity
        ? "It lies at the very end of the accepted range, so that no number of runs would decide it."
        : needed > MOST_RUNS
        ? `It lies so near to the end of the accepted range that about ${number} such numbers instead of ${values.length} would be needed.`
        : `With as much spread, about ${number} such numbers instead of ${values.length} would decide it.`,
    );
  }
  sentences.push(sizeTrend(criterion, observations));
  return sentences.join(" ").trimEnd();
}

/** More numbers than this are as good as infinitely many. */
const COUNTLESS = 1e9;

/** How many values of a spread have a mean whose interval is within a distance: more than there are, or infinity. */
function numberNeeded(spread: number, distance: number, count: number): number {
  const isEnough = (n: number) => tQuantile(n - 1) * spread / Math.sqrt(n) <= distance;
  let low = count;
  let high = count + 1;
  while (!isEnough(high)) {
    if (high > COUNTLESS) return Infinity;
    [low, high] = [high, 2 * high];
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** How many more digits show on which side of an end of the accepted range a number lies. */
function digitsToTell<Logs>({ accept, unit }: Criterion<Logs>, value: number): number {
  for (let finer = 0; finer < 4; finer++) {
    const own = written(unit, value, { finer });
    const isTold = accept.every((end) =>
      end === value || !Number.isFinite(end) || written(unit, end, { finer }) !== own
    );
    if (isTold) return finer;
  }
  return 0;
}

/** Whether the observations move towards the accepted range with the size of the model. */
function sizeTrend<Logs>(
  criterion: Criterion<Logs>,
  observations: readonly Observation[],
): string {
  const sized = observations.filter((one): one is Observation & { size: number } =>
    one.size !== undefined
  );
  const sizes = new Set(sized.map(({ size }) => size));
  if (sized.length < observations.length) return "";
  if (sizes.size < 2) {
    return `All stand for one size (${
      [...sizes][0]
    } B parameters), so from these runs it cannot be told whether size explains it.`;
  }
  const points = sized.map(({ size, value }) => [Math.log10(size), value]);
  const { m: slope, b: intercept } = linearRegression(points);
  const interval = slopeInterval(points, { slope, intercept });
  const moves = `From the counterpart of ${Math.min(...sizes)} B parameters to that of ${
    Math.max(...sizes)
  } B it moves by ${
    written(criterion.unit, slope, { interval: interval ?? null, signed: true })
  } per tenfold size`;
  const value = mean(sized.map((one) => one.value));
  const [low, high] = criterion.accept;
  // An open number lies inside: what helps it leads away from the nearer end.
  const [target, isUp] = value < low
    ? [low, true]
    : value > high
    ? [high, false]
    : value - low < high - value
    ? [Infinity, true]
    : [-Infinity, false];
  const isToward = (slope > 0) === isUp;
  if (interval === undefined) {
    return `${moves}, ${isToward ? "in" : "against"} the paper's direction, by ${
      counted(points.length, "run")
    } without an interval: whether size explains it is open.`;
  }
  if (interval[0] <= 0 && interval[1] >= 0) {
    return `${moves}: no trend with size can be told, so whether size explains it is open.`;
  }
  if (!isToward) {
    return `${moves}, against the paper's direction: size does not explain it.`;
  }
  if (!Number.isFinite(target)) {
    return `${moves}, in the paper's direction: size may explain it.`;
  }
  const reached = 10 ** ((target - intercept) / slope);
  return `${moves}, in the paper's direction, so that by a straight line the accepted range would begin at ${
    reached < LARGEST_MODEL ? Number(reached.toPrecision(2)) : reached.toExponential(0)
  } B: ${
    reached < LARGEST_MODEL ? "size may explain it." : "too slowly for size alone to explain it."
  }`;
}

/** The 95 % interval of a slope by least squares; undefined for fewer than three points. */
function slopeInterval(
  points: readonly (readonly number[])[],
  { slope, intercept }: { readonly slope: number; readonly intercept: number },
): Interval | undefined {
  const n = points.length;
  if (n < 3) return undefined;
  const middle = mean(points.map(([x]) => x!));
  let [residual, spread] = [0, 0];
  for (const [x, y] of points) {
    residual += (y! - intercept - slope * x!) ** 2;
    spread += (x! - middle) ** 2;
  }
  const half = tQuantile(n - 2) * Math.sqrt(residual / (n - 2) / spread);
  return [slope - half, slope + half];
}

/** The accepted range in words. */
function accepted({ accept: [low, high], unit }: Criterion<never>): string {
  const write = (value: number) => written(unit, value);
  if (low === high) return `is ${write(low)}`;
  if (low === -Infinity) return `at most ${write(high)}`;
  if (high === Infinity) return `at least ${write(low)}`;
  return `from ${write(low)} to ${write(high)}`;
}

type Unit = Criterion<never>["unit"];

/** How the units stand behind a number. */
const SUFFIXES: Readonly<Record<Unit, string>> = {
  "%": " %",
  "points": " points",
  "×": "×",
  "": "",
};

/** A number with its interval, if it has one, and its unit. */
function written(
  unit: Unit,
  value: number,
  { interval = null, signed = false, finer = 0 }: WritingOptions = {},
): string {
  const write = (one: number) => {
    const sign = one < 0 ? "−" : signed ? "+" : "";
    return `${sign}${digits(unit, Math.abs(one), finer)}`;
  };
  const range = interval === null ? "" : ` [${interval.map(write).join(", ")}]`;
  return `${write(value)}${range}${SUFFIXES[unit]}`;
}

interface WritingOptions {
  readonly interval?: Interval | null;
  /** Whether there is a sign before positive numbers too. */
  readonly signed?: boolean;
  /** How many digits more than usual. */
  readonly finer?: number;
}

function digits(unit: Unit, size: number, finer: number): string {
  if (unit === "%") return (100 * size).toFixed((size < 0.1 ? 1 : 0) + finer);
  if (unit === "points") return (100 * size).toFixed(1 + finer);
  const isPlain = size === 0 || (size >= 1e-3 && size < 1e5);
  return isPlain ? String(Number(size.toPrecision(3 + finer))) : size.toExponential(1);
}
