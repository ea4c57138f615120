import { uniformInt } from "pure-rand/distribution/uniformInt";
import { calculate, type Operation, OPERATIONS } from "../arithmetic.ts";
import { among, type RandomGenerator } from "../random.ts";
import type { Problem } from "../task.ts";

/** Operands of the longest chain. */
export const MAX_OPERANDS = 6;

/** A chain of operations on digits, evaluated modulo 10 from left to right: `3+4-2*5=`. */
export interface MathProblem extends Problem {
  /** The digits of the chain. */
  readonly operands: readonly number[];
  /** The operation between each two digits. */
  readonly operations: readonly Operation[];
  /** The value of the chain. */
  readonly answer: number;
}

/** Draws a chain of any operands and operations: 10^size · 3^(size − 1) of them, all equally likely. */
export function drawMathProblem(size: number, random: RandomGenerator): MathProblem {
  const first = uniformInt(random, 0, 9);
  const operands = [first];
  const operations: Operation[] = [];
  let prompt = `${first}`;
  let answer = first;
  while (operands.length < size) {
    const operation = among(random, OPERATIONS);
    const operand = uniformInt(random, 0, 9);
    prompt += operation + operand;
    operands.push(operand);
    operations.push(operation);
    answer = calculate(answer, operation, operand);
  }
  return { prompt: `${prompt}=`, operands, operations, answer };
}

/** Evaluates a chain with a given way to do a step; `calculate` is the right one. */
export function evaluate(
  { operands, operations }: MathProblem,
  step: (left: number, operation: Operation, right: number) => number,
): number {
  let value = operands[0]!;
  for (let i = 0; i < operations.length; i++) {
    value = step(value, operations[i]!, operands[i + 1]!);
  }
  return value;
}
