import { LONGEST_MESSAGE, ReadError } from "../formats/errors.ts";
import type { Run } from "./readers/run.ts";
import { FRAMEWORK_SETTINGS } from "./framework_settings.ts";
import { entropyUnit, whyNotInNats } from "./readers/entropy_unit.ts";
import { isEntropyByWords, isKnown } from "./readers/keys.ts";
import { enumeration, keyList, LONGEST_LIST } from "./readers/key_list.ts";
import { runLabel } from "./run_label.ts";

/** Entropy and performance of one policy. */
export interface Pair {
  /** The step of the performance. */
  readonly step: number;
  /** H, in nats per token. */
  readonly entropy: number;
  /** R, a fraction or a reward. */
  readonly score: number;
}

/**
 * Which entropy belongs to a score that was logged at step s.
 *
 * - `next-logged`: the first one after s, at most 2 steps later; where there is none, the one at s.
 *   For trainers that log entropy before the update of a step and validate after it (verl).
 * - `same-step`: the one at s, else the nearest earlier one, which is no older than entropies usually stand
 *   apart (their median distance), and no NaN was logged since.
 */
export type PairingRule = "next-logged" | "same-step";

/** Of more pairs than this, evenly spaced ones are taken, so that a long log takes little memory. */
export const MOST_PAIRS = 100_000;
/** The furthest that `next-logged` looks ahead, in steps. */
const LOOK_AHEAD = 2;
/** Characters of a list of keys in a message beside the keys: what it begins with, and counts of others. */
const AROUND_LIST = 70;

/** The pairs of a run in order of their steps, with how they were found. */
export interface Pairing extends ReadonlyArray<Pair> {
  /** The rule that was used. */
  readonly rule: PairingRule;
  /** Scores for which the rule found no entropy. */
  readonly dropped: number;
  /** Number of pairs that the run has; of more than {@linkcode MOST_PAIRS}, evenly spaced ones are here. */
  readonly inRun: number;
}

/** What a rule does, for a person. */
export function describeRule(rule: PairingRule): string {
  return rule === "next-logged"
    ? "score at s with the first entropy logged after s (at most s + 2), else with that at s"
    : "score at s with the entropy at s, else with the nearest earlier one that is no older than entropies stand apart";
}

/** The rule for a run: `next-logged` for validation scores of verl, `same-step` for all else. */
export function pairingRule(run: Run): PairingRule {
  return run.framework === "verl" && run.score?.kind === "validation" ? "next-logged" : "same-step";
}

/**
 * Pairs each score of a run with the entropy of the policy that it was measured on; of more than
 * {@linkcode MOST_PAIRS} pairs, evenly spaced ones.
 *
 * @throws {ReadError} if the run has no entropy or no score; the message lists the keys that it has.
 */
export function pairs(run: Run, options: { readonly rule?: PairingRule } = {}): Pairing {
  const { entropy, score } = run;
  if (entropy === undefined || score === undefined) {
    const missing = entropy === undefined && score === undefined
      ? "neither a policy entropy nor a score"
      : entropy === undefined
      ? "no policy entropy"
      : "no score";
    const keys = Array.from(run.keys).filter(([, count]) => count > 0).map(([key]) => key);
    const how = entropy === undefined ? FRAMEWORK_SETTINGS[run.framework]?.logEntropy : undefined;
    const start = `${runLabel(run)} has ${missing} under a key known here${notFiniteAlone(run)}${
      entropy === undefined ? otherUnitText(keys) : ""
    }`;
    const end = howToName(run);
    // What helps is longer than the list may make it: the list is cut, and not the sentences about it.
    const room = LONGEST_MESSAGE - start.length - (how?.length ?? 0) - end.length - AROUND_LIST;
    const list = keyList(keys, Math.max(0, Math.min(room, LONGEST_LIST)));
    throw new ReadError(
      `${start}${
        how === undefined ? `; ${list}` : `. ${how} ${list[0]!.toUpperCase()}${list.slice(1)}`
      }${end}`,
    );
  }
  const rule = options.rule ?? pairingRule(run);
  const found: Pair[] = [];
  const every = Math.ceil(score.steps.length / MOST_PAIRS);
  let inRun = 0;
  const oldest = medianGap(entropy.steps);
  const notFinite = run.notFinite.get(entropy.key)?.steps ?? new Float64Array();
  for (const [i, step] of score.steps.entries()) {
    const at = rule === "next-logged"
      ? nextLogged(entropy.steps, step)
      : sameStep(entropy.steps, { step, oldest, notFinite });
    if (at < 0 || inRun++ % every > 0) continue;
    found.push({ step, entropy: entropy.values[at]!, score: score.values[i]! });
  }
  return Object.assign(found, { rule, dropped: score.steps.length - inRun, inRun });
}

/** What says that a missing entropy or score was logged, but never as a number. */
function notFiniteAlone(run: Run): string {
  const keys = Array.from(run.notFinite.keys()).filter((key) =>
    run.keys.get(key) === 0 && (isKnown(key) || isEntropyByWords(key))
  );
  if (keys.length === 0) return "";
  return ` (${keys.slice(0, 3).join(", ")} ${keys.length === 1 ? "is" : "are"} never finite)`;
}

/** That an entropy is logged, but in another unit. */
function otherUnitText(keys: readonly string[]): string {
  const key = keys.find((key) => entropyUnit(key) === "other");
  return key === undefined ? "" : ` (${whyNotInNats(key)})`;
}

/** How to name what is missing, and which keys could be meant. */
function howToName({ format, entropy, score, unrecognised }: Run): string {
  const missing = [
    ...(entropy === undefined ? ["entropy" as const] : []),
    ...(score === undefined ? ["score" as const] : []),
  ];
  if (format === "tensorboard-csv") {
    return ` TensorBoard exports a file for each metric: name that of the ${
      missing.join(" and that of the ")
    } beside it.`;
  }
  return missing.map((what) => {
    const alike = unrecognised.filter(({ looksLike }) => looksLike === what).map(({ key }) => key);
    const flag = `--${what}-key`;
    return alike.length === 0
      ? ` If one is the ${what}, name it with ${flag}.`
      : ` By ${alike.length === 1 ? "its name" : "their names"} ${
        enumeration(alike, 200)
      } could be the ${what}: name it with ${flag}.`;
  }).join("");
}

function nextLogged(steps: Float64Array, step: number): number {
  const after = firstAfter(steps, step);
  if (after < steps.length && steps[after]! <= step + LOOK_AHEAD) return after;
  return steps[after - 1] === step ? after - 1 : -1;
}

function sameStep(
  steps: Float64Array,
  { step, oldest, notFinite }: { step: number; oldest: number; notFinite: Float64Array },
): number {
  const at = firstAfter(steps, step) - 1;
  if (at < 0 || step - steps[at]! > oldest) return -1;
  const lastNotFinite = notFinite[firstAfter(notFinite, step) - 1] ?? -Infinity;
  return lastNotFinite > steps[at]! ? -1 : at;
}

/** The median distance of neighbouring steps; 0 for fewer than two. */
function medianGap(steps: Float64Array): number {
  // Not by from(), which lists what it is given first: a hundred megabytes for two million steps.
  const gaps = steps.slice(1);
  for (let i = 0; i < gaps.length; i++) gaps[i]! -= steps[i]!;
  gaps.sort();
  return gaps[gaps.length >> 1] ?? 0;
}

/** Index of the first of the ascending `steps` that is greater than `step`. */
function firstAfter(steps: Float64Array, step: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle]! > step) high = middle;
    else low = middle + 1;
  }
  return low;
}
