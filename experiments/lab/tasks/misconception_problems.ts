import type { Grade } from "./problem_sets.ts";
import { type RandomGenerator, seededRandom } from "./random.ts";
import type { Difficulty, Misconception, Problem } from "./task.ts";
import type { Beliefs } from "./teacher.ts";

/** Problems of a misconception: code has many of each size, math one of two operands. */
const PROBLEMS = 4;
/** Draws of a size: the rarest kind of problem comes once in some thousands. */
const DRAWS = 20_000;
const SEED = 20250529;

/**
 * The smallest problems of a grade's sizes that need one misconception and no other, for each of those that have
 * any, from the one that the teacher gets right most rarely.
 */
export function misconceptionProblems<P extends Problem>(
  beliefs: Beliefs,
  { sizes: [least, largest] }: Grade,
  draw: (size: number, random: RandomGenerator) => P,
  difficulty: (problem: P) => Difficulty,
): Misconception<P>[] {
  const random = seededRandom(SEED);
  const byFact = new Map<number, { size: number; problems: Map<string, P> }>();
  for (let size = least; size <= largest; size++) {
    for (let i = 0; i < DRAWS; i++) {
      const problem = draw(size, random);
      const [fact, ...others] = difficulty(problem).misconceptions;
      if (fact === undefined || others.length > 0) continue;
      const known = byFact.getOrInsertComputed(
        fact,
        () => ({ size, problems: new Map<string, P>() }),
      );
      if (known.size === size && known.problems.size < PROBLEMS) {
        known.problems.set(problem.prompt, problem);
      }
    }
  }
  return [...byFact]
    .map(([fact, { problems }]) => ({
      chance: beliefs.chanceOfRight(fact),
      problems: [...problems.values()],
    }))
    .sort((a, b) => a.chance - b.chance);
}
