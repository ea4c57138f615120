import { finishedText } from "../response.ts";
import type { Verdict } from "../task.ts";
import type { CodeProblem } from "./problem.ts";
import { INPUTS, runProgram } from "./postfix_program.ts";

/** Tokens of the longest response: two drafts of four instructions, both checked, take 48. */
export const MAX_RESPONSE_TOKENS = 48;

/**
 * A response is right if its last program returns the right output for each of the ten inputs, those
 * that the prompt hides included. The last program is what stands after the last `;`, up to a `?`;
 * checks and earlier drafts are not looked at, and any program that does the same is as good.
 */
export function verifyCode(problem: CodeProblem, response: string): Verdict {
  const text = finishedText(response, MAX_RESPONSE_TOKENS);
  if (text === undefined) return { correct: false, finished: false };
  const draft = text.slice(text.lastIndexOf(";") + 1);
  const check = draft.indexOf("?");
  const program = check < 0 ? draft : draft.slice(0, check);
  const correct = INPUTS.every((x) => runProgram(program, x) === problem.outputs[x]);
  return { correct, finished: true };
}
