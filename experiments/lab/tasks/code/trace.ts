import type { CodeProblem } from "./problem.ts";

/** The examples that a trace follows begin here: 0 and 1 tell few programs apart. */
const FIRST_TRACED = 3;
/** A step of a trace: an instruction after an x, and its values. */
const STEP = /^((?:[0-9][-+*])|x\*)([0-9]+)$/;

/** The inputs that a trace follows: those of the last two examples. */
export function traced({ shown }: CodeProblem): readonly number[] {
  return shown.slice(FIRST_TRACED);
}

/** A step of a trace as it was written. */
export interface TraceStep {
  /** The instruction: `3*`, or `x*`. */
  readonly instruction: string;
  /** The value after it for each traced input, as digits. */
  readonly values: string;
}

/** The steps of a program that was written step by step (`x3*94,2+16`), or undefined if a text is none. */
export function readTrace(text: string): readonly TraceStep[] | undefined {
  if (!text.startsWith("x")) return undefined;
  const steps = text.slice(1).split(",").map((step) => STEP.exec(step));
  if (steps.includes(null)) return undefined;
  return steps.map((match) => ({ instruction: match![1]!, values: match![2]! }));
}
