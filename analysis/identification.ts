import { max, min } from "simple-statistics";
import { checkValues } from "./check_pairs.ts";
import { withMinus } from "../formats/minus.ts";
import { number } from "../formats/number.ts";
import type { Influence } from "./influence.ts";
import type { Interval } from "./interval.ts";
import type { Pair } from "./pairs.ts";
import { passedCeiling } from "./passed_ceiling.ts";
import { isWithoutGain, type Plateau } from "./plateau.ts";
import { roseUnpaid } from "./rose_unpaid.ts";
import { stepText } from "./step_text.ts";
import { medianOf } from "./trend.ts";

/** Whether a run's pairs identify the law. */
export interface Identification {
  /** True if a and b can be relied on within their intervals. A fit and `fit --json` use the same name. */
  readonly identified: boolean;
  /** Why, in one sentence with its numbers. */
  readonly identifiedBecause: string;
  /** Range of exp(H) over its smallest value: 0.1 is about a tenth of a nat. */
  readonly relativeRange: number;
  /** Share of the pairs whose exp(H) lies in the lowest tenth of the range: the flat part. */
  readonly flatShare: number;
}

/** What is known of a fit beside its pairs and the interval of a. */
export interface FitEvidence {
  /** a. */
  readonly a?: number;
  /** What single pairs do to it. */
  readonly influence?: Influence | undefined;
  /** Where the scores of the pairs gain nothing more. */
  readonly plateau?: Plateau | undefined;
  /** b − a. */
  readonly ceiling?: number;
  /** The 95 % interval of the ceiling. */
  readonly intervalOfCeiling?: Interval;
  /** What the scores are, where it is known. */
  readonly score?: {
    /** Of held-out problems, of the training rollouts, or not known. */
    readonly kind: "validation" | "training" | "unknown";
    /** `fraction`: no score is larger than 1. */
    readonly unit: "fraction" | "reward";
  } | undefined;
}

/** Below this relative range of exp(H), any smooth curve is a straight line. */
const SMALLEST_RANGE = 0.05;
/** exp(H) within this part of its range above the minimum is where entropy has been spent. */
const FLAT_PART = 0.1;
/** The slope rests on the pairs outside the flat part. */
const FEWEST_STEEP_PAIRS = 4;
/** A plateau may hide so much of the gain before it (3/40) twice over: the law may want as much. */
const SMALL_PART = 0.15;
/** Pairs at either end of a run of which the middle one is taken. */
const END_PAIRS = 3;

/**
 * A plain verdict on whether the pairs tell a and b: exp(H) must cover a range, enough pairs must lie
 * outside the flat part at its low end, the interval of a must be finite and exclude 0, no single pair may
 * carry the fit, the score may not have stopped while entropy went on, nor fallen while entropy rose, nor
 * passed the ceiling, nor risen on where entropy was not spent, and the ceiling may be neither impossible nor open by more than the score moved.
 *
 * @param evidence What is left out of it is not looked at.
 * @throws {LawError} `not-finite` or `out-of-range` for pairs that are.
 */
export function identify(
  pairs: readonly Pair[],
  intervalOfA: Interval,
  evidence: FitEvidence = {},
): Identification {
  checkValues(pairs);
  const x = pairs.map(({ entropy }) => Math.exp(entropy));
  const low = min(x);
  const range = max(x) - low;
  const relativeRange = range / low;
  const flat = x.filter((value) => value <= low + FLAT_PART * range).length;
  const flatShare = flat / x.length;
  const steep = x.length - flat;
  const nats = (Math.log(low + range) - Math.log(low)).toFixed(3);
  const found = (identified: boolean, identifiedBecause: string) => ({
    identified,
    identifiedBecause,
    relativeRange,
    flatShare,
  });
  if (relativeRange < SMALLEST_RANGE) {
    return found(false, `entropy moved by only ${nats} nat, too little to tell a slope.`);
  }
  if (steep < FEWEST_STEEP_PAIRS) {
    return found(
      false,
      `${flat} of ${x.length} points lie in the flat part where entropy is spent; the slope rests on ${steep}.`,
    );
  }
  const [lower, upper] = intervalOfA;
  if (!(Number.isFinite(lower) && Number.isFinite(upper))) {
    return found(false, `the 95 % interval of a has no finite ends.`);
  }
  if (lower <= 0 && upper >= 0) {
    return found(false, `the 95 % interval of a includes 0, so the direction of the law is open.`);
  }
  const single = restsOnOne(evidence);
  if (single !== undefined) return found(false, single);
  if (upper < 0) {
    // Of the pairs alone: entropy that scatters about a level is not spent.
    return found(
      false,
      `a is negative: over the ${nats} nat by which the entropy of the pairs differs, the score is lower where entropy is lower, which is not what the law describes.`,
    );
  }
  const doubt = stopped(pairs, evidence) ?? unspent(pairs) ??
    passed(pairs, evidence) ?? roseUnpaid(pairs) ?? impossible(evidence) ??
    unbounded(pairs, evidence);
  if (doubt !== undefined) return found(false, doubt);
  const training = evidence.score?.kind === "training"
    ? " R is a training score, which the difficulty of the batches moves, too."
    : "";
  return found(
    true,
    `entropy moved by ${nats} nat, ${steep} of ${x.length} points lie outside the flat part, and a > 0.${training}`,
  );
}

