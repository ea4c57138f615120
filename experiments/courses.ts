import { mean } from "simple-statistics";
import { meanInterval } from "../analysis/mean_interval.ts";
import { type OverRuns, overRuns } from "../analysis/over_runs.ts";
import type { Curve } from "../analysis/paper_data.ts";
import { fixed } from "../formats/minus.ts";
import { gradientStep, type StudyLog } from "./study_log.ts";

/** A number that a log has over training. */
export type Quantity = (log: StudyLog) => Curve;

/** The paper's H, in nats per token. */
export const ENTROPY: Quantity = (log) => logged(log, "train_entropy/all");

/** Mean length of responses, in tokens. */
export const LENGTH: Quantity = (log) => logged(log, "response_length/mean");

/** R, in percent. */
export const ACCURACY: Quantity = ({ pairs }) =>
  pairs.map(({ step, score }) => ({ step, value: 100 * score }));

/** What was logged under a key; empty where nothing was. */
export function logged({ curves }: StudyLog, key: string): Curve {
  return curves.get(key) ?? [];
}

/**
 * The mean over the tokens of a whole run of what its steps log the mean of, each step with its number of tokens; NaN
 * where there are none.
 */
export function overTokens(log: StudyLog, key: string, number: string): number {
  const tokens = new Map(logged(log, number).map(({ step, value }) => [step, value]));
  const [sum, count] = logged(log, key).reduce(([sum, count], { step, value }) => {
    const own = tokens.get(step) ?? 0;
    return [sum + own * value, count + own];
  }, [0, 0]);
  return sum / count;
}

/** The mean covariance of the tokens that a wider clip range than GRPO's lets through. */
export const freedCovariance = (log: StudyLog): number =>
  overTokens(log, "freed/covariance", "freed/tokens");

/** What was logged under a key, summed over a run. */
export function total(log: StudyLog, key: string): number {
  return logged(log, key).reduce((sum, { value }) => sum + value, 0);
}

/** A number of tokens that was logged under a key over all tokens of a run. */
export function shareOfTokens(log: StudyLog, key: string): number {
  return total(log, key) / total(log, "rollout/tokens");
}

/** Rollouts over which curves of every step are averaged for pictures. */
export const WINDOW = 5;

/** Says so, for captions. */
export const WINDOW_CAPTION = `What is logged in every step is averaged over ${WINDOW} rollouts.`;

/** Means of neighbouring steps, each at the middle of its window. */
export function inWindows(curve: Curve, width = WINDOW): Curve {
  const windows = Map.groupBy(curve, ({ step }) => Math.floor((step - 1) / width));
  return [...windows].map(([window, points]) => ({
    step: window * width + (width + 1) / 2,
    value: mean(points.map(({ value }) => value)),
  }));
}

/** A number over training in runs that differ in their seed, over gradient steps as in the paper's figures. */
export function courseOf(logs: readonly StudyLog[], quantity: Quantity): OverRuns[] {
  return overRuns(logs.map((log) => {
    const curve = quantity(log);
    const isEveryStep = curve.length > 1 && curve[1]!.step - curve[0]!.step === 1;
    return (isEveryStep ? inWindows(curve) : curve)
      .map(({ step, value }) => ({ step: gradientStep(log, step), value }));
  }));
}

/** The mean of a number over the last fifth of training: its plateau; NaN where the log does not have it. */
export function plateau(log: StudyLog, quantity: Quantity): number {
  const curve = quantity(log);
  const last = curve.filter(({ step }) => step > 0.8 * log.run.settings.steps);
  // Where all groups are without signal there is no entropy to log.
  const values = (last.length > 0 ? last : curve.slice(-1)).map(({ value }) => value);
  return values.length === 0 ? NaN : mean(values);
}

/** A number of two kinds of runs, seed by seed: that of a run of the first by that of the second with its seed. */
export function bySeed(
  runs: readonly StudyLog[],
  others: readonly StudyLog[],
  compare: (run: StudyLog, other: StudyLog) => number,
): number[] {
  return runs.flatMap((run) => {
    const other = others.find((other) => other.run.settings.seed === run.run.settings.seed);
    return other === undefined ? [] : [compare(run, other)];
  });
}

/** The mean of values over seeds with its 95 % interval: `1.2 [0.9, 1.5]`; of one seed the value alone. */
export function overSeeds(values: readonly number[], format: (value: number) => string): string {
  if (values.length === 0) return "no runs";
  const interval = meanInterval(values);
  const within = interval === undefined ? "" : ` [${interval.map(format).join(", ")}]`;
  return `${format(mean([...values]))}${within}`;
}

/** A number with its sign. */
export function signed(value: number, digits = 1): string {
  return `${value < 0 ? "" : "+"}${fixed(value, digits)}`;
}
