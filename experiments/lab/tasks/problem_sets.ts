import { uniformInt } from "pure-rand/distribution/uniformInt";
import { among, type RandomGenerator, seededRandom } from "./random.ts";
import {
  type Difficulty,
  type MixtureName,
  type Problem,
  type ProblemSource,
  TaskError,
} from "./task.ts";

/** Problems of a benchmark. */
export const BENCHMARK_SIZE = 512;
/** Draws after which a grade counts as impossible. */
const MAX_DRAWS = 10_000;
/** Chooses the benchmarks and the problems of a mixture with few of them. */
const SEED = 20250528;

/** The least and the largest of a range. */
export type Range = readonly [least: number, largest: number];

/** Which problems belong to a set. */
export interface Grade {
  /** Sizes, all equally often. */
  readonly sizes: Range;
  /** Misconceptions on the way to the answer; any number where it is missing. */
  readonly misconceptions?: Range;
  /** How many different problems the set has; all that there are where it is missing. */
  readonly distinct?: number;
}

/** The grades of all sets of a task: the table to tune. */
export interface Grades {
  /** The corpus of the base model. */
  readonly pretraining: Grade;
  /** The training data of RL. */
  readonly mixtures: Readonly<Record<MixtureName, Grade>>;
  /** The held-out sets, {@linkcode BENCHMARK_SIZE} problems each, from easy to hard. */
  readonly benchmarks: Readonly<Record<string, Grade>>;
}

/** The sets of a task, as in {@linkcode Task}. */
export interface ProblemSets<P extends Problem> {
  /** The problems of the base model's corpus. */
  readonly pretraining: ProblemSource<P>;
  /** The problems of RL. */
  readonly mixtures: Readonly<Record<MixtureName, ProblemSource<P>>>;
  /** The held-out problems, no two alike. */
  readonly benchmarks: Readonly<Record<string, readonly P[]>>;
}

/**
 * Makes the sets of a task. The benchmarks are drawn first, and no source ever returns one of their
 * problems.
 *
 * @param draw Draws any problem of a size.
 * @throws {TaskError} if a grade has no problems, or too few; so do the sources.
 */
export function problemSets<P extends Problem>(
  grades: Grades,
  draw: (size: number, random: RandomGenerator) => P,
  difficulty: (problem: P) => Difficulty,
): ProblemSets<P> {
  const heldOut = new Set<string>();
  const random = seededRandom(SEED);
  const sourceWithout = (taken: ReadonlySet<string>, name: string, grade: Grade) => {
    const [least, largest] = grade.misconceptions ?? [0, Infinity];
    return (random: RandomGenerator): P => {
      const size = uniformInt(random, ...grade.sizes);
      for (let i = 0; i < MAX_DRAWS; i++) {
        const problem = draw(size, random);
        if (taken.has(problem.prompt)) continue;
        if (grade.misconceptions === undefined) return problem;
        const { misconceptions } = difficulty(problem);
        if (least <= misconceptions.length && misconceptions.length <= largest) return problem;
      }
      throw new TaskError(
        `${MAX_DRAWS} draws gave no further problem of size ${size} with ${least} to ${largest} ` +
          `misconceptions for ${name}, expected a grade that has enough of them.`,
      );
    };
  };
  const drawDistinct = (name: string, grade: Grade, count: number): P[] => {
    const taken = new Set(heldOut);
    const drawNew = sourceWithout(taken, name, grade);
    return Array.from({ length: count }, () => {
      const problem = drawNew(random);
      taken.add(problem.prompt);
      return problem;
    });
  };
  const source = (name: string, grade: Grade): ProblemSource<P> => {
    if (grade.distinct === undefined) return sourceWithout(heldOut, name, grade);
    const problems = drawDistinct(name, grade, grade.distinct);
    return (random) => among(random, problems);
  };

  const benchmarks = mapValues(grades.benchmarks, (name, grade) => {
    const problems = drawDistinct(name, grade, BENCHMARK_SIZE);
    for (const { prompt } of problems) heldOut.add(prompt);
    return problems;
  });
  return {
    benchmarks,
    mixtures: mapValues(grades.mixtures, source),
    pretraining: source("pretraining", grades.pretraining),
  };
}

function mapValues<Key extends string, In, Out>(
  record: Readonly<Record<Key, In>>,
  change: (key: Key, value: In) => Out,
): Record<Key, Out> {
  const keys = Object.keys(record) as Key[];
  return Object.fromEntries(keys.map((key) => [key, change(key, record[key])])) as Record<Key, Out>;
}
