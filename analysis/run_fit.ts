import { type Ahead, plannedSteps, predictAhead } from "./ahead.ts";
import { type BenchmarkFit, fitBenchmarks } from "./benchmarks.ts";
import { type Effort, evenlyThinned } from "./effort.ts";
import { extrapolation } from "./extrapolation.ts";
import { fitLaw, type LawFit } from "./law.ts";
import { LawError } from "./law_error.ts";
import type { Overview } from "./overview.ts";
import { type Pairing, type PairingRule, pairs } from "./pairs.ts";
import { checkPerToken } from "./per_token.ts";
import { type Portion, predictFrom, type Prediction } from "./prediction.ts";
import { notFiniteNotes } from "./readers/not_finite_notes.ts";
import type { Run } from "./readers/run.ts";
import { compareRivals, type Rival } from "./rivals.ts";
import { strayCaution } from "./stray_caution.ts";

/** A run with all that `deno task fit` says of it. */
export interface RunFit {
  /** The run; it has an entropy and a score. */
  readonly run: Run;
  /** Its pairs, and how they were found. */
  readonly pairing: Pairing;
  /** The law. */
  readonly fit: LawFit;
  /** Whether the score still gains, by all scores of the log. */
  readonly stand: Pick<Overview, "run" | "plateau" | "parted" | "gain">;
  /** One part of the run told from the other, or why that cannot be. */
  readonly prediction: Prediction | LawError;
  /** What the law says of the run if it goes on, or why it says nothing. */
  readonly ahead: Ahead | string;
  /** The law and its rivals, the best first. */
  readonly rivals: readonly Rival[];
  /** Number of pairs on which the rivals were compared. */
  readonly compared: number;
  /** The law of each benchmark, where the score is a mean over several. */
  readonly benchmarks: readonly BenchmarkFit[];
  /** What keeps a, b and the ceiling from meaning what they mean in the paper, one sentence each. */
  readonly cautions: readonly string[];
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
 * @param stand The run, and whether its score still gains, by {@linkcode overviewOf}.
 * @throws {ReadError} if the run has no entropy or no score.
 * @throws {LawError} as {@linkcode fitLaw} does, and `out-of-range` for entropies that cannot be nats per
 * token.
 */
export function fitRun(
  stand: RunFit["stand"],
  { rule, portion, reverse, effort }: RunFitOptions,
): RunFit {
  const { run } = stand;
  const pairing = pairs(run, rule === undefined ? {} : { rule });
  const score = run.score!;
  checkPerToken(pairing);
  const { draws } = effort;
  const fit = fitLaw(pairing, { draws, score });
  return {
    run,
    pairing,
    fit,
    stand,
    prediction: tryPredict(() =>
      predictFrom(pairing, portion, { reverse, draws, unit: score.unit })
    ),
    ahead: predictAhead(pairing, fit, {
      planned: plannedSteps(run),
      end: run.steps.last,
      unit: score.unit,
    }),
    rivals: compareRivals(pairing, { most: effort.rivalPairs }),
    compared: evenlyThinned(pairing, effort.rivalPairs).length,
    benchmarks: fitBenchmarks(run, pairing.rule),
    cautions: cautionsOf(run, pairing, { fit, draws }),
  };
}

function tryPredict(predict: () => Prediction): Prediction | LawError {
  try {
    return predict();
  } catch (error) {
    if (error instanceof LawError) return error;
    throw error;
  }
}

function cautionsOf(
  { score, entropy }: Run,
  pairing: Pairing,
  { fit, draws }: { readonly fit: LawFit; readonly draws: number },
): string[] {
  const negative = pairing.filter(({ entropy }) => entropy < 0).length;
  return [
    score!.kind === "training"
      ? "R is a training score: the difficulty of the batches moves it as well as the policy, so a, b and the ceiling are of both."
      : undefined,
    negative > 0
      ? `${
        entropy!.key
      } is negative in ${negative} of ${pairing.length} pairs: an exact entropy never is, so a and b do not compare with the paper's.`
      : undefined,
    strayCaution(pairing, fit, draws),
    extrapolation(fit, score!.unit),
  ].filter((caution) => caution !== undefined);
}

/** The notes on how a run was read, and on what of it the rivals were compared if not on all. */
export function notesOfFit({ run, pairing, compared }: RunFit): readonly string[] {
  const notes = [
    ...run.notes,
    ...notFiniteNotes([run.entropy!.key, ...run.score!.keys], run.notFinite),
    ...(pairing.inRun === pairing.length ? [] : [
      `a, b and the ceiling are fitted to ${pairing.length} evenly spaced pairs of ${pairing.inRun}`,
    ]),
  ];
  if (compared === pairing.length) return notes;
  return [
    ...notes,
    `the rivals and the law are compared with each other on ${compared} evenly spaced pairs of the ${pairing.length}, to all of which a, b and the ceiling are fitted`,
  ];
}
