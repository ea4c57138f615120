import { changes } from "./changed.ts";
import { lostSince } from "./lost.ts";
import { companionOf } from "./readers/companions.ts";
import { lastAt } from "./course.ts";
import type { Overview } from "./overview.ts";
import type { CompanionName } from "./readers/companion_keys.ts";
import type { Series } from "./readers/series.ts";
import { spikeBeforeBreak } from "./spike_before_break.ts";
import type { Spike } from "./spikes.ts";
import { stepText } from "./step_text.ts";
import { medianOf, noiseOf, tailOf, trendOf } from "./trend.ts";

/** What is looked at beside the entropy. */
const WATCHED: readonly CompanionName[] = [
  "clip fraction",
  "KL to the rollout policy",
  "KL to the reference",
  "gradient norm",
  "response length",
  "truncated responses",
  "train/inference mismatch",
];

/** When a metric left the course that it was on. */
export interface Departure {
  /** What it is of: `entropy`, or the companion's name. */
  readonly name: string;
  /** The key that it was logged under. */
  readonly key: string;
  /** The first step of those at which it was away; undefined if there is none. */
  readonly step: number | undefined;
  /**
   * Where there is none: whether it ends well above or below where it was all the same, or by more than a quarter
   * but within its scatter; undefined where it ends within a quarter of it.
   */
  readonly drift: "grew" | "fell" | "unsure" | undefined;
}

/** What a run's metrics did before or after something happened to it. */
export interface Departures {
  /** What happened, as the end of a sentence. */
  readonly event: string;
  /** From this step on they are looked at. */
  readonly from: number;
  /** The first to leave first; those that stayed last. */
  readonly departures: readonly Departure[];
  /** A spike of the gradient norm right before the entropy or the score broke: it came back and did not depart. */
  readonly spike: Spike | undefined;
}

/** What happened to a run, and the steps whose course the metrics are held to. */
interface Event {
  readonly text: string;
  readonly reference: readonly [number, number];
  /** Whether the reference is a level; else a line goes through it. */
  readonly isLevel: boolean;
}

/** A metric has left once it is away for so many values in a row. */
const IN_A_ROW = 3;
/** It is away by more than so many standard deviations … */
const DEVIATIONS = 5;
/** … and by more than this share of its level. */
const SMALLEST_SHARE = 0.25;
/** A reference has at least so many values. */
const FEWEST_REFERENCE = 5;

/**
 * In which order the entropy and what moves with it left their course: before the score fell or the entropy
 * surged, else since the start, where the entropy did not stay as it was. Undefined where nothing happened.
 */
export function movedFirst(overview: Overview): Departures | undefined {
  const { run } = overview;
  const event = eventOf(overview);
  if (event === undefined) return undefined;
  const watched: { name: string; key: string; series: Series }[] = WATCHED.flatMap((name) => {
    const found = companionOf(run, name);
    return found === undefined ? [] : [{ name, ...found }];
  });
  if (run.entropy !== undefined) {
    watched.unshift({ name: "entropy", key: run.entropy.key, series: run.entropy });
  }
  const departures = watched.flatMap(({ name, key, series }) => {
    const reference = within(series, event.reference);
    if (reference.values.length < FEWEST_REFERENCE) return [];
    const lost = lostSince(run, key) ?? Infinity;
    const left = changes(series) ? departure(series, reference, event) : undefined;
    const step = Math.min(left ?? Infinity, lost);
    return [{
      name,
      key,
      step: Number.isFinite(step) ? step : undefined,
      drift: Number.isFinite(step) ? undefined : driftOf(series, reference),
    }];
  });
  departures.sort((one, other) => (one.step ?? Infinity) - (other.step ?? Infinity) || 0);
  const spike = spikeBeforeBreak(overview);
  return { event: event.text, from: event.reference[1], departures, spike };
}

