import type { Interval } from "./interval.ts";
import { lawAt, type LawFit } from "./law.ts";
import { fitLine } from "./line.ts";
import type { Pair } from "./pairs.ts";
import { intervalOfScore } from "./prediction.ts";
import type { Run, ScoreSeries } from "./readers/run.ts";
import { rootMeanSquare } from "./scale.ts";
import { areWhole, stepText } from "./step_text.ts";
import { medianOf } from "./trend.ts";

/** What the law says of a run that goes on: performance at a later step. */
export interface Ahead {
  /** The last step of the pairs. */
  readonly now: number;
  /** The step that is predicted. */
  readonly step: number;
  /** Whether that is the end of the run that its log states; else half as many steps again. */
  readonly isPlanned: boolean;
  /** Entropy at that step, if it goes on falling as over the last half. */
  readonly entropy: number;
  /** R by the law at that entropy. */
  readonly predicted: number;
  /** The same if entropy falls no more. */
  readonly stays: {
    /** Entropy now, and so at that step. */
    readonly entropy: number;
    /** R by the law at it. */
    readonly predicted: number;
  };
  /** 95 % interval of a score there, over both futures of the entropy. */
  readonly interval: Interval;
}

/** The rate at which entropy falls is told from no fewer pairs. */
const FEWEST_PAIRS = 4;
/** Entropy now is the median of so many pairs. */
const LAST_PAIRS = 5;
/** Nothing is said of a step that is further ahead than so many times what the pairs span. */
const FURTHEST = 1.1;

/**
 * Predicts a run that is still going, from all its pairs: entropy falls on as over the last half of the pairs or
 * stays where it is, since a log does not tell where its fall ends, and the law says what either buys. Where
 * nothing can be said, it is why, without a full stop: the pairs do not identify the law, entropy does not fall any more,
 * the run is at the end that its log states or too far from it, or the log goes on after the last pair by
 * more than pairs stand apart, so that what is ahead of the pairs has been.
 *
 * @param options.planned The last step that the log states, see {@linkcode plannedSteps}.
 * @param options.end The last step of the log, by default that of the pairs.
 * @param options.unit Of the score: no fraction is above 1.
 */
export function predictAhead(
  pairs: readonly Pair[],
  fit: LawFit,
  { planned, end = pairs.at(-1)?.step ?? NaN, unit = "reward" }: {
    readonly planned?: number | undefined;
    readonly end?: number;
    readonly unit?: ScoreSeries["unit"];
  } = {},
): Ahead | string {
  if (!fit.identified) return "not predicted: the pairs do not identify the law";
  const late = pairs.slice(pairs.length >> 1).filter(({ entropy }) => entropy > 0);
  const [first, last] = [pairs[0]!, pairs.at(-1)!];
  const isWhole = areWhole(pairs.map(({ step }) => step));
  // A log states its end in steps, so it says nothing of steps that are parts of an epoch.
  const isPlanned = planned !== undefined && isWhole && planned > first.step;
  const half = last.step + (last.step - first.step) / 2;
  const step = isPlanned ? planned : isWhole ? Math.round(half) : half;
  const over = "nothing is predicted: the run is at its end, or its entropy falls no more";
  if (end - last.step > widestGap(pairs)) {
    return `nothing is predicted: the last pair is of step ${
      stepText(last.step)
    }, the log goes on to step ${stepText(end)}`;
  }
  if (!(step > Math.max(last.step, end)) || late.length < FEWEST_PAIRS) return over;
  if (step - last.step > FURTHEST * (last.step - first.step)) {
    return `not predicted: step ${
      stepText(step)
    }, the end that the log states, is too far from the pairs, which are of steps ${
      stepText(first.step)
    } to ${stepText(last.step)}`;
  }
  const entropy = entropyIfItFalls(late, step);
  if (entropy === undefined) return over;
  const now = medianOf(late.slice(-LAST_PAIRS).map(({ entropy }) => entropy));
  // The line may be below the last pairs by chance.
  const stays = { entropy: Math.max(now, entropy), predicted: lawAt(fit, Math.max(now, entropy)) };
  const predicted = lawAt(fit, entropy);
  const intervals = [entropy, stays.entropy].map((value) => intervalOfScore(fit, value, unit));
  const interval: Interval = [
    Math.min(...intervals.map(([low]) => low)),
    Math.max(...intervals.map(([, high]) => high)),
  ];
  if (![entropy, predicted, ...interval].every(Number.isFinite)) return over;
  return { now: last.step, step, isPlanned, entropy, predicted, stays, interval };
}

/** Entropy at a step by the better of a straight and an exponential fit; undefined where it does not fall. */
function entropyIfItFalls(pairs: readonly Pair[], step: number): number | undefined {
  const steps = pairs.map((pair) => pair.step - step);
  const entropies = pairs.map(({ entropy }) => entropy);
  const line = fitLine(steps, entropies);
  const power = fitLine(steps, entropies.map(Math.log));
  if (!(line.slope < 0 && power.slope < 0)) return undefined;
  const miss = (curve: (step: number) => number) =>
    rootMeanSquare(entropies.map((entropy, i) => entropy - curve(steps[i]!)));
  const isStraight = miss((x) => line.intercept + line.slope * x) <
    miss((x) => Math.exp(power.intercept + power.slope * x));
  return isStraight ? Math.max(0, line.intercept) : Math.exp(power.intercept);
}

/** The largest distance of two neighbouring pairs, in steps. */
function widestGap(pairs: readonly Pair[]): number {
  let widest = 0;
  for (let i = 1; i < pairs.length; i++) {
    widest = Math.max(widest, pairs[i]!.step - pairs[i - 1]!.step);
  }
  return widest;
}

/** Where frameworks state how many steps a run is to have: verl, Hugging Face's trainers, others. */
const TOTALS = ["trainer.total_training_steps", "max_steps", "total_training_steps"];

/** How many steps a run is to have by its configuration, or as its trainer says; undefined if the log does not say. */
export function plannedSteps({ config, plannedSteps }: Run): number | undefined {
  if (config === undefined) return plannedSteps;
  for (const name of TOTALS) {
    let value: unknown = config;
    for (const part of name.split(".")) {
      value = (value as Record<string, unknown> | null | undefined)?.[part];
    }
    const total = Number(value ?? config[name] ?? NaN);
    if (total > 0 && Number.isFinite(total)) return total;
  }
  return plannedSteps;
}
