import type { Interval } from "./interval.ts";
import { lawAt, type LawFit } from "./law.ts";
import { fitLine } from "./line.ts";
import type { Pair } from "./pairs.ts";
import { intervalOfScore } from "./prediction.ts";
import type { Run } from "./readers/run.ts";

/** What the law says of a run that goes on: performance at a later step. */
export interface Ahead {
  /** The last step of the pairs. */
  readonly now: number;
  /** The step that is predicted. */
  readonly step: number;
  /** Whether that is the end of the run that its log states; else half as many steps again. */
  readonly isPlanned: boolean;
  /** Entropy at that step, if it goes on falling by the same share per step as over the last half. */
  readonly entropy: number;
  /** R by the law at that entropy. */
  readonly predicted: number;
  /** 95 % interval of a score there; how entropy goes on is not in it. */
  readonly interval: Interval;
}

/** The rate at which entropy falls is told from no fewer pairs. */
const FEWEST_PAIRS = 4;

/**
 * Predicts a run that is still going, from all its pairs: entropy falls on exponentially as over the last
 * half of the pairs, and the law says what that buys. Undefined where the pairs do not identify the law,
 * where entropy does not fall any more, the run is at the end that its log states, or the log goes
 * on after the last pair by more than pairs stand apart: then what is ahead of the pairs has been.
 *
 * @param planned The last step that the log states, see {@linkcode plannedSteps}.
 * @param end The last step of the log, by default that of the pairs.
 */
export function predictAhead(
  pairs: readonly Pair[],
  fit: LawFit,
  planned?: number,
  end = pairs.at(-1)?.step ?? NaN,
): Ahead | undefined {
  const late = pairs.slice(pairs.length >> 1).filter(({ entropy }) => entropy > 0);
  const [first, last] = [pairs[0], pairs.at(-1)];
  if (!fit.identified || late.length < FEWEST_PAIRS || first === undefined || last === undefined) {
    return undefined;
  }
  const isPlanned = planned !== undefined && planned > first.step;
  const step = isPlanned ? planned : Math.round(last.step + (last.step - first.step) / 2);
  if (!(step > Math.max(last.step, end)) || end - last.step > widestGap(pairs)) return undefined;
  const { slope, intercept } = fitLine(
    late.map(({ step }) => step - last.step),
    late.map(({ entropy }) => Math.log(entropy)),
  );
  if (!(slope < 0)) return undefined;
  const entropy = Math.exp(intercept + slope * (step - last.step));
  const predicted = lawAt(fit, entropy);
  const interval = intervalOfScore(fit, entropy);
  if (![entropy, predicted, ...interval].every(Number.isFinite)) return undefined;
  return { now: last.step, step, isPlanned, entropy, predicted, interval };
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
