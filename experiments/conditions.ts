import { linearRegression, mean } from "simple-statistics";
import type { Curve } from "../analysis/paper_data.ts";
import { around } from "../analysis/shares.ts";
import { fixed } from "../formats/minus.ts";
import { TASK_NAMES } from "./lab/tasks/task_by_name.ts";
import { foundByRarity, isFound, misconceptionsOf } from "./found_facts.ts";
import type { StudyLog } from "./study_log.ts";

/** The temperature of rollouts that explore more. */
const EXPLORING_TEMPERATURE = 1.2;

/** Something that the study asks of its task, in one run. */
export interface Condition {
  /** What it is. */
  readonly name: string;
  /** What it should be. */
  readonly expected: string;
  /** What it is. */
  readonly measured: string;
  /** Whether it is as it should be. */
  readonly holds: boolean;
}

/** What the conditions are checked on: plain GRPO by three seeds, and rollouts at a higher temperature. */
export const RUNS = TASK_NAMES.flatMap((task) => [
  ...[1, 2, 3].map((seed) => ({ task, seed })),
  { task, temperature: EXPLORING_TEMPERATURE },
]);

/**
 * What the study asks of a task under plain GRPO: that the base model be neither lost nor done, that entropy and gain be
 * spent early, and that what ends the gain be that exploration has ended.
 */
export function conditionsOf({ run, curves }: StudyLog): Condition[] {
  const { steps } = run.settings;
  const entropy = curves.get("train_entropy/all")!;
  const greedy = greedyAccuracy(curves);
  const start = entropy[0]!.value;
  const [first, last] = [greedy[0]!.value, endOf(greedy, steps)];
  const spent = (share: number) => 1 - around(entropy, share) / start;
  const gained = (share: number) => (around(greedy, share) - first) / (last - first);
  const lastThird = greedy.filter(({ step }) => step > steps * 2 / 3);
  const { m } = linearRegression(lastThird.map(({ step, value }) => [step, value]));
  const lengths = curves.get("response_length/mean")!;
  const lengthRatio = endOf(lengths, steps) / lengths[0]!.value;
  const cut = curves.get("response_length/clip_ratio")!;
  const worstCut = Math.max(
    ...windows(cut.slice(Math.round(steps / 50)), Math.ceil(steps / 50)),
  );
  return [
    range("greedy accuracy of the base model", first, [0.15, 0.45]),
    range("H of the base model (nats)", start, [0.3, 1]),
    atLeast("entropy spent by 1/12 of training", spent(1 / 12), 0.65),
    atLeast("entropy spent by 1/3", spent(1 / 3), 0.9),
    atLeast("gain of greedy accuracy done by 1/12", gained(1 / 12), 0.65),
    atLeast("gain done by 1/3", gained(1 / 3), 0.85),
    range("change of greedy accuracy over the last third", m * steps / 3, [-0.02, 0.02]),
    atLeast(
      "groups without signal, last twelfth",
      endOf(curves.get("rollout/no_signal_groups")!, steps),
      0.85,
    ),
    atLeast("response length, last twelfth over first step", lengthRatio, 1.02),
    range("largest share of truncated responses after the beginning", worstCut, [0, 0.05]),
    ...exploration(curves),
  ];
}

/** Whether rollouts at a higher temperature end higher, so that exploration is what pays. */
export function conditionOfExploration(usual: readonly StudyLog[], hot: StudyLog): Condition {
  const end = ({ run, curves }: StudyLog) => endOf(greedyAccuracy(curves), run.settings.steps);
  const [least, reached] = [mean(usual.map(end)), end(hot)];
  return atLeast(
    `greedy accuracy at the end with rollouts at temperature ${hot.run.settings.temperature}`,
    reached,
    least,
  );
}

/** Whether the base model, shown right answers, gets nearly all problems right: by benchmark, a fraction. */
export function conditionOfCapacity(accuracies: Readonly<Record<string, number>>): Condition {
  return atLeast(
    "greedy accuracy after training on right answers",
    mean(Object.values(accuracies)),
    0.97,
  );
}

/** Whether what was not found is what was rare, and has become rarer. */
function exploration(curves: StudyLog["curves"]): Condition[] {
  const all = misconceptionsOf(curves);
  const found = foundByRarity(all);
  const lost = all.filter((one) => !isFound(one));
  const change = lost.length === 0 ? NaN : mean(lost.map(({ before, after }) => after - before));
  return [{
    name: "misconceptions found, from the rarest right answers to the most frequent",
    expected: "rising",
    measured: found.map(({ share, count }) => `${(100 * share).toFixed(0)} % of ${count}`).join(
      ", ",
    ),
    holds: found.every(({ share }, i) => i === 0 || share >= found[i - 1]!.share),
  }, {
    name: "ln of the chance of right answers not found, end less base model (nats)",
    expected: "below 0",
    measured: fixed(change, 2),
    holds: change < 0,
  }];
}

function range(name: string, value: number, [low, high]: readonly [number, number]): Condition {
  return {
    name,
    expected: `${low} to ${high}`,
    measured: fixed(value, 3),
    holds: low <= value && value <= high,
  };
}

function atLeast(name: string, value: number, least: number): Condition {
  return {
    name,
    expected: `at least ${Number(least.toFixed(3))}`,
    measured: fixed(value, 3),
    holds: value >= least,
  };
}

/** The mean over benchmarks of greedy accuracy, at the steps that measure all of them. */
function greedyAccuracy(curves: StudyLog["curves"]): Curve {
  return meanOver(curves, (key) => key.includes("/greedy/") && key.endsWith("/mean@1"));
}

/** The mean over all curves of some keys, at the steps that all have. */
function meanOver(curves: StudyLog["curves"], matches: (key: string) => boolean): Curve {
  const own = [...curves].filter(([key]) => matches(key)).map(([, curve]) => curve);
  const bySteps = Map.groupBy(own.flat(), ({ step }) => step);
  return [...bySteps].filter(([, points]) => points.length === own.length)
    .map(([step, points]) => ({ step, value: mean(points.map(({ value }) => value)) }))
    .sort((a, b) => a.step - b.step);
}

/** The mean of a curve over the last twelfth of training. */
export function endOf(curve: Curve, steps: number): number {
  return mean(curve.filter(({ step }) => step > steps * 11 / 12).map(({ value }) => value));
}

/** Means of neighbouring values. */
function windows(curve: Curve, width: number): number[] {
  return curve.slice(width - 1).map((_, i) =>
    mean(curve.slice(i, i + width).map(({ value }) => value))
  );
}