/** What happened to a run that its metrics may have announced. */
function eventOf({ run, score, entropy }: Overview): Event | undefined {
  const { first, last } = run.steps;
  const before = (step: number, text: string): Event => {
    const length = step - first;
    return {
      text,
      reference: [step - length / 2, step - length / 4],
      isLevel: false,
    };
  };
  if (score?.fall !== undefined && score.fall.from.step > first) {
    const { from: { step }, drop } = score.fall;
    const fell = drop === undefined ? "began to fall" : "dropped at once";
    return before(step, `the score ${fell} after step ${stepText(step)}`);
  }
  if (entropy?.course === "collapse, then surge" && entropy.trough.step > first) {
    const lowest = lastAt("trough", run.entropy!, entropy);
    return before(lowest, `the entropy began to surge after step ${stepText(lowest)}`);
  }
  const lost = run.entropy === undefined ? undefined : lostSince(run, run.entropy.key);
  if (lost !== undefined && lost > first) {
    return before(lost, `the entropy is not finite from step ${stepText(lost)} on`);
  }
  if (entropy === undefined || entropy.course === "stable") return undefined;
  return {
    text: "all counted from their level at the start",
    reference: [first, first + 0.05 * (last - first)],
    isLevel: true,
  };
}

/** The values within some steps, or as many from the first of them on as a reference needs. */
function within({ steps, values }: Series, [from, to]: readonly [number, number]): Series {
  const start = steps.findIndex((step) => step >= from);
  if (start < 0) return { steps: steps.subarray(0, 0), values: values.subarray(0, 0) };
  const end = Math.max(steps.findLastIndex((step) => step <= to) + 1, start + FEWEST_REFERENCE);
  return { steps: steps.subarray(start, end), values: values.subarray(start, end) };
}

/** Where a series ends by its reference: well above or below it takes as much as a departure. */
function driftOf(series: Series, reference: Series): Departure["drift"] {
  const [level, end] = [medianOf(reference.values), tailOf(series)];
  const away = Math.abs(end - level);
  if (away <= SMALLEST_SHARE * Math.abs(level)) return undefined;
  return away <= DEVIATIONS * noiseOf(series) ? "unsure" : end > level ? "grew" : "fell";
}

/**
 * The first step after the reference from which a series is away: from the course that it was on, straight
 * or exponential and within the errors of its slope, and from where that had brought it.
 */
function departure(series: Series, reference: Series, { isLevel }: Event): number | undefined {
  const level = medianOf(reference.values);
  const last = isLevel ? level : medianOf(reference.values.subarray(-IN_A_ROW));
  const courses = isLevel ? [] : coursesOf(reference);
  const band = Math.max(
    DEVIATIONS * Math.max(noiseOf(reference), noiseOf(series)),
    SMALLEST_SHARE * Math.abs(level),
    Number.MIN_VALUE,
  );
  const { steps, values } = series;
  let away = 0;
  for (let i = 0; i < values.length; i++) {
    if (steps[i]! <= reference.steps.at(-1)!) continue;
    const on = [last, ...courses.map((course) => course(steps[i]!))];
    const isAway = values[i]! > Math.max(...on) + band || values[i]! < Math.min(...on) - band;
    away = isAway ? away + 1 : 0;
    if (away === IN_A_ROW) return steps[i - IN_A_ROW + 1];
  }
  return undefined;
}

/** Where a series may go: lines, and curves whose logarithm is a line, by both ends of the slope's interval. */
function coursesOf({ steps, values }: Series): ((step: number) => number)[] {
  const middle = medianOf(steps);
  const lines = (heights: Float64Array) => {
    const { slope, slopes, intercept, direction } = trendOf({ steps, values: heights });
    // A slope that is not above the noise leads astray far from the reference.
    return direction === "flat"
      ? []
      : slopes.map((one) => (step: number) => intercept + slope * middle + one * (step - middle));
  };
  const logs = values.every((value) => value > 0) ? lines(values.map(Math.log)) : [];
  return [...lines(values), ...logs.map((line) => (step: number) => Math.exp(line(step)))];
}
