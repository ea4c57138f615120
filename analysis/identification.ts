import { max, min } from "simple-statistics";
import { checkValues } from "./check_pairs.ts";
import type { Interval } from "./interval.ts";
import type { Pair } from "./pairs.ts";

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

/** Below this relative range of exp(H), any smooth curve is a straight line. */
const SMALLEST_RANGE = 0.05;
/** exp(H) within this part of its range above the minimum is where entropy has been spent. */
const FLAT_PART = 0.1;
/** The slope rests on the pairs outside the flat part. */
const FEWEST_STEEP_PAIRS = 4;

/**
 * A plain verdict on whether the pairs tell a and b: exp(H) must cover a range, enough pairs must lie
 * outside the flat part at its low end, and the interval of a must be finite and exclude 0.
 *
 * @throws {LawError} `not-finite` or `out-of-range` for pairs that are.
 */
export function identify(pairs: readonly Pair[], intervalOfA: Interval): Identification {
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
  if (upper < 0) {
    return found(
      false,
      `a is negative: performance falls as entropy is spent, which is not what the law describes.`,
    );
  }
  return found(
    true,
    `entropy moved by ${nats} nat, ${steep} of ${x.length} points lie outside the flat part, and a > 0.`,
  );
}
