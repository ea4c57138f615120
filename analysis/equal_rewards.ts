import { REWARD_ENDS, REWARD_SPREAD } from "./readers/companion_keys.ts";
import { companionOf } from "./readers/companions.ts";
import { normalKey } from "./readers/normal_key.ts";
import type { Run } from "./readers/run.ts";
import type { Series } from "./readers/series.ts";

/** That responses have the same reward in the last quarter of a run, so that no group has a signal. */
export interface EqualRewards {
  /** Those that have it: all of a step, or, for all that is known, those to each prompt. */
  readonly among: "step" | "prompt";
  /** In so many steps they have. */
  readonly equal: number;
  /** Of so many last steps that were looked at. */
  readonly steps: number;
  /** The first of these. */
  readonly since: number;
  /** The reward at the last step, where it is logged. */
  readonly value: number | undefined;
  /** The keys that show it. */
  readonly evidence: string;
}

/** The part of the run that is looked at. */
const RECENT = 0.25;
/** Fewer steps of it do not tell. */
const FEWEST = 5;
/** In so many of them the rewards are equal. */
const MOST = 0.8;

/** How far a mean of equal numbers may be from them, in 32 bits and a few digits of a console. */
const ROUNDING = 1e-3;

/** Whether all rewards are equal of late; undefined where they are not, or the log does not tell. */
export function equalRewards(run: Run): EqualRewards | undefined {
  return byEnds(run) ?? bySpread(run) ?? byGradient(run);
}

/** By the smallest and the largest reward of each batch; a KL penalty may part rewards whose scores are equal. */
function byEnds(run: Run): EqualRewards | undefined {
  const all: EqualRewards[] = [];
  for (const [key, { steps, values }] of run.series) {
    const top = key.replace(/min$/, "max");
    const most = run.series.get(top);
    if (top === key || !REWARD_ENDS.test(normalKey(key))) continue;
    if (most?.values.length !== values.length) continue;
    const mean = run.series.get(key.replace(/min$/, "mean"));
    const gaps = values.map((value, i) => {
      if (most.steps[i] !== steps[i]) return 1;
      // A mean of equal numbers is rounded; one that is another says that the ends are of something else.
      const isOther = mean?.steps[i] === steps[i] &&
        Math.abs(mean!.values[i]! - value) > ROUNDING * Math.max(1, Math.abs(value));
      return isOther ? 1 : most.values[i]! - value;
    });
    const zero = zeroLately({ steps, values: gaps }, run);
    if (zero === undefined) return undefined;
    const evidence = `${key} and ${top} are equal`;
    all.push({ ...zero, among: "step", value: values.at(-1)!, evidence });
  }
  return all[0];
}

/** By the standard deviation of the rewards. */
function bySpread(run: Run): EqualRewards | undefined {
  const found = Array.from(run.series).find(([key]) => REWARD_SPREAD.test(normalKey(key)));
  const zero = found && zeroLately(found[1], run);
  return zero && { ...zero, among: "prompt", value: undefined, evidence: `${found![0]} is 0` };
}

/** By a training score that does not change while gradients are 0. */
function byGradient(run: Run): EqualRewards | undefined {
  const rollouts = run.trainingScore ?? (run.score?.kind === "training" ? run.score : undefined);
  const gradient = companionOf(run, "gradient norm");
  if (rollouts === undefined || gradient === undefined) return undefined;
  const value = rollouts.values.at(-1)!;
  const changes = rollouts.values.map((one) => one - value);
  const still = zeroLately({ steps: rollouts.steps, values: changes }, run);
  const idle = zeroLately(gradient.series, run);
  if (still === undefined || idle === undefined) return undefined;
  if (still.equal < still.steps || idle.equal < idle.steps) return undefined;
  const evidence = `${rollouts.label} does not change and ${gradient.key} is 0`;
  return { ...idle, among: "step", value, evidence };
}

/** In how many steps of the last quarter of a run a series is 0; undefined where these are not most, or too few. */
function zeroLately({ steps, values }: Series, { steps: { first, last } }: Run) {
  const from = steps.findIndex((step) => step >= last - RECENT * (last - first));
  if (from < 0 || values.length - from < FEWEST) return undefined;
  const equal = values.subarray(from).filter((value) => value === 0).length;
  const count = values.length - from;
  return equal < MOST * count ? undefined : { equal, steps: count, since: steps[from]! };
}
