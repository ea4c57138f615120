import type { Finding } from "./finding.ts";
import { frameworkTraps } from "./framework_traps.ts";
import { LARGEST_VOCABULARY } from "./per_token.ts";
import type { Run } from "./readers/run.ts";
import { trap } from "./trap.ts";
import { verlTraps } from "./verl_traps.ts";

/**
 * Known ways in which a framework's metrics mislead about entropy, as far as they apply to this log. Each
 * names its evidence: the key or setting in the log, and the issue or pull request that describes it. That
 * none is known is said only of a framework that was recognised.
 */
export function findTraps(run: Run): Finding[] {
  const traps = [
    notPerToken(run),
    negative(run),
    ...(run.framework === "verl" ? verlTraps(run) : frameworkTraps(run)),
  ].filter((trap) => trap !== undefined);
  if (traps.length > 0) return traps;
  const isKnown = run.framework !== "unknown";
  return [{
    topic: "metric traps",
    severity: isKnown ? "fine" : "unknown",
    finding: isKnown
      ? "none known for these keys."
      : "can't tell from this log: its keys are of no framework that is known here.",
    evidence: `framework: ${run.framework}`,
  }];
}

function notPerToken({ entropy, framework }: Run): Finding | undefined {
  const largest = entropy?.values.reduce((left, right) => Math.max(left, right), 0) ?? 0;
  if (largest <= Math.log(LARGEST_VOCABULARY)) return undefined;
  return trap(
    "problem",
    `the entropy is larger than any vocabulary allows per token: it is a sum over sequences${
      framework === "verl"
        ? " (loss_agg_mode=seq-mean-token-sum aggregates the logged entropy, too)"
        : ""
    } or not an entropy.`,
    `${entropy!.key} reaches ${Number(largest.toPrecision(3))}, ln(${LARGEST_VOCABULARY}) is ${
      Math.log(LARGEST_VOCABULARY).toFixed(1)
    }`,
  );
}

function negative({ entropy }: Run): Finding | undefined {
  const count = entropy?.values.filter((value) => value < 0).length ?? 0;
  if (count === 0) return undefined;
  return trap(
    "problem",
    "an exact entropy is never negative: this is an estimate, a loss with its sign, or broken.",
    `${entropy!.key} is negative in ${count} of ${entropy!.values.length} steps`,
  );
}
