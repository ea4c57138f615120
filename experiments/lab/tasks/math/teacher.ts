import { calculate, type Operation, OPERATIONS } from "../arithmetic.ts";
import { chance, otherThan, type RandomGenerator } from "../random.ts";
import { type Beliefs, drawBeliefs, type TeacherSettings } from "../teacher.ts";
import { END } from "../vocabulary.ts";
import { evaluate, type MathProblem } from "./problem.ts";

/** The teacher of the math task unless told otherwise. */
export const MATH_TEACHER: TeacherSettings = {
  directShare: 0.5,
  directSlip: 0.5,
  slip: 0.25,
  misconceptionShare: 0.35,
  misconceptionWrong: 0.85,
  misconceptionRight: 0.08,
  seed: 1,
};

const DIGITS = Array.from({ length: 10 }, (_, digit) => digit);

/** The facts of the task, `left operation right`, in the order of {@linkcode factOf}. */
const FACTS = OPERATIONS.flatMap((operation) =>
  DIGITS.flatMap((left) =>
    DIGITS.map((right) => ({ right: calculate(left, operation, right), from: 0, to: 10 }))
  )
);

/** The position of `left operation right` among the 300 facts. */
function factOf(left: number, operation: Operation, right: number): number {
  return 100 * OPERATIONS.indexOf(operation) + 10 * left + right;
}

/** What the teacher believes about the 300 facts. */
export function mathBeliefs(settings: TeacherSettings): Beliefs {
  return drawBeliefs(FACTS, settings);
}

/** How many steps of the chain, done right, are misconceptions. */
export function mathMisconceptions(problem: MathProblem, beliefs: Beliefs): number {
  let count = 0;
  evaluate(problem, (left, operation, right) => {
    if (beliefs.isMisconception(factOf(left, operation, right))) count++;
    return calculate(left, operation, right);
  });
  return count;
}

/**
 * A response as the teacher writes it: the answer at once (`5.`), or every step (`3+4=7;7-2=5;5*5=5.`).
 * Both come from the same steps with the same misconceptions; in the head each step slips more often,
 * so direct answers are right less often the more operands there are. A slip is a random wrong digit.
 */
export function teachMath(
  problem: MathProblem,
  random: RandomGenerator,
  beliefs: Beliefs,
  settings: TeacherSettings,
): string {
  const step = (slip: number) => (left: number, operation: Operation, right: number) => {
    const fact = factOf(left, operation, right);
    if (beliefs.isMisconception(fact)) return beliefs.recall(fact, random);
    const value = calculate(left, operation, right);
    return chance(random, slip) ? otherThan(random, 0, 10, value) : value;
  };
  if (!chance(random, settings.directShare)) return writeChain(problem, step(settings.slip));
  return evaluate(problem, step(settings.directSlip)) + END;
}

/** Every step of the chain, done right. */
export function cleanMath(problem: MathProblem): string {
  return writeChain(problem, calculate);
}

function writeChain(
  problem: MathProblem,
  step: (left: number, operation: Operation, right: number) => number,
): string {
  let text = "";
  evaluate(problem, (left, operation, right) => {
    const value = step(left, operation, right);
    text += `${text === "" ? "" : ";"}${left}${operation}${right}=${value}`;
    return value;
  });
  return text + END;
}
