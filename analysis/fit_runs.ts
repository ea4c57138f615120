import { fitLaw, type LawFit } from "./law.ts";
import { LawError } from "./law_error.ts";
import type { Pair } from "./pairs.ts";

/** One run among several that share a law. */
export interface RunPairs {
  /** What it is called. */
  readonly run: string;
  /** H and R, in order of their steps. */
  readonly pairs: readonly Pair[];
}

/** Runs of one kind, such as the seeds of a model, with the law of all their pairs. */
export interface FittedRuns {
  /** What the kind is called. */
  readonly name: string;
  /** The runs. */
  readonly runs: readonly RunPairs[];
  /** The law; undefined where none can be fitted. */
  readonly fit: LawFit | undefined;
  /** Whether the pairs tell the law, or why not, in one sentence. */
  readonly because: string;
}

/**
 * Fits one law to the pairs of several runs. In its intervals the runs follow one another as one series, so a level
 * that differs from run to run counts as autocorrelation, and widens them.
 */
export function fitRuns(name: string, runs: readonly RunPairs[]): FittedRuns {
  try {
    const fit = fitLaw(runs.flatMap(({ pairs }) => pairs));
    return { name, runs, fit, because: fit.identifiedBecause };
  } catch (error) {
    if (!(error instanceof LawError)) throw error;
    return { name, runs, fit: undefined, because: error.message };
  }
}

/** The law of runs where their pairs tell it; undefined where they do not. */
export function identifiedLaw({ fit }: FittedRuns): LawFit | undefined {
  return fit?.identified ? fit : undefined;
}
