import { type EntropyCourse, entropyCourse } from "./entropy_course.ts";
import { type RecentGain, recentGain } from "./gain.ts";
import { surePlateau } from "./late_plateau.ts";
import { type PartedBenchmarks, partedBenchmarks } from "./parted_benchmarks.ts";
import { isSolved, type Plateau } from "./plateau.ts";
import type { Run } from "./readers/run.ts";
import { type ScoreCourse, scoreCourse } from "./score_course.ts";

/** A run with what several findings look at. */
export interface Overview {
  /** The run. */
  readonly run: Run;
  /** The course of its entropy, where it has one that starts above 0. */
  readonly entropy: EntropyCourse | undefined;
  /** The course of its score, where it has one of two values and more. */
  readonly score: ScoreCourse | undefined;
  /** Where the score gains nothing more. */
  readonly plateau: Plateau | undefined;
  /** Whether that is near the largest score. */
  readonly isSolved: boolean;
  /** Where some benchmarks of the score fell while others rose, so that their mean tells neither. */
  readonly parted: PartedBenchmarks | undefined;
  /** Whether the score rises of late: up to where the entropy ends, if that is before it; of none that parted. */
  readonly gain: RecentGain | undefined;
}

/** Looks once at what several findings need. */
export function overviewOf(run: Run): Overview {
  const plateau = run.score && surePlateau(run.score);
  // A mean that falls hides no fall.
  const parted = plateau?.fall ? undefined : partedBenchmarks(run);
  return {
    run,
    entropy: run.entropy && entropyCourse(run.entropy),
    score: run.score && scoreCourse(run.score),
    plateau,
    isSolved: plateau !== undefined && isSolved(plateau),
    parted,
    gain: parted === undefined ? recentGain(run, plateau, entropyEnd(run)) : undefined,
  };
}

/** So many scores after the last entropy are no delay of one row or two. */
const FEWEST_AFTER = 3;

/** The last step of an entropy that ends while the score goes on; undefined where they go together. */
export function entropyEnd({ entropy, score }: Run): number | undefined {
  const last = entropy?.steps.at(-1);
  if (entropy === undefined || score === undefined || last === undefined) return undefined;
  // One that is logged now and then is late by as much as its steps stand apart.
  const widest = entropy.steps.subarray(1).reduce(
    (most, step, i) => Math.max(most, step - entropy.steps[i]!),
    0,
  );
  const after = score.steps.filter((step) => step > last + widest).length;
  return after < FEWEST_AFTER ? undefined : last;
}
