import { calculate, type Operation } from "../arithmetic.ts";

/** The inputs of a program, x. */
export const INPUTS: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/**
 * Runs a program in postfix over x, digits, `+`, `-` and `*`, modulo 10. Any text will do.
 *
 * @returns A digit, or undefined if the text is no program: another character, an operation that lacks
 * an operand, or not exactly one value at the end.
 */
export function runProgram(program: string, x: number): number | undefined {
  const stack: number[] = [];
  for (const character of program) {
    if (character === "x") stack.push(x);
    else if (character >= "0" && character <= "9") stack.push(Number(character));
    else if (character === "+" || character === "-" || character === "*") {
      const right = stack.pop();
      const left = stack.pop();
      if (left === undefined || right === undefined) return undefined;
      stack.push(calculate(left, character, right));
    } else return undefined;
  }
  return stack.length === 1 ? stack[0] : undefined;
}

/** What the programs of the problems are made of, after an x: an argument and an operation. */
export interface Instruction {
  /** The instruction as the teacher writes it; 7 is added as `3-`. */
  readonly text: string;
  /** What is done with the value so far. */
  readonly operation: Operation;
  /** The argument; x itself where it is missing. */
  readonly constant?: number;
}

/** The 18 instructions, no two of which do the same: add 1 to 9, multiply by 2 to 9, multiply by x. */
export const INSTRUCTIONS: readonly Instruction[] = [
  ...range(1, 9).map((term) => term <= 5 ? instruction(term, "+") : instruction(10 - term, "-")),
  ...range(2, 9).map((factor) => instruction(factor, "*")),
  { text: "x*", operation: "*" },
];

/** Position of the first multiplication by a digit in {@linkcode INSTRUCTIONS}. */
export const FIRST_FACTOR = 9;

/** Position of the multiplication by x in {@linkcode INSTRUCTIONS}. */
export const TIMES_X = 17;

/** The value after an instruction (a position in {@linkcode INSTRUCTIONS}) of a program run on x. */
export function runInstruction(position: number, value: number, x: number): number {
  const { operation, constant = x } = INSTRUCTIONS[position]!;
  return calculate(value, operation, constant);
}

/** The program that applies the instructions to x one after the other. */
export function programText(instructions: readonly number[]): string {
  return "x" + instructions.map((position) => INSTRUCTIONS[position]!.text).join("");
}

function instruction(constant: number, operation: Operation): Instruction {
  return { text: `${constant}${operation}`, operation, constant };
}

function range(least: number, largest: number): number[] {
  return Array.from({ length: largest - least + 1 }, (_, i) => least + i);
}
