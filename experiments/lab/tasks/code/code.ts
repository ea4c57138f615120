import { OPERATIONS } from "../arithmetic.ts";
import { misconceptionProblems } from "../misconception_problems.ts";
import { problemSets } from "../problem_sets.ts";
import { GUESS } from "../response.ts";
import type { Difficulty, Task } from "../task.ts";
import type { TeacherSettings } from "../teacher.ts";
import { tokenizer } from "../vocabulary.ts";
import { CODE_GRADES } from "./grades.ts";
import { type CodeProblem, drawCodeProblem } from "./problem.ts";
import {
  cleanCode,
  CODE_TEACHER,
  codeBeliefs,
  codeMisconceptions,
  directCode,
  teachCode,
} from "./teacher.ts";
import { MAX_RESPONSE_TOKENS, verifyCode } from "./verifier.ts";

/** Tokens of a prompt: five examples of three, and what separates them. */
const PROMPT_TOKENS = 20;

/**
 * The code task: from examples of inputs and outputs write a postfix program over x. Values are digits,
 * modulo 10. The misconceptions, and with them the benchmarks, follow from the teacher's settings.
 *
 * @throws {TaskError} if the settings leave a benchmark without problems.
 */
export function codeTask(settings: TeacherSettings = CODE_TEACHER): Task<CodeProblem> {
  const beliefs = codeBeliefs(settings);
  const difficulty = (problem: CodeProblem): Difficulty => ({
    size: problem.instructions.length,
    misconceptions: codeMisconceptions(problem, beliefs),
  });
  return {
    name: "code",
    tokenizer: tokenizer(`0123456789${OPERATIONS.join("")}x:,>${GUESS}`),
    maxPromptTokens: PROMPT_TOKENS,
    maxResponseTokens: MAX_RESPONSE_TOKENS,
    ...problemSets(CODE_GRADES, drawCodeProblem, difficulty),
    teacher: (problem, random) => teachCode(problem, random, beliefs, settings),
    clean: cleanCode,
    direct: directCode,
    verify: verifyCode,
    difficulty,
    misconceptions: () =>
      misconceptionProblems(beliefs, CODE_GRADES.mixtures.standard, drawCodeProblem, difficulty),
  };
}
