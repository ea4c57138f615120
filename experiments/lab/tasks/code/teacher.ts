import { among, chance, otherThan, type RandomGenerator } from "../random.ts";
import { type Beliefs, drawBeliefs, type TeacherSettings } from "../teacher.ts";
import { END } from "../vocabulary.ts";
import type { CodeProblem } from "./problem.ts";
import { FIRST_FACTOR, programText, runInstruction, TIMES_X } from "./postfix_program.ts";

/** The teacher of the code task unless told otherwise. */
export const CODE_TEACHER: TeacherSettings = {
  directShare: 0.5,
  directSlip: 0.12,
  slip: 0.08,
  misconceptionShare: 0.35,
  misconceptionWrong: 0.85,
  misconceptionRight: 0.08,
  seed: 1,
};

/** Drafts of a response that checks them: the first, and one more if the check fails. */
const DRAFTS = 2;
/** The examples that a check traces: 0 and 1 tell few programs apart. */
const TRACED_FROM = 2;

/**
 * The facts of the task: which instruction is needed. `x*` is not among them; a teacher who avoids it
 * could teach no quadratic at all.
 */
const FACTS = Array.from({ length: TIMES_X }, (_, position) => ({
  right: position,
  ...sameKind(position),
}));

/** What the teacher believes about the 17 instructions with a digit. */
export function codeBeliefs(settings: TeacherSettings): Beliefs {
  return drawBeliefs(FACTS, settings);
}

/** How many instructions of the shortest program are misconceptions. */
export function codeMisconceptions(problem: CodeProblem, beliefs: Beliefs): number {
  return problem.instructions.filter((position) => beliefs.isMisconception(position)).length;
}

/**
 * A response as the teacher writes it: a draft of the program at once (`x3*2+.`), or a draft with a
 * check (`x3*2+?3:91,8:46.`). A check traces the program on the last two examples: after each input
 * the value after each instruction, of which the last should be the output. Where it is not, the
 * teacher stops the trace and drafts again (`x4*2+?3:24;x3*2+?3:91,8:46.`).
 */
export function teachCode(
  problem: CodeProblem,
  random: RandomGenerator,
  beliefs: Beliefs,
  settings: TeacherSettings,
): string {
  const isDirect = chance(random, settings.directShare);
  const step = (position: number, value: number, x: number) => {
    const next = runInstruction(position, value, x);
    return chance(random, settings.slip) ? otherThan(random, 0, 10, next) : next;
  };
  let text = "";
  for (let draft = 1;; draft++) {
    const instructions = problem.instructions.map((position) =>
      recallInstruction(position, random, beliefs, settings.directSlip)
    );
    text += programText(instructions);
    if (isDirect) return text + END;
    const { trace, holds } = check(problem, instructions, step);
    text += trace;
    if (holds || draft === DRAFTS) return text + END;
    text += ";";
  }
}

/** The shortest program with its check, done right. */
export function cleanCode(problem: CodeProblem): string {
  const { instructions } = problem;
  return programText(instructions) + check(problem, instructions, runInstruction).trace + END;
}

/** An instruction from the head; a slip is off by one, or a digit where it should be x. */
function recallInstruction(
  position: number,
  random: RandomGenerator,
  beliefs: Beliefs,
  slip: number,
): number {
  if (beliefs.isMisconception(position)) return beliefs.recall(position, random);
  if (!chance(random, slip)) return position;
  const { from, to } = sameKind(position);
  if (position === TIMES_X) return otherThan(random, from, to, TIMES_X);
  return among(random, [position - 1, position + 1].filter((near) => from <= near && near < to));
}

/** Traces a draft on the examples until one does not hold. */
function check(
  { shown, outputs }: CodeProblem,
  instructions: readonly number[],
  step: (position: number, value: number, x: number) => number,
): { trace: string; holds: boolean } {
  let trace = "?";
  for (const x of shown.slice(TRACED_FROM)) {
    trace += `${trace === "?" ? "" : ","}${x}:`;
    let value = x;
    for (const position of instructions) {
      value = step(position, value, x);
      trace += value;
    }
    if (value !== outputs[x]) return { trace, holds: false };
  }
  return { trace, holds: true };
}

/** The instructions with a digit that do the same kind of thing: those that add, or those that multiply. */
function sameKind(position: number): { from: number; to: number } {
  return position < FIRST_FACTOR
    ? { from: 0, to: FIRST_FACTOR }
    : { from: FIRST_FACTOR, to: TIMES_X };
}
