import { OPERATIONS } from "../arithmetic.ts";
import { misconceptionProblems } from "../misconception_problems.ts";
import { problemSets } from "../problem_sets.ts";
import { GUESS } from "../response.ts";
import type { Difficulty, Task } from "../task.ts";
import type { TeacherSettings } from "../teacher.ts";
import { tokenizer } from "../vocabulary.ts";
import { MATH_GRADES } from "./grades.ts";
import { drawMathProblem, type MathProblem, MAX_OPERANDS } from "./problem.ts";
import {
  cleanMath,
  directMath,
  MATH_TEACHER,
  mathBeliefs,
  mathMisconceptions,
  teachMath,
} from "./teacher.ts";
import { MAX_RESPONSE_TOKENS, verifyMath } from "./verifier.ts";

/**
 * The math task: evaluate a chain of `+`, `-` and `*` over digits modulo 10, from left to right. The
 * misconceptions, and with them the benchmarks, follow from the teacher's settings.
 *
 * @throws {TaskError} if the settings leave a benchmark without problems.
 */
export function mathTask(settings: TeacherSettings = MATH_TEACHER): Task<MathProblem> {
  const beliefs = mathBeliefs(settings);
  const difficulty = (problem: MathProblem): Difficulty => ({
    size: problem.operands.length,
    misconceptions: mathMisconceptions(problem, beliefs),
  });
  return {
    name: "math",
    tokenizer: tokenizer(`0123456789${OPERATIONS.join("")}=${GUESS}`),
    maxPromptTokens: 2 * MAX_OPERANDS,
    maxResponseTokens: MAX_RESPONSE_TOKENS,
    ...problemSets(MATH_GRADES, drawMathProblem, difficulty),
    teacher: (problem, random) => teachMath(problem, random, beliefs, settings),
    clean: cleanMath,
    direct: directMath,
    verify: verifyMath,
    difficulty,
    misconceptions: () =>
      misconceptionProblems(beliefs, MATH_GRADES.mixtures.standard, drawMathProblem, difficulty),
  };
}