function restsOnOne({ a, influence }: FitEvidence): string | undefined {
  if (a === undefined || !influence?.carries) return undefined;
  const { pair, without, interval } = influence;
  const ends = interval === undefined
    ? ""
    : `, 95 % interval [${interval.map(slopeText).join(", ")}]`;
  return `one pair carries the fit: without that of step ${stepText(pair.step)}, a is ${
    slopeText(without)
  }${ends}, instead of ${slopeText(a)}.`;
}

function slopeText(a: number): string {
  return withMinus(number(a, 3));
}

/** The law wants more score for the entropy that was spent on the plateau than can have been gained. */
function stopped(pairs: readonly Pair[], { a, plateau }: FitEvidence): string | undefined {
  if (a === undefined || plateau === undefined || isWithoutGain(plateau)) return undefined;
  const wanted = wantedOnPlateau(pairs, a, plateau);
  if (wanted === undefined || wanted.gain <= SMALL_PART * wanted.inAll) return undefined;
  const most = 2 * Math.max(0, plateau.rise[1]);
  // A score that stopped early makes a too small for its own gain, so the law is held to that gain as well.
  const share = wanted.gain / wanted.inAll * (plateau.level - plateau.start.value);
  if (Math.max(wanted.gain, share) <= most) return undefined;
  return `the score stopped at step ${stepText(plateau.since.step)} while entropy fell on from ${
    number(wanted.from, 3)
  } to ${number(wanted.to, 3)} nats, for which the law wants +${
    number(wanted.gain > most ? wanted.gain : share, 3)
  }${wanted.gain > most ? "" : " by the gain before"}.`;
}

/** What the law says that the entropy spent since the start of a plateau buys; undefined if it rose. */
function wantedOnPlateau(pairs: readonly Pair[], a: number, { since }: Plateau) {
  const on = pairs.filter(({ step }) => step >= since.step).map(({ entropy }) => entropy);
  if (on.length < 2 * END_PAIRS) return undefined;
  const from = on[0]!;
  const to = medianOf(on.slice(-END_PAIRS));
  const gain = a * (Math.exp(from) - Math.exp(to));
  const entropies = pairs.map(({ entropy }) => entropy);
  const inAll = a * (Math.exp(max(entropies)) - Math.exp(min(entropies)));
  return gain > 0 && Number.isFinite(gain) ? { from, to, gain, inAll } : undefined;
}

/** A run whose entropy rose and whose score fell spends none. */
function unspent(pairs: readonly Pair[]): string | undefined {
  if (pairs.length < 2 * END_PAIRS) return undefined;
  const ends = (values: readonly number[]) =>
    [
      medianOf(values.slice(0, END_PAIRS)),
      medianOf(values.slice(-END_PAIRS)),
    ] as const;
  const [before, after] = ends(pairs.map(({ entropy }) => entropy));
  const [first, last] = ends(pairs.map(({ score }) => score));
  if (after <= before || last >= first) return undefined;
  return `entropy rose from ${number(before, 3)} to ${
    number(after, 3)
  } nats and the score fell from ${number(first, 3)} to ${
    number(last, 3)
  }: none was spent for a gain.`;
}

/** A score above the ceiling, which the law allows at no entropy. */
function passed(pairs: readonly Pair[], { a, ceiling }: FitEvidence): string | undefined {
  if (a === undefined || ceiling === undefined) return undefined;
  const found = passedCeiling(pairs, { a, ceiling });
  return found &&
    `the score ends at ${number(found.now, 3)}, above the ceiling ${
      number(ceiling, 3)
    }, the most that the law allows at any entropy, so this log refutes it there.`;
}

function impossible({ intervalOfCeiling: interval, score }: FitEvidence): string | undefined {
  if (score?.unit !== "fraction" || interval === undefined || interval[0] <= 1) return undefined;
  return `the ceiling would be above 1, the largest possible score: its 95 % interval is [${
    number(interval[0], 6)
  }, ${number(interval[1], 6)}].`;
}

/** A ceiling that may be further up or down than all that the score ever moved by is none to speak of. */
function unbounded(
  pairs: readonly Pair[],
  { ceiling, intervalOfCeiling: interval }: FitEvidence,
): string | undefined {
  if (ceiling === undefined || interval === undefined) return undefined;
  const scores = pairs.map(({ score }) => score);
  const seen = max(scores) - min(scores);
  const half = (interval[1] - interval[0]) / 2;
  if (half <= seen) return undefined;
  return `the ceiling is open: ${number(ceiling, 3)} ± ${
    number(half, 2)
  } (95 %), where the score moved by ${number(seen, 2)} in all.`;
}
