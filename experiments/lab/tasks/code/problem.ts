import { among, type RandomGenerator } from "../random.ts";
import type { Problem } from "../task.ts";
import { INPUTS, INSTRUCTIONS, runInstruction, TIMES_X } from "./postfix_program.ts";

/** Instructions of the longest program that problems ask for: three or four, of which all other quadratics are made, are more than the smaller models learn from examples. */
const MAX_INSTRUCTIONS = 2;

/** A program to be written from five examples of its inputs and outputs: `0:2,1:5,2:8,3:1,8:6>`. */
export interface CodeProblem extends Problem {
  /** The shortest program that does it, as positions in {@linkcode INSTRUCTIONS}. */
  readonly instructions: readonly number[];
  /** What it has to return for the inputs 0 to 9; the prompt shows five of them. */
  readonly outputs: readonly number[];
  /** The inputs that the prompt shows, ascending. */
  readonly shown: readonly number[];
}

/** A function from digits to digits with its shortest program. */
interface Behaviour {
  readonly outputs: readonly number[];
  readonly instructions: readonly number[];
}

/** The 18 and 97 behaviours whose shortest programs have 1 and 2 instructions. */
const BEHAVIOURS = findBehaviours();

/** Which instruction follows which (undefined: it is the first) in the shortest programs. */
export const SUCCESSIONS: readonly (readonly [previous: number | undefined, position: number])[] = [
  ...new Map(
    BEHAVIOURS.flat().flatMap(({ instructions }) =>
      instructions.map((position, i) => [instructions[i - 1], position] as const)
    ).map((succession) => [succession.join(), succession]),
  ).values(),
];

/**
 * The 56 choices of inputs that a prompt may show: 0, 1 and three more. A quadratic modulo 10 is known from its values at
 * both parities and at three residues modulo 5 (Chinese remainders); of three further inputs one at least is not 0 or 1
 * modulo 5, so the examples name one behaviour.
 */
const SHOWN = INPUTS.flatMap((third) =>
  INPUTS.flatMap((fourth) =>
    INPUTS.filter((fifth) => 1 < third && third < fourth && fourth < fifth)
      .map((fifth) => [0, 1, third, fourth, fifth])
  )
);

/** Draws a behaviour whose shortest program has `size` instructions, and which examples are shown. */
export function drawCodeProblem(size: number, random: RandomGenerator): CodeProblem {
  const { outputs, instructions } = among(random, BEHAVIOURS[size]!);
  const shown = among(random, SHOWN);
  const prompt = shown.map((input) => `${input}:${outputs[input]}`).join(",") + ">";
  return { prompt, instructions, outputs, shown };
}

/** Breadth-first search over programs that multiply by x at most once; the identity, which takes no instruction, is left out. */
function findBehaviours(): Behaviour[][] {
  const known = new Set([INPUTS.join()]);
  const bySize: Behaviour[][] = [[{ outputs: INPUTS, instructions: [] }]];
  for (let size = 1; size <= MAX_INSTRUCTIONS; size++) {
    const found: Behaviour[] = [];
    for (const { outputs, instructions } of bySize[size - 1]!) {
      for (const position of INSTRUCTIONS.keys()) {
        if (position === TIMES_X && instructions.includes(TIMES_X)) continue;
        const next = outputs.map((value, x) => runInstruction(position, value, x));
        if (known.has(next.join())) continue;
        known.add(next.join());
        found.push({ outputs: next, instructions: [...instructions, position] });
      }
    }
    bySize.push(found);
  }
  return bySize;
}
