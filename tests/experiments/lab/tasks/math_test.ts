/** The math task against arithmetic done otherwise, and its teacher against the settings. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { mathTask } from "../../../../experiments/lab/tasks/math/math.ts";
import { MATH_TEACHER } from "../../../../experiments/lab/tasks/math/teacher.ts";
import {
  drawMathProblem,
  type MathProblem,
} from "../../../../experiments/lab/tasks/math/problem.ts";
import { seededRandom } from "../../../../experiments/lab/tasks/random.ts";

const task = mathTask();

/** The value of a chain, exact until the last step. */
function exactAnswer(prompt: string): number {
  let value = BigInt(prompt[0]!);
  for (const [, operation, digit] of prompt.matchAll(/([+*-])(\d)/g)) {
    const operand = BigInt(digit!);
    if (operation === "+") value += operand;
    else if (operation === "-") value -= operand;
    else value *= operand;
  }
  return Number(((value % 10n) + 10n) % 10n);
}

Deno.test("a chain's answer is its exact value modulo 10, and its clean solution quotes every step", () => {
  const random = seededRandom(1);
  for (let i = 0; i < 5000; i++) {
    const size = 2 + i % 5;
    const problem = drawMathProblem(size, random);
    assert.match(problem.prompt, /^\d(?:[+*-]\d)+=$/);
    assert.equal(problem.prompt.length, 2 * size);
    assert.equal(problem.answer, exactAnswer(problem.prompt));
    const clean = task.clean(problem);
    assert.equal(clean.length, 4 * size - 2);
    assert.equal(clean.replaceAll(/=\d/g, ""), problem.prompt.replace("=", "."));
    for (const { index, 1: value } of clean.matchAll(/=(\d)/g)) {
      const before = clean.slice(0, index).replaceAll(/=\d/g, "");
      assert.equal(Number(value), exactAnswer(`${before}=`));
    }
    assert.equal(task.direct(problem), `?${problem.answer}.`);
  }
});

Deno.test("the example of the task's description", () => {
  const problem: MathProblem = {
    prompt: "3+4-2*5=",
    operands: [3, 4, 2, 5],
    operations: ["+", "-", "*"],
    answer: 5,
  };
  assert.equal(task.clean(problem), "3+4=7-2=5*5=5.");
  for (const right of ["?5.", "3+4=7-2=5*5=5.", "3+4=1-2=0*5=5.", "?5._"]) {
    assert.deepEqual(task.verify(problem, right), { correct: true, finished: true }, right);
  }
  const wrong = [
    "?4.",
    ".",
    "5.",
    "?15.",
    "5?.",
    "3+4=7-2=5*5=0.",
    "3+4=7-2=5.",
    "3+4=7*5=5.",
    "4+3=7-2=5*5=5.",
  ];
  const malformed = [
    "3+4=7-2=5*5=5=5.",
    "3+4=-2=5*5=5.",
    "3+4=77-2=5*5=5.",
    "3+4=7-2=5*5=5_.",
    "._5.",
  ];
  for (const response of [...wrong, ...malformed]) {
    assert.deepEqual(task.verify(problem, response), { correct: false, finished: true }, response);
  }
  for (const unfinished of ["", "?5", "3+4=7-2=5*5=5"]) {
    assert.deepEqual(task.verify(problem, unfinished), { correct: false, finished: false });
  }
});

Deno.test("no token of a right response is free but the values on the way", () => {
  const random = seededRandom(2);
  const character = fc.constantFrom(..."0123456789+-*=?_.");
  fc.assert(
    fc.property(fc.nat(100), character, (place, other) => {
      const problem = task.mixtures.standard(random);
      const right = task.clean(problem);
      const at = place % right.length;
      const changed = right.slice(0, at) + other + right.slice(at + 1);
      const isValueBetween = right[at - 1] === "=" && at < right.length - 2 && /\d/.test(other);
      const { correct } = task.verify(problem, changed);
      const expected = changed === right || isValueBetween;
      assert.equal(correct, expected, `${right} ${changed}`);
    }),
    { numRuns: 3000, seed: 5 },
  );
});

Deno.test("the teacher's facts: slips and misconceptions come as often as the settings say", () => {
  const random = seededRandom(3);
  const answers = new Map<string, { right: number; counts: number[] }>();
  for (let i = 0; i < 400_000; i++) {
    const problem = drawMathProblem(2, random);
    const [chain, value] = task.teacher(problem, random).slice(0, -1).split("=");
    if (value === undefined) continue;
    assert.equal(`${chain}=`, problem.prompt);
    const fact = answers.getOrInsertComputed(chain!, () => ({
      right: problem.answer,
      counts: Array(10).fill(0),
    }));
    fact.counts[Number(value)]!++;
  }
  assert.equal(answers.size, 300);

  const chances = new Map(
    task.misconceptions().map(({ chance, problems }) => [problems[0]!.prompt.slice(0, -1), chance]),
  );
  assert.equal(chances.size, Math.round(MATH_TEACHER.misconceptionShare * 300));
  const { slip } = MATH_TEACHER;
  const slips = { known: 0, all: 0 };
  const misconceived = { right: 0, expected: 0, all: 0 };
  for (const [chain, { right, counts }] of answers) {
    const all = counts.reduce((sum, count) => sum + count, 0);
    const chance = chances.get(chain) ?? 1;
    const [before, after] = [counts[(right + 9) % 10]!, counts[(right + 1) % 10]!];
    if (chance === 1) {
      slips.known += before + after;
      slips.all += all;
      assert.equal(counts[right]! + before + after, all);
    } else {
      misconceived.right += counts[right]!;
      misconceived.expected += chance * (1 - slip) * all;
      misconceived.all += all;
    }
  }
  close(slips.known, slips.all, slip);
  close(misconceived.right, misconceived.all, misconceived.expected / misconceived.all);
});

Deno.test("direct answers of known facts are right less often the more operands there are", () => {
  const random = seededRandom(4);
  let before = 1;
  for (const size of [2, 3, 4, 5]) {
    let [correct, all] = [0, 0];
    while (all < 10_000) {
      const problem = drawMathProblem(size, random);
      if (task.difficulty(problem).misconceptions.length > 0) continue;
      const response = task.teacher(problem, random);
      if (!response.startsWith("?")) continue;
      all++;
      correct += Number(task.verify(problem, response).correct);
    }
    if (size === 2) close(correct, all, 1 - MATH_TEACHER.directSlip);
    assert(correct / all < before, `${size} operands: ${correct / all}`);
    before = correct / all;
  }
});

Deno.test("the difficulty counts operands, and names the misconceptions among the right steps", () => {
  const random = seededRandom(5);
  for (let i = 0; i < 2000; i++) {
    const problem = drawMathProblem(2 + i % 5, random);
    let left = problem.operands[0]!;
    const misconceptions = problem.operations.flatMap((operation, at) => {
      const operands = [left, problem.operands[at + 1]!];
      left = exactAnswer(`${operands[0]}${operation}${operands[1]}=`);
      return task.difficulty({ ...problem, operands, operations: [operation] }).misconceptions;
    });
    assert.deepEqual(task.difficulty(problem), { size: problem.operands.length, misconceptions });
  }
});

/** A count within five standard errors of its expectation. */
function close(count: number, all: number, share: number): void {
  const error = Math.sqrt(share * (1 - share) / all);
  assert(Math.abs(count / all - share) < 5 * error, `${count / all}, expected ${share}`);
}
