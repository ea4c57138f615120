import { jumpOf } from "./jump.ts";
import { lostSince } from "./lost.ts";
import type { Overview } from "./overview.ts";
import { companionOf } from "./readers/companions.ts";
import { type Spike, spikesOf } from "./spikes.ts";

/** The steps that a break lies between: the last one before it, and the first one after it. */
type Break = readonly [number, number];

/**
 * The largest spike of the gradient norm up to where the entropy or the score broke from one value to the next,
 * where it lies right before that: not before the last value that was well. Undefined where nothing broke, or a
 * larger spike did no harm.
 */
export function spikeBeforeBreak(overview: Overview): Spike | undefined {
  const gradient = companionOf(overview.run, "gradient norm");
  if (gradient === undefined) return undefined;
  const spikes = spikesOf(gradient.series).filter(({ value, level }) => value > level);
  for (const [before, after] of breaksOf(overview)) {
    const until = spikes.filter(({ step }) => step < after);
    if (until.length === 0) continue;
    const largest = until.reduce((left, right) => right.value > left.value ? right : left);
    if (largest.step >= before) return largest;
  }
  return undefined;
}

/** Where the entropy broke; where it did not, where the score did, which is logged more seldom. */
function breaksOf({ run, plateau }: Overview): Break[] {
  const { entropy } = run;
  const jump = entropy && jumpOf(entropy);
  const lost = entropy && lostSince(run, entropy.key);
  const found: Break[] = [];
  if (jump !== undefined) found.push([jump.before.step, jump.after.step]);
  if (lost !== undefined) found.push([entropy!.steps.at(-1)!, lost]);
  const { from, drop } = plateau?.fall ?? {};
  if (found.length === 0 && from !== undefined && drop !== undefined) {
    found.push([from.step, drop.step]);
  }
  return found;
}
