import { fitLaw, type LawFit } from "./law.ts";
import { LawError } from "./law_error.ts";
import { type PairingRule, pairs } from "./pairs.ts";
import { findPlateau, type Plateau } from "./plateau.ts";
import { scoreOf } from "./readers/score_series.ts";
import type { Run } from "./readers/run.ts";

/** One of the benchmarks whose mean is the score of a run. */
export interface BenchmarkFit {
  /** Its key. */
  readonly key: string;
  /** Its law, or why none can be fitted. */
  readonly fit: LawFit | LawError;
  /** Where its score gains nothing more. */
  readonly plateau: Plateau | undefined;
}

/** More benchmarks than this are not told one by one. */
const MOST_BENCHMARKS = 24;
/** Draws that the interval of one of several benchmarks takes. */
const DRAWS = 400;

/**
 * The law of each benchmark of a run whose score is a mean over several; none where it is one.
 *
 * @param rule As the run's pairs were found.
 * @throws {ReadError} if the run has no entropy.
 */
export function fitBenchmarks(run: Run, rule: PairingRule): BenchmarkFit[] {
  const keys = run.score?.keys ?? [];
  if (keys.length < 2 || keys.length > MOST_BENCHMARKS) return [];
  return keys.map((key): BenchmarkFit => {
    const { kind } = run.score!;
    const score = scoreOf(run, [key], kind);
    const plateau = findPlateau(score);
    try {
      const found = pairs({ ...run, score }, { rule });
      const fit = fitLaw(found, { draws: DRAWS, score: { kind, unit: score.unit } });
      return { key, plateau, fit };
    } catch (error) {
      if (error instanceof LawError) return { key, plateau, fit: error };
      throw error;
    }
  });
}
