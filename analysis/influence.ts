import { bootstrapLine } from "./bootstrap.ts";
import { FEWEST_PAIRS, whyUnfit } from "./check_pairs.ts";
import type { Interval } from "./interval.ts";
import { fitLine } from "./line.ts";
import type { Pair } from "./pairs.ts";
import { exponentOf, shifted } from "./scale.ts";

/** What the pair that moves a most does to it. */
export interface Influence {
  /** The pair. */
  readonly pair: Pair;
  /** a of all other pairs, in units of R. */
  readonly without: number;
  /** Its 95 % interval; only where the pair changes a by more than a quarter. */
  readonly interval?: Interval;
  /**
   * True if the fit rests on this pair: the interval of a excludes 0, and without the pair a changes by more
   * than half of itself or its interval includes 0.
   */
  readonly carries: boolean;
}

/** A change of a, as a share of it, that is worth an interval of its own. */
const NOTABLE = 0.25;
/** A change of a, as a share of it, at which the fit rests on the pair. */
const CARRYING = 0.5;

/**
 * Leaves out each pair in turn, in closed form, and fits the law anew to all but the one that changes a
 * most.
 *
 * @param whole a of all pairs, and its 95 % interval.
 * @param draws As for {@linkcode bootstrapLine}.
 * @returns Undefined for fewer than 5 pairs, or where no law can be fitted without the pair.
 */
export function influenceOf(
  pairs: readonly Pair[],
  whole: { readonly a: number; readonly interval: Interval },
  draws?: number,
): Influence | undefined {
  if (pairs.length <= FEWEST_PAIRS) return undefined;
  const most = mostInfluential(pairs);
  const rest = pairs.filter((_, i) => i !== most);
  if (most === undefined || whyUnfit(rest) !== undefined) return undefined;
  const x = rest.map(({ entropy }) => Math.exp(entropy));
  const line = fitLine(x, rest.map(({ score }) => score));
  const without = -line.slope;
  const change = Math.abs(without / whole.a - 1);
  if (!Number.isFinite(without) || !Number.isFinite(change)) return undefined;
  const pair = pairs[most]!;
  if (change <= NOTABLE) return { pair, without, carries: false };
  const residuals = rest.map(({ score }, i) => score - (line.intercept + line.slope * x[i]!));
  const [low, high] = bootstrapLine(x, residuals, line, draws).interval(0, 1);
  const interval: Interval = [-high, -low];
  if (!interval.every(Number.isFinite)) return undefined;
  const carries = !includesZero(whole.interval) && (change > CARRYING || includesZero(interval));
  return { pair, without, interval, carries };
}

function includesZero([low, high]: Interval): boolean {
  return low <= 0 && high >= 0;
}

/** The index of the pair without which the slope of a line changes most (Belsley, Kuh & Welsch 1980). */
function mostInfluential(pairs: readonly Pair[]): number | undefined {
  const exponentials = pairs.map(({ entropy }) => Math.exp(entropy));
  const unitX = exponentOf(exponentials);
  const unitY = exponentOf(pairs.map(({ score }) => score));
  const x = exponentials.map((value) => shifted(value, -unitX));
  const y = pairs.map(({ score }) => shifted(score, -unitY));
  const { slope } = fitLine(x, y);
  const [meanX, meanY] = [x, y].map((values) =>
    values.reduce((sum, value) => sum + value, 0) / values.length
  ) as [number, number];
  const squares = x.reduce((sum, value) => sum + (value - meanX) ** 2, 0);
  let [most, largest] = [-1, 0];
  for (let i = 0; i < x.length; i++) {
    const distance = x[i]! - meanX;
    const leverage = 1 / x.length + distance ** 2 / squares;
    const residual = y[i]! - meanY - slope * distance;
    const change = Math.abs(residual * distance / (squares * (1 - leverage)));
    if (change > largest) [most, largest] = [i, change];
  }
  return most < 0 ? undefined : most;
}
