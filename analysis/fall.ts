import { changes } from "./changed.ts";
import { type Point, type SeriesCourse, smoothed } from "./course.ts";
import { jumpOf } from "./jump.ts";
import { lastingDrop } from "./lasting_drop.ts";
import type { ScoreSeries } from "./readers/run.ts";
import type { Series } from "./readers/series.ts";
import { deviationOfMedian, nearlyIndependent, type Scatter, scatterOf } from "./scatter.ts";
import { exponentOf, shifted } from "./scale.ts";
import { studentQuantile } from "./student.ts";
import { medianOf, MOST_COMPARED, noiseOf, reduced } from "./trend.ts";

/** A score of whatever kind. */
export type Score = Series & { readonly kind?: ScoreSeries["kind"] };

/** How a score came down from its height. */
export interface ScoreFall {
  /** The last step at its height, and the score there. */
  readonly from: Point;
  /** Where it ends. */
  readonly to: Point;
  /** The next score, where it is down by most of the fall at once; undefined where it came down by and by. */
  readonly drop: Point | undefined;
}

/** A fall counts from this share of the gain before it on, and above the noise. */
const SMALLEST_FALL = 0.2;
/** What is above so many standard deviations of a point is no noise. */
export const DEVIATIONS = 3;
/** An end is the median of so many independent scores. */
const LAST = 3;
/** One step of so much of the fall is where it fell. */
const MOST_OF_IT = 0.5;
/** Scores within this share of the gain count as at the height. */
const NEAR = 0.1;
/** A fall is looked at down to this share of it: it may level off. */
const STILL_FALLING = 0.3;
/** So many scores tell their scatter by the median, and fewer than the other number by nothing else. */
const [MANY, FEW] = [30, 8];
/** A bend must take so much of a line's squares, per value, to be one. */
const SURE_BEND = 8;

/**
 * Whether a fall is larger than one by chance and than a fifth of the gain before it.
 *
 * @param sides Of how many extremes it is the distance from a level: 2 from the highest point to the lowest.
 */
export function isAboveChance(
  fall: number,
  gain: number,
  { score, course: { noise, width }, sides = 1 }: {
    readonly sides?: 1 | 2;
    readonly score: Series;
    readonly course: { readonly noise: number; readonly width: number };
  },
): boolean {
  // The highest of n points that scatter about a level is about √(2 ln n) deviations above it.
  const chance = Math.max(DEVIATIONS, 2 + Math.sqrt(2 * Math.log(score.values.length / width)));
  return fall > sides * chance * noise && fall > SMALLEST_FALL * gain;
}

/**
 * The fall of a score from its highest point to its end, above the noise and a fifth of the gain before it;
 * undefined if it has none. One last low score of many is none.
 */
export function fallOf(score: Score, course: SeriesCourse): ScoreFall | undefined {
  const { start, trough, peak, end, width } = course;
  if (!(peak.step < end.step) || !changes(nearlyIndependent(score))) return undefined;
  const { values } = score;
  const gain = peak.value -
    Math.min(start.value, trough.step < peak.step ? trough.value : Infinity);
  // One that is back at its height did not fall, and one last low score tells no fall.
  const scatter = sureScatterOf(score);
  const last = width === 1 ? 1 : Math.min(Math.round(LAST * scatter.alike), width);
  const low = width === 1 ? end.value : Math.max(medianOf(values.subarray(-last)), values.at(-1)!);
  const noise = deviationOfMedian(scatter, last);
  if (!isAboveChance(peak.value - low, gain, { score, course: { noise, width } })) return undefined;
  const at = (step: number): Point => ({
    step,
    value: values[score.steps.findLastIndex((one) => one <= step)]!,
  });
  const height = peak.value - low;
  const jump = jumpOf(score);
  const drop = jump !== undefined && jump.levels[0] - jump.levels[1] > MOST_OF_IT * height
    ? jump
    : lastingDrop(score, { fall: height, scatter: scatter.deviation });
  return {
    from: at(drop?.before.step ?? bendOf(score, low, gain)),
    to: end,
    drop: drop?.after,
  };
}

/** The scatter of a score: of few, not by the median alone, which happens to be small. */
function sureScatterOf(score: Score): Scatter {
  const n = score.values.length;
  if (n >= MANY || n < FEW) return scatterOf(score);
  const { deviation, alike } = roughScatterOf(score);
  return { deviation: deviation * studentQuantile(n - 2) / studentQuantile(Infinity), alike };
}

/**
 * The scatter of a score, by the median and by the squares without the largest eighth, of which a fall
 * may be one: of a score that mostly does not change, the median alone tells none.
 */
export function roughScatterOf(score: Series): Scatter {
  const unit = exponentOf(score.values);
  const values = score.values.map((value) => shifted(value, -unit));
  const squares = values.subarray(1).map((value, i) => (value - values[i]!) ** 2).sort();
  const rest = squares.subarray(0, squares.length - Math.ceil(values.length / 8));
  const spread = Math.sqrt(rest.reduce((sum, square) => sum + square / rest.length, 0) / 2);
  return scatterOf(score, Math.max(noiseOf(score), shifted(spread, unit)));
}

/** The step at which a series bends down from its height, by the best of two lines that meet. */
function bendOf(score: Score, low: number, gain: number): number {
  const { steps, values } = reduced(score, MOST_COMPARED);
  const { values: smooth } = smoothed({ steps, values });
  const top = smooth.reduce((best, value, i) => value > smooth[best]! ? i : best, 0);
  const height = smooth[top]!;
  const near = Math.max(NEAR * gain, 2 * scatterOf(score).deviation);
  const from = smooth.findIndex((value) => value >= height - near);
  const down = smooth.findIndex((value, i) =>
    i > top && value <= low + STILL_FALLING * (height - low)
  );
  const part = (all: Float64Array) => all.slice(from, down < 0 ? undefined : down + 1);
  const [x, raw] = [part(steps), part(values)];
  const unit = exponentOf(raw);
  const y = withoutLine(x, raw.map((value) => shifted(value, -unit)));
  let [bend, taken] = [-1, 0];
  for (let k = 1; k < x.length - 1; k++) {
    const hinge = withoutLine(x, x.map((step) => Math.max(0, step - x[k]!)));
    const slope = product(hinge, y) / product(hinge, hinge);
    const gone = slope < 0 ? slope * slope * product(hinge, hinge) : 0;
    if (gone > taken) [bend, taken] = [k, gone];
  }
  const left = product(y, y) - taken;
  return bend >= 0 && taken > SURE_BEND * left / x.length ? x[bend]! : steps[top]!;
}

/** What a line by least squares leaves of numbers. */
function withoutLine(x: Float64Array, y: Float64Array): Float64Array {
  const mean = (all: Float64Array) => all.reduce((sum, value) => sum + value / all.length, 0);
  const [meanX, meanY] = [mean(x), mean(y)];
  const [p, q] = [x.map((value) => value - meanX), y.map((value) => value - meanY)];
  const slope = product(p, q) / product(p, p);
  return q.map((value, i) => value - slope * p[i]!);
}

function product(one: Float64Array, other: Float64Array): number {
  return one.reduce((sum, value, i) => sum + value * other[i]!, 0);
}
