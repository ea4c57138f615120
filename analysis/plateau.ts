import { median } from "simple-statistics";
import { courseOf, type Point } from "./course.ts";
import { fallOf, roughScatterOf, type Score, type ScoreFall } from "./fall.ts";
import type { Interval } from "./interval.ts";
import type { Series } from "./readers/series.ts";
import { deviationFrom, narrowestFor, scatterOf } from "./scatter.ts";
import { exponentOf, shifted } from "./scale.ts";
import { studentQuantile } from "./student.ts";
import { undisturbed } from "./undisturbed.ts";

/** The stretch at the end of a run in which the score gained nothing. */
export interface Plateau {
  /** The first score of the log. */
  readonly start: Point;
  /** The first score of the stretch; the start where the score gained nothing in the whole log. */
  readonly since: Point;
  /** The last step of the log that has a score. */
  readonly last: number;
  /** How the score fell, where it did; the stretch is what follows its height then. */
  readonly fall: ScoreFall | undefined;
  /** The standard deviation of a score of the log. */
  readonly scatter: number;
  /** The largest score of the log; the first of several. */
  readonly best: Point;
  /** Number of scores in the stretch; of more than 5,000 in a log, of those that were looked at. */
  readonly scores: number;
  /** Their mean. */
  readonly level: number;
  /** What the score rose by over the stretch, by a line through it or its ends: 90 % interval, in units of R. */
  readonly rise: Interval;
}

/** A line through fewer scores tells nothing. */
const FEWEST_SCORES = 5;
/** A shorter part of the run is too short to call it flat. */
const SHORTEST_PART = 0.25;
/** A part of this length and more is a long one. */
const LONG_PART = 0.5;
/** What may have been gained on a plateau, as a share of the gain before it. */
const MOST_GAINED = 0.05;
/** The same of a plateau that is at least half of the run. */
const MOST_GAINED_LONG = 0.075;
/** A running median that is lower by so many standard deviations of a score is a fall. */
const FALL_DEVIATIONS = 4;
/** Width of the running median under which single scores count. */
const MEDIAN_WIDTH = 5;
/** Scores that are looked at; evenly spaced ones of a longer log. */
const MOST_SCORES = 5000;
/** Below this share of the range of the scores a rise is rounding. */
const ROUNDING = 1e-9;

/**
 * The earliest score since which nothing was gained: the line through it and all later ones does not rise
 * (one-sided test at 5 %) and can have risen by no more than a twentieth of the gain before it (of half of the run and more: 3/40), and by no
 * more than that or the scatter their mean is higher than it, or a running median of five than both. The
 * stretch must hold five scores and a quarter of the run's steps. Where the score gained nothing from its
 * first value on, or at most half of the range that it scatters over, the stretch is the whole log; of a
 * score that falls, it begins at its height. Where a score dips and comes back, or ends far from those before,
 * it begins no earlier than without that. Undefined where the score still rises, or too few scores tell.
 *
 * Of 300 simulated runs of 10 to 400 scores that rise to their end with normal scatter, at most 1 in 16 was
 * said to be on a plateau (tests/analysis/plateau_test.ts). Where the scatter lasts from score to
 * score, the line is known less well ({@linkcode scatterOf}).
 */
export function findPlateau(score: Score): Plateau | undefined {
  const every = Math.ceil(score.steps.length / MOST_SCORES);
  const points = Array.from(
    { length: Math.ceil(score.steps.length / every) || 0 },
    (_, i): Point => ({ step: score.steps[i * every]!, value: score.values[i * every]! }),
  );
  const [start, end] = [points[0], points.at(-1)];
  if (start === undefined || end === undefined || points.length < FEWEST_SCORES) return undefined;
  const span = end.step - start.step;
  const ascends = points.every(({ step }, i) => i === 0 || step > points[i - 1]!.step);
  if (!ascends || !(span > 0 && Number.isFinite(span))) return undefined;
  const course = courseOf(
    score,
    score.kind === "training" ? "medians" : "values",
    narrowestFor(score),
  );
  const fall = course && fallOf(score, course);
  if (fall !== undefined) return afterFall(score, fall);
  const rest = undisturbed(score);
  const isDisturbed = rest.values.length < score.values.length;
  const earliest = isDisturbed ? findPlateau(rest)?.since.step : start.step;
  if (earliest === undefined) return undefined;
  const unit = exponentOf(points.map(({ value }) => value));
  // In units of a power of two, so that no square leaves the range of floats.
  const y = points.map(({ value }) => shifted(value, -unit));
  const x = points.map(({ step }) => (step - start.step) / span);
  const medians = runningMedians(y);
  const range = Math.max(...y) - Math.min(...y);
  const { alike, deviation } = scatterOf(score);
  const tails = flatTails(x, y, { medians, alike });
  // Of a score that jumps down and up again the scatter is that of its jumps.
  const rough = shifted(roughScatterOf(score).deviation, -unit);
  const hasFallen = ({ from, scatter }: Tail) =>
    medians[from]! - medians.at(-1)! > FALL_DEVIATIONS * scatter + ROUNDING * range;
  const flat = tails.find((tail) => {
    const { from, level, rise, scatter, highest } = tail;
    if (points[from]!.step < earliest) return false;
    const gain = medians[from]! - y[0]!;
    // The height of a tail is the highest of many by chance; its mean is not, but lies low after a fall.
    const sure = hasFallen(tail) ? gain : Math.min(gain, level - y[0]!);
    const isWhole = from === 0;
    const share = 1 - x[from]! < LONG_PART ? MOST_GAINED : MOST_GAINED_LONG;
    const most = isWhole ? range / 2 : share * gain;
    return (isWhole || (sure > 3 * scatter && 1 - x[from]! >= SHORTEST_PART)) &&
      rise[0] <= ROUNDING * range && rise[1] <= most + ROUNDING * range &&
      level - y[from]! <= Math.max(isWhole ? 0 : most, 3 * scatter) &&
      highest - Math.max(level, medians[from]!) <=
        (isWhole ? 3 * Math.min(scatter, rough) : Math.max(most, 2 * scatter));
  });
  if (flat === undefined) return undefined;
  return {
    start,
    since: points[flat.from]!,
    last: score.steps.at(-1)!,
    fall: undefined,
    scatter: deviation,
    best: bestOf(score),
    scores: points.length - flat.from,
    level: shifted(flat.level, unit),
    rise: [shifted(flat.rise[0], unit), shifted(flat.rise[1], unit)],
  };
}

