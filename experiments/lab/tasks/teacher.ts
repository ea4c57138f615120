import { uniformFloat32 } from "pure-rand/distribution/uniformFloat32";
import { among, chance, type RandomGenerator, seededRandom } from "./random.ts";
import { TaskError } from "./task.ts";

/** How a teacher errs: all that sets how good a base model is, and how uncertain. */
export interface TeacherSettings {
  /** Share of responses that give the answer at once, without working it out. */
  readonly directShare: number;
  /** Chance that a step done in the head slips: each one of a direct answer. */
  readonly directSlip: number;
  /** Chance that a step written out slips. A slip is off by one. */
  readonly slip: number;
  /** Share of the facts that are misconceptions. */
  readonly misconceptionShare: number;
  /**
   * The least and the largest chance that the teacher gets a misconception right: drawn log-uniformly, fact by
   * fact, so that what exploration finds depends on how long it lasts.
   */
  readonly misconceptionRight: readonly [least: number, largest: number];
  /** Chooses which facts are misconceptions, and their wrong answers. */
  readonly seed: number;
}

/** Something that a teacher knows or believes to know. */
export interface Fact {
  /** The right answer. */
  readonly right: number;
  /** The answers that a misconception may have instead: none that a slip makes the right one. */
  readonly wrong: readonly number[];
}

/** What a teacher believes about a list of facts. */
export interface Beliefs {
  /** Whether the teacher mostly gets the fact of that position in the list wrong. */
  isMisconception(fact: number): boolean;
  /** What the teacher recalls of a fact, before any slip: the right answer, or a misconception's own. */
  recall(fact: number, random: RandomGenerator): number;
  /** The chance that the teacher recalls a fact right: 1 for what is no misconception. */
  chanceOfRight(fact: number): number;
}

/**
 * Draws the misconceptions: a fixed share of the facts, each with one wrong answer of its own and a chance of the right
 * one. A larger share keeps the misconceptions of a smaller one with the same seed.
 *
 * @throws {TaskError} if a probability of the settings is not one.
 */
export function drawBeliefs(facts: readonly Fact[], settings: TeacherSettings): Beliefs {
  checkSettings(settings);
  const random = seededRandom(settings.seed);
  const [least, largest] = settings.misconceptionRight;
  const drawn = facts.map(({ wrong }, fact) => ({
    fact,
    rank: random.next(),
    wrong: among(random, wrong),
    right: least * (largest / least) ** uniformFloat32(random),
  }));
  const count = Math.round(settings.misconceptionShare * facts.length);
  const misconceptions = new Map(
    drawn.sort((a, b) => a.rank - b.rank).slice(0, count).map((one) => [one.fact, one]),
  );
  return {
    isMisconception: (fact) => misconceptions.has(fact),
    recall(fact, random) {
      const misconception = misconceptions.get(fact);
      return misconception === undefined || chance(random, misconception.right)
        ? facts[fact]!.right
        : misconception.wrong;
    },
    chanceOfRight: (fact) => misconceptions.get(fact)?.right ?? 1,
  };
}

function checkSettings(settings: TeacherSettings): void {
  const { seed, misconceptionRight: [least, largest], ...shares } = settings;
  const probabilities = {
    ...shares,
    "least misconceptionRight": least,
    "largest misconceptionRight": largest,
  };
  for (const [name, value] of Object.entries(probabilities)) {
    if (!(value >= 0 && value <= 1)) {
      throw new TaskError(`the teacher's ${name} is ${value}, expected a number from 0 to 1.`);
    }
  }
  if (!(least > 0 && least <= largest)) {
    throw new TaskError(
      `the teacher's misconceptionRight is from ${least} to ${largest}, expected a range above 0.`,
    );
  }
  if (!Number.isInteger(seed)) {
    throw new TaskError(`the teacher's seed is ${seed}, expected a whole number.`);
  }
}
