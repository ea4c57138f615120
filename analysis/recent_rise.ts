import type { Interval } from "./interval.ts";
import type { Series } from "./readers/series.ts";
import { scatterOf } from "./scatter.ts";
import { exponentOf, shifted } from "./scale.ts";
import { studentQuantile } from "./student.ts";

/** What a score rose by over its last values, and what the law expects of the entropy spent on them. */
export interface RecentRise {
  /** By a line through the values: 90 % interval, in units of R. */
  readonly interval: Interval;
  /** What the law of the values before wants, in units of R; undefined where they tell no such law. */
  readonly expected: number | undefined;
  /** Whether the rise is less than that, by a one-sided test at 5 % that counts the errors of both. */
  readonly isLess: boolean;
}

/** Fewer values before tell no law. */
const FEWEST_BEFORE = 4;

/** What a score rose by from one of its values on, at least the third from its end. */
export function recentRise(score: Series, from: number, entropy: Series | undefined): RecentRise {
  const unit = exponentOf(score.values);
  const y = Array.from(score.values, (value) => shifted(value, -unit));
  const x = Array.from(score.steps);
  const span = x.at(-1)! - x[from]!;
  const { alike } = scatterOf(score);
  const rise = slopeOf(x.slice(from), y.slice(from), alike);
  const quantile = studentQuantile(x.length - from - 2);
  const at = (value: number) => shifted(value, unit);
  const interval: Interval = [
    at(span * (rise.slope - quantile * rise.error)),
    at(span * (rise.slope + quantile * rise.error)),
  ];
  const spent = entropy && valuesAt(entropy, score.steps).map((value) => -Math.exp(value));
  if (spent === undefined || from < FEWEST_BEFORE) {
    return { interval, expected: undefined, isLess: false };
  }
  const law = slopeOf(spent.slice(0, from), y.slice(0, from), alike);
  const cost = span * slopeOf(x.slice(from), spent.slice(from), 1).slope;
  const expected = law.slope * cost;
  if (!(Number.isFinite(expected) && expected > 0)) {
    return { interval, expected: undefined, isLess: false };
  }
  const error = Math.hypot(span * rise.error, cost * law.error);
  return {
    interval,
    expected: at(expected),
    isLess: span * rise.slope + quantile * error < expected,
  };
}

/** The slope of a line by least squares, and its standard error where so many neighbours tell as much as one. */
function slopeOf(
  x: readonly number[],
  y: readonly number[],
  alike: number,
): { slope: number; error: number } {
  const n = x.length;
  const [meanX, meanY] = [x, y].map((all) => all.reduce((sum, value) => sum + value / n, 0));
  let [xx, xy, yy] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [p, q] = [x[i]! - meanX!, y[i]! - meanY!];
    xx += p * p;
    xy += p * q;
    yy += q * q;
  }
  const slope = xy / xx;
  return { slope, error: Math.sqrt(alike * Math.max(0, yy - xy * slope) / (n - 2) / xx) };
}

/** The last value of a series at each step or before it; the first where there is none. */
function valuesAt({ steps, values }: Series, at: Float64Array): number[] {
  let i = 0;
  return Array.from(at, (step) => {
    while (i < steps.length - 1 && steps[i + 1]! <= step) i++;
    return values[i]!;
  });
}
