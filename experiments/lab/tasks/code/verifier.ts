import { finishedText, GUESS } from "../response.ts";
import type { Verdict } from "../task.ts";
import { INPUTS, runProgram } from "./postfix_program.ts";
import type { CodeProblem } from "./problem.ts";
import { readTrace, traced } from "./trace.ts";

/** Tokens of a response, at most: two instructions, step by step, take 11. */
export const MAX_RESPONSE_TOKENS = 16;

/**
 * A response is right if its program returns the right output for each of the ten inputs, those that the
 * prompt hides included; any program that does the same is as good. It is a guess, or written step by step: then each
 * value has to be what the program has come to, so that no token is free.
 */
export function verifyCode(problem: CodeProblem, response: string): Verdict {
  const text = finishedText(response, MAX_RESPONSE_TOKENS);
  if (text === undefined) return { correct: false, finished: false };
  if (text.startsWith(GUESS)) return { correct: solves(problem, text.slice(1)), finished: true };
  const steps = readTrace(text);
  if (steps === undefined) return { correct: false, finished: true };
  let program = "x";
  const inputs = traced(problem);
  const holds = steps.every(({ instruction, values }) => {
    program += instruction;
    return values === inputs.map((x) => runProgram(program, x)).join("");
  });
  return { correct: holds && solves(problem, program), finished: true };
}

function solves(problem: CodeProblem, program: string): boolean {
  return INPUTS.every((x) => runProgram(program, x) === problem.outputs[x]);
}
