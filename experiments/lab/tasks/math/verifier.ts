import { finishedText, GUESS } from "../response.ts";
import type { Verdict } from "../task.ts";
import type { MathProblem } from "./problem.ts";

/** Tokens of the longest response: a chain of {@linkcode MAX_OPERANDS} operands takes 22. */
export const MAX_RESPONSE_TOKENS = 24;

/**
 * A response is right if it is a guess at the answer, or a chain that quotes the problem's operands and operations
 * in their order and ends with the answer. The values between may be anything: how the policy came to the
 * answer is not judged, but no token is free.
 */
export function verifyMath(problem: MathProblem, response: string): Verdict {
  const text = finishedText(response, MAX_RESPONSE_TOKENS);
  if (text === undefined) return { correct: false, finished: false };
  const answer = String(problem.answer);
  return {
    correct: text === GUESS + answer || (quotes(problem, text) && text.endsWith(answer)),
    finished: true,
  };
}

/** Whether a text is a chain of the problem's steps, each with some digit as its value. */
function quotes({ operands, operations }: MathProblem, text: string): boolean {
  let at = 0;
  const follows = (expected: string) =>
    text.startsWith(expected, at) && (at += expected.length) > 0;
  if (!follows(String(operands[0]))) return false;
  for (const [i, operation] of operations.entries()) {
    if (!follows(`${operation}${operands[i + 1]}=`) || !/[0-9]/.test(text[at] ?? "")) return false;
    at++;
  }
  return at === text.length;
}
