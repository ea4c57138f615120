import { uniformFloat32 } from "pure-rand/distribution/uniformFloat32";
import { otherThan, type RandomGenerator, seededRandom } from "./random.ts";
import { TaskError } from "./task.ts";

/** How a teacher errs: all that sets how good a base model is, and how uncertain. */
export interface TeacherSettings {
  /** Share of responses that give the answer at once, without working it out. */
  readonly directShare: number;
  /** Chance that a step done in the head slips: a step of a direct answer, an instruction of a draft. */
  readonly directSlip: number;
  /** Chance that a step written out slips: a step of a chain, a value of a trace. */
  readonly slip: number;
  /** Share of the facts that are misconceptions; slips are of the other facts. */
  readonly misconceptionShare: number;
  /**
   * The least and the largest chance that the teacher gets a misconception right: drawn log-uniformly, fact by
   * fact, so that what exploration finds depends on how long it lasts.
   */
  readonly misconceptionRight: readonly [least: number, largest: number];
  /** Chance of a random wrong answer to a misconception; what is left is the misconception's own. */
  readonly misconceptionOther: number;
  /** Chooses which facts are misconceptions, and their wrong answers. */
  readonly seed: number;
}

/** Something that a teacher knows or believes to know: one right answer among a range of answers. */
export interface Fact {
  /** The right answer. */
  readonly right: number;
  /** The least answer that the teacher can think of. */
  readonly from: number;
  /** One more than the largest. */
  readonly to: number;
}

/** What a teacher believes about a list of facts. */
export interface Beliefs {
  /** Whether the teacher mostly gets the fact of that position in the list wrong. */
  isMisconception(fact: number): boolean;
  /** What the teacher recalls of a misconception. */
  recall(fact: number, random: RandomGenerator): number;
  /** The chance that the teacher gets a fact right but for slips: 1 for what is no misconception. */
  chanceOfRight(fact: number): number;
}

/**
 * Draws the misconceptions: a fixed share of the facts, each with one wrong answer of its own. A larger
 * share keeps the misconceptions of a smaller one with the same seed.
 *
 * @throws {TaskError} if a probability of the settings is not one.
 */
export function drawBeliefs(facts: readonly Fact[], settings: TeacherSettings): Beliefs {
  checkSettings(settings);
  const random = seededRandom(settings.seed);
  const [least, largest] = settings.misconceptionRight;
  const drawn = facts.map(({ right, from, to }, fact) => ({
    fact,
    rank: random.next(),
    wrong: otherThan(random, from, to, right),
    chance: least * (largest / least) ** uniformFloat32(random),
  }));
  const count = Math.round(settings.misconceptionShare * facts.length);
  const misconceptions = new Map(
    drawn.sort((a, b) => a.rank - b.rank).slice(0, count).map((one) => [one.fact, one]),
  );
  return {
    isMisconception: (fact) => misconceptions.has(fact),
    recall(fact, random) {
      const { right, from, to } = facts[fact]!;
      const { wrong, chance } = misconceptions.get(fact)!;
      const at = uniformFloat32(random);
      if (at < chance) return right;
      if (at < chance + settings.misconceptionOther) {
        return otherThan(random, from, to, right, wrong);
      }
      return wrong;
    },
    chanceOfRight: (fact) => misconceptions.get(fact)?.chance ?? 1,
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
  const sum = largest + settings.misconceptionOther;
  if (sum > 1) {
    throw new TaskError(
      `the teacher's misconceptionRight and misconceptionOther add up to ${sum}, expected at most 1.`,
    );
  }
  if (!Number.isInteger(seed)) {
    throw new TaskError(`the teacher's seed is ${seed}, expected a whole number.`);
  }
}
