import { type Effort, evenlyThinned } from "./effort.ts";
import { fitLaw, type LawFit } from "./law.ts";
import { LawError } from "./law_error.ts";
import { type Pairing, type PairingRule, pairs } from "./pairs.ts";
import { type Portion, predictFrom, type Prediction } from "./prediction.ts";
import type { Run } from "./readers/run.ts";
import { compareRivals, type Rival } from "./rivals.ts";

/** A run with all that `deno task fit` says of it. */
export interface RunFit {
  /** The run; it has an entropy and a score. */
  readonly run: Run;
  /** Its pairs, and how they were found. */
  readonly pairing: Pairing;
  /** The law. */
  readonly fit: LawFit;
  /** One part of the run told from the other, or why that cannot be. */
  readonly prediction: Prediction | LawError;
  /** The law and its rivals, the best first. */
  readonly rivals: readonly Rival[];
  /** Number of pairs on which the rivals were compared. */
  readonly compared: number;
}

/** How a run is fitted. */
export interface RunFitOptions {
  /** Instead of the rule for the framework. */
  readonly rule?: PairingRule | undefined;
  /** What the prediction is made from. */
  readonly portion: Portion;
  /** Whether the early part is predicted from the last. */
  readonly reverse: boolean;
  /** How much is computed. */
  readonly effort: Effort;
}

/**
 * Fits the law to a run, predicts a part of it, and compares the law with its rivals.
 *
 * @throws {ReadError} if the run has no entropy or no score.
 * @throws {LawError} as {@linkcode fitLaw} does.
 */
export function fitRun(run: Run, { rule, portion, reverse, effort }: RunFitOptions): RunFit {
  const pairing = pairs(run, rule === undefined ? {} : { rule });
  return {
    run,
    pairing,
    fit: fitLaw(pairing, { draws: effort.draws }),
    prediction: tryPredict(pairing, portion, reverse),
    rivals: compareRivals(pairing, { most: effort.rivalPairs }),
    compared: evenlyThinned(pairing, effort.rivalPairs).length,
  };
}

function tryPredict(pairing: Pairing, portion: Portion, reverse: boolean): Prediction | LawError {
  try {
    return predictFrom(pairing, portion, { reverse });
  } catch (error) {
    if (error instanceof LawError) return error;
    throw error;
  }
}

/** The notes on how a run was read, and on what of it the rivals were compared if not on all. */
export function notesOfFit({ run, pairing, compared }: RunFit): readonly string[] {
  if (compared === pairing.length) return run.notes;
  return [
    ...run.notes,
    `the rivals and the law are compared with each other on ${compared} evenly spaced pairs of the ${pairing.length}; a, b and the ceiling are fitted to all`,
  ];
}
