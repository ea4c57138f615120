import { alikeBy, correlationOfNeighbours } from "./scatter.ts";
import type { Interval } from "./interval.ts";
import type { Series } from "./readers/series.ts";
import { reduced } from "./trend.ts";

/** When a curve that may flatten is at a level. */
export interface Flattening {
  /** The steps at which the curves that fit as well as the best are there; infinite where one of them never is. */
  readonly interval: Interval;
  /** Whether all of them flatten above the level. */
  readonly staysAbove: boolean;
}

/** Values that are fitted. */
const MOST_VALUES = 256;
/** Rates that are tried, per span of the series: a straight line, and a floor that is reached at once. */
const [SLOWEST, FASTEST, RATES] = [0.01, 20, 60];
/** Each round tries as many rates about the best of the last. */
const ROUNDS = 4;
/** The 95th percentile of χ² with one degree of freedom: a fit this much worse is as good. */
const AS_GOOD = 3.84;

/**
 * When f + A·e^(−k·step), fitted to a series by least squares, is at a level, for every rate k that fits within the
 * 95 % region of the best: the floor f is free, so a fall that slows down is not taken to go on as an
 * exponential to 0. Scatter that goes on from value to value counts as that of fewer values. Undefined for a series that does not fall, or too short a
 * one.
 *
 * @param level In the series' unit, below its values.
 */
export function flattening(series: Series, level: number): Flattening | undefined {
  const { steps, values } = reduced(series, MOST_VALUES);
  const n = values.length;
  const span = steps.at(-1)! - steps[0]!;
  if (n < 5 || !(span > 0)) return undefined;
  const fitAt = (rate: number) => ({
    rate,
    ...lineThrough(steps.map((step) => Math.exp(-rate * (step - steps[0]!))), values),
  });
  const fits: ReturnType<typeof fitAt>[] = [];
  let [slow, fast] = [SLOWEST / span, FASTEST / span];
  let best: ReturnType<typeof fitAt> | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    const ratio = (fast / slow) ** (1 / (RATES - 1));
    for (let i = 0; i < RATES; i++) {
      const fit = fitAt(slow * ratio ** i);
      if (!(fit.height > 0 && Number.isFinite(fit.squares))) continue;
      fits.push(fit);
      if (best === undefined || fit.squares < best.squares) best = fit;
    }
    if (best === undefined) return undefined;
    [slow, fast] = [best.rate / ratio, best.rate * ratio];
  }
  if (best === undefined) return undefined;
  const { rate, floor, height } = best;
  const rests = values.map((value, i) =>
    value - floor - height * Math.exp(-rate * (steps[i]! - steps[0]!))
  );
  const alike = alikeBy(Math.max(0, correlationOfNeighbours(rests) ?? 0));
  const most = best.squares * (1 + AS_GOOD * alike / (n - 3));
  const reached = fits.filter(({ squares }) => squares <= most).map(({ rate, floor, height }) =>
    floor >= level ? Infinity : steps[0]! - Math.log((level - floor) / height) / rate
  );
  return {
    interval: [Math.min(...reached), Math.max(...reached)],
    staysAbove: reached.every((step) => step === Infinity),
  };
}

/** The line floor + height·x through values, and the sum of squares that it misses by. */
function lineThrough(x: Float64Array, y: Float64Array) {
  const n = x.length;
  const [mx, my] = [x, y].map((values) => values.reduce((sum, value) => sum + value / n, 0));
  let [xx, xy, squares] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    xx += (x[i]! - mx!) ** 2;
    xy += (x[i]! - mx!) * (y[i]! - my!);
  }
  const height = xy / xx;
  for (let i = 0; i < n; i++) squares += (y[i]! - my! - height * (x[i]! - mx!)) ** 2;
  return { floor: my! - height * mx!, height, squares };
}
