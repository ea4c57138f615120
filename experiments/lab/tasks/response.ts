import type { Problem, Task, Verdict } from "./task.ts";
import { END } from "./vocabulary.ts";

/** Begins a response that gives the answer at once: a guess, where others work it out. */
export const GUESS = "?";

/** The verdict on the tokens of a response. */
export function verifyTokens(task: Task, problem: Problem, tokens: ArrayLike<number>): Verdict {
  return task.verify(problem, task.tokenizer.decode(tokens));
}

/**
 * A response up to its end token, or undefined if that does not come within the longest response.
 * Whatever follows the end token does not count.
 */
export function finishedText(response: string, maxTokens: number): string | undefined {
  const end = response.slice(0, maxTokens).indexOf(END);
  return end < 0 ? undefined : response.slice(0, end);
}
