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

Deno.test("a chain's answer is its exact value modulo 10, and its clean solution copies every step", () => {
  const random = seededRandom(1);
  for (let i = 0; i < 5000; i++) {
    const size = 2 + i % 7;
    const problem = drawMathProblem(size, random);
    assert.match(problem.prompt, /^\d(?:[+*-]\d)+=$/);
    assert.equal(problem.prompt.length, 2 * size);
    assert.equal(problem.answer, exactAnswer(problem.prompt));
    const steps = task.clean(problem).slice(0, -1).split(";");
    assert.equal(steps.length, size - 1);
    let left = problem.prompt[0]!;
    for (const [at, step] of steps.entries()) {
      const [chain, value] = step.split("=");
      assert.equal(chain, left + problem.prompt.slice(2 * at + 1, 2 * at + 3));
      assert.equal(Number(value), exactAnswer(`${chain}=`));
      left = value!;
    }
  }
});

Deno.test("the example of the task's description", () => {
  const problem: MathProblem = {
    prompt: "3+4-2*5=",
    operands: [3, 4, 2, 5],
    operations: ["+", "-", "*"],
    answer: 5,
  };
  assert.equal(task.clean(problem), "3+4=7;7-2=5;5*5=5.");
  for (const right of ["5.", "3+4=7;7-2=5;5*5=5.", "3+4=1;5.", "15.", "5._", "=;5.9."]) {
    assert.deepEqual(task.verify(problem, right), { correct: true, finished: true }, right);
  }
  for (const wrong of ["4.", ".", "5;.", "5_.", "54.", "._5."]) {
    assert.deepEqual(task.verify(problem, wrong), { correct: false, finished: true }, wrong);
  }
  for (const unfinished of ["", "5", "3+4=7;7-2=5;5*5=5"]) {
    assert.deepEqual(task.verify(problem, unfinished), { correct: false, finished: false });
  }
});

Deno.test("a response is right exactly if the digit before its end is the answer", () => {
  const random = seededRandom(2);
  const text = fc.string({ unit: fc.constantFrom(..."0123456789+-*=;_"), maxLength: 46 });
  fc.assert(
    fc.property(text, fc.nat(9), (before, digit) => {
      const problem = task.mixtures.standard(random);
      const { correct } = task.verify(problem, `${before}${digit}.`);
      assert.equal(correct, digit === exactAnswer(problem.prompt));
    }),
    { numRuns: 1000, seed: 5 },
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

  const known = { right: 0, all: 0 };
  const misconceived = { facts: 0, wrong: 0, right: 0, all: 0 };
  for (const { right, counts } of answers.values()) {
    const all = counts.reduce((sum, count) => sum + count, 0);
    const most = Math.max(...counts);
    if (counts[right] === most) {
      known.right += counts[right];
      known.all += all;
    } else {
      misconceived.facts++;
      misconceived.wrong += most;
      misconceived.right += counts[right]!;
      misconceived.all += all;
    }
  }
  assert.equal(misconceived.facts, Math.round(MATH_TEACHER.misconceptionShare * 300));
  close(known.right, known.all, 1 - MATH_TEACHER.slip);
  close(misconceived.wrong, misconceived.all, MATH_TEACHER.misconceptionWrong);
  close(misconceived.right, misconceived.all, MATH_TEACHER.misconceptionRight);
});

Deno.test("direct answers of known facts are right less often the more operands there are", () => {
  const random = seededRandom(4);
  let before = 1;
  for (const size of [2, 3, 4, 5]) {
    let [correct, all] = [0, 0];
    while (all < 10_000) {
      const problem = drawMathProblem(size, random);
      if (task.difficulty(problem).misconceptions > 0) continue;
      const response = task.teacher(problem, random);
      if (response.length > 2) continue;
      all++;
      correct += Number(task.verify(problem, response).correct);
    }
    if (size === 2) close(correct, all, 1 - MATH_TEACHER.directSlip);
    assert(correct / all < before, `${size} operands: ${correct / all}`);
    before = correct / all;
  }
});

Deno.test("the difficulty counts operands and the misconceptions among the right steps", () => {
  const random = seededRandom(5);
  for (let i = 0; i < 2000; i++) {
    const problem = drawMathProblem(2 + i % 7, random);
    const steps = task.clean(problem).slice(0, -1).split(";").map((step) => step.split("=")[0]!);
    const misconceptions = steps.filter((step) => {
      const fact = { ...problem, operands: [Number(step[0]), Number(step[2])] };
      const single = { ...fact, operations: [step[1] as "+"] };
      return task.difficulty(single).misconceptions === 1;
    });
    assert.deepEqual(task.difficulty(problem), {
      size: problem.operands.length,
      misconceptions: misconceptions.length,
    });
  }
});

/** A count within five standard errors of its expectation. */
function close(count: number, all: number, share: number): void {
  const error = Math.sqrt(share * (1 - share) / all);
  assert(Math.abs(count / all - share) < 5 * error, `${count / all}, expected ${share}`);
}