/** The stretch after the height of a score that fell. */
function afterFall(score: Score, fall: ScoreFall): Plateau {
  const { steps, values } = score;
  const after = values.subarray(steps.findLastIndex((step) => step <= fall.from.step) + 1);
  const { deviation: scatter } = scatterOf(score);
  const change = fall.to.value - fall.from.value;
  const half = studentQuantile(Infinity) * Math.SQRT2 * scatter;
  return {
    start: { step: steps[0]!, value: values[0]! },
    since: fall.from,
    last: steps.at(-1)!,
    fall,
    scatter,
    best: bestOf(score),
    scores: after.length,
    level: after.reduce((sum, value) => sum + value / after.length, 0),
    rise: [change - half, change + half],
  };
}

/** A score of at most 1 that stays above this has little left to gain. */
const SOLVED = 0.95;

/** Whether a score stays so near to 1 that little is left to gain, if 1 is the most. */
export function isSolved({ fall, level, best }: Plateau): boolean {
  return fall === undefined && level >= SOLVED && best.value <= 1;
}

/** Whether all scores of the log are the same. */
export function isConstant({ start, best, level }: Plateau): boolean {
  return best.step === start.step && level === start.value;
}

/** Whether the score gained nothing from its first value on. */
export function isWithoutGain({ start, since }: Plateau): boolean {
  return since.step === start.step;
}

function bestOf({ steps, values }: Series): Point {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return { step: steps[best]!, value: values[best]! };
}

/** The line through the scores from one of them on. */
interface Tail {
  /** Index of the first. */
  from: number;
  /** Mean of the scores. */
  level: number;
  /** 90 % interval of what the line rises by. */
  rise: Interval;
  /**
   * Standard deviation of a score after the first, from the differences of neighbours, which no trend
   * inflates.
   */
  scatter: number;
  /** The highest running median. */
  highest: number;
}

/** The tails of five scores and more, the longest first; sums run from the end, so it takes linear time. */
function flatTails(
  x: readonly number[],
  y: readonly number[],
  { medians, alike }: { readonly medians: readonly number[]; readonly alike: number },
): Tail[] {
  const tails: Tail[] = [];
  const zero = y.at(-1)!;
  let [sx, sy, sxx, sxy, syy, differences, highest] = [0, 0, 0, 0, 0, 0, -Infinity];
  for (let i = y.length - 1; i >= 0; i--) {
    // From the end, so that little is cancelled where the sums are short.
    const [p, q] = [1 - x[i]!, y[i]! - zero];
    sx += p;
    sy += q;
    sxx += p * p;
    sxy += p * q;
    syy += q * q;
    highest = Math.max(highest, medians[i]!);
    const n = y.length - i;
    const scatter = deviationFrom(Math.sqrt(differences / (2 * Math.max(1, n - 2))), alike);
    if (i > 0) differences += (y[i]! - (y[i + 1] ?? y[i]!)) ** 2;
    if (n < FEWEST_SCORES) continue;
    const xx = sxx - sx * sx / n;
    const xy = sxy - sx * sy / n;
    const slope = -xy / xx;
    const squares = Math.max(0, syy - sy * sy / n - xy * xy / xx);
    const half = studentQuantile(n - 2) * Math.sqrt(alike * squares / (n - 2) / xx);
    tails.push({
      from: i,
      level: zero + sy / n,
      rise: [(slope - half) * p, (slope + half) * p],
      scatter,
      highest,
    });
  }
  return tails.reverse();
}

function runningMedians(values: readonly number[]): number[] {
  const half = Math.floor(MEDIAN_WIDTH / 2);
  return values.map((_, i) => median(values.slice(Math.max(0, i - half), i + half + 1)));
}

/**
 * The share of the gain up to the plateau that was there at its first score; undefined where no share can be
 * told: of a score that fell, or one that began as high as its plateau.
 */
export function shareAtPlateau({ start, since, level, fall }: Plateau): number | undefined {
  const share = (since.value - start.value) / (level - start.value);
  if (fall !== undefined || !(level > start.value && share > 0)) return undefined;
  return Math.min(share, 1);
}
