import { calculate, type Operation, OPERATIONS } from "../arithmetic.ts";
import { among, chance, type RandomGenerator } from "../random.ts";
import { GUESS } from "../response.ts";
import { type Beliefs, drawBeliefs, type TeacherSettings } from "../teacher.ts";
import { END } from "../vocabulary.ts";
import { evaluate, type MathProblem } from "./problem.ts";

/** The teacher of the math task unless told otherwise. */
export const MATH_TEACHER: TeacherSettings = {
  directShare: 0.55,
  directSlip: 0.4,
  slip: 0.25,
  misconceptionShare: 0.25,
  misconceptionRight: [0.0003, 0.3],
  seed: 1,
};

const DIGITS = Array.from({ length: 10 }, (_, digit) => digit);

/** The digits before and after a digit, modulo 10. */
function offByOne(digit: number): number[] {
  return [(digit + 9) % 10, (digit + 1) % 10];
}

/** The facts of the task, `left operation right`, in the order of {@linkcode factOf}. */
const FACTS = OPERATIONS.flatMap((operation) =>
  DIGITS.flatMap((left) =>
    DIGITS.map((right) => {
      const value = calculate(left, operation, right);
      return {
        right: value,
        wrong: DIGITS.filter((digit) => !offByOne(value).includes(digit) && digit !== value),
      };
    })
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

/** The steps of the chain, done right, that are misconceptions. */
export function mathMisconceptions(problem: MathProblem, beliefs: Beliefs): number[] {
  const facts: number[] = [];
  evaluate(problem, (left, operation, right) => {
    const fact = factOf(left, operation, right);
    if (beliefs.isMisconception(fact)) facts.push(fact);
    return calculate(left, operation, right);
  });
  return facts;
}

/**
 * A response as the teacher writes it: the answer at once (`?5.`), or every step (`3+4=7-2=5*5=5.`).
 * Both come from the same steps with the same misconceptions; in the head each step slips more often,
 * so direct answers are right less often the more operands there are.
 */
export function teachMath(
  problem: MathProblem,
  random: RandomGenerator,
  beliefs: Beliefs,
  settings: TeacherSettings,
): string {
  const step = (slip: number) => (left: number, operation: Operation, right: number) => {
    const value = beliefs.recall(factOf(left, operation, right), random);
    return chance(random, slip) ? among(random, offByOne(value)) : value;
  };
  if (!chance(random, settings.directShare)) return writeChain(problem, step(settings.slip));
  return GUESS + evaluate(problem, step(settings.directSlip)) + END;
}

/** Every step of the chain, done right. */
export function cleanMath(problem: MathProblem): string {
  return writeChain(problem, calculate);
}

/** The answer at once. */
export function directMath({ answer }: MathProblem): string {
  return `${GUESS}${answer}${END}`;
}

function writeChain(
  problem: MathProblem,
  step: (left: number, operation: Operation, right: number) => number,
): string {
  let text = String(problem.operands[0]);
  evaluate(problem, (left, operation, right) => {
    const value = step(left, operation, right);
    text += `${operation}${right}=${value}`;
    return value;
  });
  return text + END;
}
