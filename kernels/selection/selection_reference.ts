import { keyOf, philox } from "../random/philox_reference.ts";

/** The number to select: max(⌊share·tokens⌋, atLeast), at most `candidates`. */
export function amountReference(
  share: number,
  atLeast: number,
  tokens: number,
  candidates: number,
): number {
  return Math.min(Math.max(atLeast, Math.floor(share * tokens)), candidates);
}

/**
 * The k response tokens of highest covariance, ties by the lowest index, as a mask of 0 and 1. One whose
 * covariance is NaN is never among them.
 *
 * @param mask Not 0, whatever else, for response tokens; 0 for padding.
 */
export function topReference(
  covariance: ArrayLike<number>,
  mask: ArrayLike<number>,
  k: number,
): Uint32Array {
  const order = Array.from({ length: mask.length }, (_, i) => i)
    .filter((i) => mask[i] !== 0 && !Number.isNaN(covariance[i]))
    .sort((i, j) => covariance[j]! - covariance[i]! || i - j);
  return marked(mask.length, order.slice(0, k));
}

/** What {@linkcode sampleReference} draws from. */
export interface SampleReferenceInput {
  /** Number of tokens. */
  readonly size: number;
  /** Whether a token may be drawn. */
  readonly isCandidate: (i: number) => boolean;
  /** How many are drawn. */
  readonly k: number;
  /** Of the draw. */
  readonly seed: number;
  /** Tells apart draws of one seed. */
  readonly stream: number;
}

/** The k candidates of the largest random keys, as a mask of 0 and 1. */
export function sampleReference(
  { size, isCandidate, k, seed, stream }: SampleReferenceInput,
): Uint32Array {
  const key = (i: number) => Math.max(1, philox([i >>> 2, 0, 0, stream], keyOf(seed))[i & 3]!);
  const order = Array.from({ length: size }, (_, i) => i)
    .filter(isCandidate)
    .map((i) => ({ i, key: key(i) }))
    .sort((p, q) => q.key - p.key || p.i - q.i)
    .map(({ i }) => i);
  return marked(size, order.slice(0, k));
}

function marked(size: number, selected: readonly number[]): Uint32Array {
  const mask = new Uint32Array(size);
  for (const i of selected) mask[i] = 1;
  return mask;
}
