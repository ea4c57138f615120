import { finishedText } from "../response.ts";
import type { Verdict } from "../task.ts";
import type { MathProblem } from "./problem.ts";

/** Tokens of the longest response: a chain of {@linkcode MAX_OPERANDS} operands takes 42. */
export const MAX_RESPONSE_TOKENS = 48;

/**
 * A response is right if the last character before the end token is the answer. How the policy came
 * to it is not looked at: a direct answer is as good as a chain, and a chain may have wrong steps.
 */
export function verifyMath(problem: MathProblem, response: string): Verdict {
  const text = finishedText(response, MAX_RESPONSE_TOKENS);
  if (text === undefined) return { correct: false, finished: false };
  return { correct: text.endsWith(String(problem.answer)), finished: true };
}
