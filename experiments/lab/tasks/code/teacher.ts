import { among, chance, type RandomGenerator } from "../random.ts";
import { GUESS } from "../response.ts";
import { type Beliefs, drawBeliefs, type TeacherSettings } from "../teacher.ts";
import { END } from "../vocabulary.ts";
import { type CodeProblem, SUCCESSIONS } from "./problem.ts";
import {
  FIRST_FACTOR,
  INSTRUCTIONS,
  programText,
  runInstruction,
  TIMES_X,
} from "./postfix_program.ts";
import { traced } from "./trace.ts";

/** The teacher of the code task unless told otherwise. */
export const CODE_TEACHER: TeacherSettings = {
  directShare: 0.55,
  directSlip: 0.62,
  slip: 0.05,
  misconceptionShare: 0.4,
  misconceptionRight: [0.0003, 0.3],
  seed: 1,
};

/**
 * What the facts of the task are about: an instruction with a digit, after another or at the beginning. `x*` is not
 * among them; a teacher who avoids it could teach no quadratic at all.
 */
const KNOWN = SUCCESSIONS.filter(([, position]) => position !== TIMES_X);

/** The facts by their {@linkcode KNOWN}: which instruction is needed. */
const FACTS = KNOWN.map(([, position]) => ({
  right: position,
  wrong: sameKind(position).filter((other) => Math.abs(other - position) > 1),
}));

const POSITIONS = new Map(KNOWN.map((succession, fact) => [succession.join(), fact]));

/** The position of an instruction (not `x*`) after another, or at the beginning, among the facts. */
function factOf(previous: number | undefined, position: number): number {
  return POSITIONS.get([previous, position].join())!;
}

/** What the teacher believes about the instructions with a digit in all contexts. */
export function codeBeliefs(settings: TeacherSettings): Beliefs {
  return drawBeliefs(FACTS, settings);
}

/** The facts of the shortest program that are misconceptions where they stand. */
export function codeMisconceptions({ instructions }: CodeProblem, beliefs: Beliefs): number[] {
  return instructions.flatMap((position, i) => {
    if (position === TIMES_X) return [];
    const fact = factOf(instructions[i - 1], position);
    return beliefs.isMisconception(fact) ? [fact] : [];
  });
}

/**
 * A response as the teacher writes it: the program at once (`?x3*2+.`), or step by step, each instruction
 * followed by what it makes of the last two examples (`x3*94,2+16.`). Both come from the same instructions
 * with the same misconceptions; in the head an instruction slips more often, and a value that is written slips,
 * too, which the later ones go on with.
 */
export function teachCode(
  problem: CodeProblem,
  random: RandomGenerator,
  beliefs: Beliefs,
  settings: TeacherSettings,
): string {
  const isDirect = chance(random, settings.directShare);
  const slip = isDirect ? settings.directSlip : settings.slip;
  const instructions = problem.instructions.map((position, i, all) =>
    recallInstruction({ previous: all[i - 1], position }, random, beliefs, slip)
  );
  if (isDirect) return GUESS + programText(instructions) + END;
  return writeTrace(problem, instructions, (position, value, x) => {
    const next = runInstruction(position, value, x);
    return chance(random, settings.slip) ? (next + among(random, [1, 9])) % 10 : next;
  });
}

/** The shortest program step by step, done right. */
export function cleanCode(problem: CodeProblem): string {
  return writeTrace(problem, problem.instructions, runInstruction);
}

/** The shortest program at once. */
export function directCode({ instructions }: CodeProblem): string {
  return GUESS + programText(instructions) + END;
}

/** An instruction from the head; a slip is off by one, or a digit where it should be x. */
function recallInstruction(
  { previous, position }: { previous: number | undefined; position: number },
  random: RandomGenerator,
  beliefs: Beliefs,
  slip: number,
): number {
  if (position === TIMES_X) {
    return chance(random, slip) ? among(random, sameKind(TIMES_X)) : TIMES_X;
  }
  const recalled = beliefs.recall(factOf(previous, position), random);
  if (!chance(random, slip)) return recalled;
  return among(random, sameKind(recalled).filter((other) => Math.abs(other - recalled) === 1));
}

/** A program with the values after each instruction, which `run` gives. */
function writeTrace(
  problem: CodeProblem,
  instructions: readonly number[],
  run: (position: number, value: number, x: number) => number,
): string {
  const inputs = traced(problem);
  let values = inputs;
  const steps = instructions.map((position) => {
    values = values.map((value, i) => run(position, value, inputs[i]!));
    return INSTRUCTIONS[position]!.text + values.join("");
  });
  return `x${steps.join(",")}${END}`;
}

/** The instructions with a digit that do the same kind of thing: those that add, or those that multiply. */
function sameKind(position: number): number[] {
  return [...INSTRUCTIONS.keys()].filter((other) =>
    other !== TIMES_X && (other < FIRST_FACTOR) === (position < FIRST_FACTOR)
  );
}
