/**
 * How much is computed for the runs of one call, so that it ends in seconds however many pairs a log
 * has. The law itself is fitted to all pairs, up to a hundred thousand; what gives way is the number of bootstrap draws and
 * the number of pairs on which the rivals are compared.
 */
export interface Effort {
  /** Resampled series for the intervals of each run: 200 to 2,000. */
  readonly draws: number;
  /** The most pairs of a run on which the rivals of the law are compared. */
  readonly rivalPairs: number;
}

const [FEWEST_DRAWS, MOST_DRAWS] = [200, 2000];
/** Values that are resampled in one call; a series has those that it discards, too. */
const RESAMPLED_VALUES = 100e6;
const DISCARDED_VALUES = 50;

const [FEWEST_RIVAL_PAIRS, MOST_RIVAL_PAIRS] = [50, 2500];
/** Pairs on which rivals are compared in one call. */
const COMPARED_PAIRS = 50_000;

/**
 * The effort for runs that are fitted together. One run is resampled 2,000 times if it has up to 49,950
 * pairs, and its rivals are compared on all of up to 2,500; so are those of 200 runs of up to 200 pairs.
 *
 * @param sizes The number of pairs of each run.
 */
export function effortFor(sizes: readonly number[]): Effort {
  const values = sizes.reduce((sum, size) => sum + size + DISCARDED_VALUES, 0);
  const compared = sizes.reduce((sum, size) => sum + Math.min(size, MOST_RIVAL_PAIRS), 0);
  return {
    draws: between(FEWEST_DRAWS, Math.floor(RESAMPLED_VALUES / values), MOST_DRAWS),
    rivalPairs: compared <= COMPARED_PAIRS ? MOST_RIVAL_PAIRS : between(
      FEWEST_RIVAL_PAIRS,
      Math.floor(COMPARED_PAIRS / sizes.length),
      MOST_RIVAL_PAIRS,
    ),
  };
}

function between(low: number, value: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}

/** At most so many of the values, at equal distances from the first on; all if there are no more. */
export function evenlyThinned<T>(values: readonly T[], most: number): readonly T[] {
  const every = Math.ceil(values.length / most);
  return every <= 1 ? values : values.filter((_, i) => i % every === 0);
}
