/** The code task against programs run otherwise, and its teacher against the settings. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { codeTask } from "../../../../experiments/lab/tasks/code/code.ts";
import { CODE_TEACHER } from "../../../../experiments/lab/tasks/code/teacher.ts";
import {
  type CodeProblem,
  drawCodeProblem,
} from "../../../../experiments/lab/tasks/code/problem.ts";
import {
  INPUTS,
  INSTRUCTIONS,
  programText,
  runProgram,
} from "../../../../experiments/lab/tasks/code/postfix_program.ts";
import { seededRandom } from "../../../../experiments/lab/tasks/random.ts";

const task = codeTask();

/** A random expression as a tree: its postfix text, and its exact value for an x. */
interface Expression {
  text: string;
  value(x: bigint): bigint;
}

const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 6 },
    fc.constant({ text: "x", value: (x: bigint) => x }),
    fc.nat(9).map((digit) => ({ text: `${digit}`, value: () => BigInt(digit) })),
    fc.tuple(tie("expression"), tie("expression"), fc.constantFrom(..."+-*")).map(
      ([left, right, operation]) => ({
        text: left.text + right.text + operation,
        value: (x: bigint) => {
          const [a, b] = [left.value(x), right.value(x)];
          return operation === "+" ? a + b : operation === "-" ? a - b : a * b;
        },
      }),
    ),
  ),
}));

function digitOf(value: bigint): number {
  return Number(((value % 10n) + 10n) % 10n);
}

Deno.test("a program returns its exact value modulo 10", () => {
  fc.assert(
    fc.property(expression, ({ text, value }) => {
      for (const x of INPUTS) assert.equal(runProgram(text, x), digitOf(value(BigInt(x))), text);
    }),
    { numRuns: 1000, seed: 6 },
  );
});

Deno.test("what is no program returns nothing", () => {
  for (const text of ["", "+", "x+", "xx", "x3", "x3*2", "x?", "x3* ", "3x+*", ";", "\u{1F600}"]) {
    assert.equal(runProgram(text, 1), undefined, text);
  }
  assert.equal(runProgram("x".repeat(100_000) + "+".repeat(99_999), 1), 0);
});

Deno.test("the 18 instructions do different things, and each does it for each x", () => {
  const effects = INSTRUCTIONS.map((_, position) =>
    INPUTS.map((x) => runProgram(programText([position]), x)).join()
  );
  assert.equal(new Set([...effects, INPUTS.join()]).size, 19);
});

Deno.test("the examples of a prompt are of one behaviour only, and there are as many as documented", () => {
  const random = seededRandom(1);
  const behaviours = new Map<string, string>();
  for (const [size, count] of [[1, 18], [2, 97]] as const) {
    const prompts = new Set<string>();
    for (let i = 0; i < 150_000; i++) {
      const { prompt, outputs } = drawCodeProblem(size, random);
      assert.equal(behaviours.getOrInsert(prompt, outputs.join()), outputs.join(), prompt);
      prompts.add(prompt);
    }
    assert.equal(prompts.size, count * 56);
  }
});

Deno.test("a prompt shows five examples of its program", () => {
  const random = seededRandom(2);
  for (let i = 0; i < 2000; i++) {
    const problem = drawCodeProblem(1 + i % 2, random);
    const { prompt, instructions } = problem;
    assert.match(prompt, /^0:\d,1:\d,[2-7]:\d,[3-8]:\d,[4-9]:\d>$/);
    for (const [, x, y] of prompt.matchAll(/(\d):(\d)/g)) {
      assert.equal(runProgram(programText(instructions), Number(x)), Number(y));
    }
    assert.equal(task.difficulty(problem).size, instructions.length);
  }
});

Deno.test("the example of the task's description", () => {
  const outputs = INPUTS.map((x) => (3 * x + 2) % 10);
  const problem: CodeProblem = {
    prompt: "0:2,1:5,2:8,3:1,8:6>",
    instructions: ["2+", "3*"].map((text) => INSTRUCTIONS.findIndex((one) => one.text === text))
      .reverse(),
    shown: [0, 1, 2, 3, 8],
    outputs,
  };
  assert.equal(task.clean(problem), "x3*94,2+16.");
  assert.equal(task.direct(problem), "?x3*2+.");
  const right = [
    ...["?x3*2+.", "?2x3*+.", "?x4-3*4+.", "?xxx2+++.", "x3*94,2+16.", "x4-94,3*72,4+16."],
    "?x3*2+.x",
  ];
  for (const response of right) {
    assert.deepEqual(task.verify(problem, response), { correct: true, finished: true }, response);
  }
  // The second fits x = 0, 2, 4, … only; the traces are of another program, or do not hold.
  const wrong = ["?x3*2-.", "?x8*2+.", "x3*94,2-72.", "x3*94,2+15.", "x3*93,2+16."];
  const malformed = [
    ...["x3*2+.", "??x3*2+.", "?x3*2+_.", "?x3*94,2+16.", "x3*94,2+1.", "x3*94,2+."],
    ...["x3*942+16.", "x3*94,2+16,.", "3*94,2+16.", "x3*9,2+1."],
  ];
  for (const response of [...wrong, ...malformed]) {
    assert.deepEqual(task.verify(problem, response), { correct: false, finished: true }, response);
  }
});

Deno.test("a program that does what the prompt shows, but not what it hides, is wrong", () => {
  const random = seededRandom(6);
  for (let i = 0; i < 200; i++) {
    const problem = drawCodeProblem(1 + i % 2, random);
    for (const hidden of INPUTS.filter((x) => !problem.shown.includes(x))) {
      const outputs = problem.outputs.with(hidden, (problem.outputs[hidden]! + 1) % 10);
      for (const response of [task.direct(problem), task.clean(problem)]) {
        assert(task.verify(problem, response).correct);
        assert(!task.verify({ ...problem, outputs }, response).correct);
      }
    }
  }
});

Deno.test("a response is right exactly if its program does the same on all ten inputs", () => {
  const random = seededRandom(3);
  const short = expression.filter(({ text }) => text.length < 15);
  let correct = 0;
  fc.assert(
    fc.property(short, ({ text, value }) => {
      const problem = drawCodeProblem(1, random);
      const expected = INPUTS.every((x) => digitOf(value(BigInt(x))) === problem.outputs[x]);
      const own = { ...problem, outputs: INPUTS.map((x) => digitOf(value(BigInt(x)))) };
      assert.equal(task.verify(problem, `?${text}.`).correct, expected);
      assert(task.verify(own, `?${text}.`).correct);
      correct += Number(expected);
    }),
    { numRuns: 2000, seed: 7 },
  );
  assert(correct > 0, "no response was right by chance; the test tests less than it should");
});

/** What the teacher wrote: its instructions, and the values after each where they are written. */
function parse(response: string): { instruction: string; values: number[] }[] {
  const steps = response.match(/[\dx][-+*](?:\d\d(?=[,.]))?/g)!;
  return steps.map((step) => ({
    instruction: step.slice(0, 2),
    values: [...step.slice(2)].map(Number),
  }));
}

Deno.test("the teacher writes a program at once or step by step", () => {
  const random = seededRandom(4);
  for (let i = 0; i < 20_000; i++) {
    const problem = task.mixtures.standard(random);
    const response = task.teacher(problem, random);
    assert.match(response, /^(?:\?x(?:[\dx][-+*])+|x[\dx][-+*]\d\d(?:,[\dx][-+*]\d\d)*)\.$/);
    assert.equal(parse(response).length, problem.instructions.length);
  }
});

Deno.test("the teacher's instructions and traces err as often as the settings say", () => {
  const random = seededRandom(5);
  const chances = new Map(
    task.misconceptions().map((
      { chance, problems },
    ) => [task.difficulty(problems[0]!).misconceptions[0]!, chance]),
  );
  const direct = { right: 0, near: 0, all: 0 };
  const stepwise = { right: 0, near: 0, all: 0 };
  const misconceived = { right: 0, expected: 0, all: 0 };
  const traced = { right: 0, all: 0 };
  for (let i = 0; i < 200_000; i++) {
    const problem = drawCodeProblem(1 + i % 2, random);
    const written = parse(task.teacher(problem, random));
    const isDirect = written[0]!.values.length === 0;
    for (const [at, position] of problem.instructions.entries()) {
      const { instruction } = written[at]!;
      const right = instruction === INSTRUCTIONS[position]!.text;
      const before = { ...problem, instructions: problem.instructions.slice(0, at) };
      const upTo = { ...problem, instructions: problem.instructions.slice(0, at + 1) };
      const [fact] = task.difficulty(upTo).misconceptions
        .slice(task.difficulty(before).misconceptions.length);
      if (fact === undefined) {
        const known = isDirect ? direct : stepwise;
        known.all++;
        if (right) known.right++;
        else if (INSTRUCTIONS[position - 1]?.text === instruction) known.near++;
        else if (INSTRUCTIONS[position + 1]?.text === instruction) known.near++;
        else assert.equal(INSTRUCTIONS[position]!.text, "x*", "a slip that is not off by one");
      } else if (chances.has(fact)) {
        misconceived.right += Number(right);
        const { slip, directSlip } = CODE_TEACHER;
        misconceived.expected += chances.get(fact)! * (1 - (isDirect ? directSlip : slip));
        misconceived.all++;
      }
    }
    if (isDirect) continue;
    const inputs = problem.shown.slice(3);
    for (const [index, x] of inputs.entries()) {
      let before = x;
      for (const { instruction, values } of written) {
        traced.all++;
        traced.right += Number(
          runProgram(`${before}${instruction.replace("x", `${x}`)}`, 0) === values[index],
        );
        before = values[index]!;
      }
    }
  }
  close(direct.right, direct.all, 1 - CODE_TEACHER.directSlip);
  close(stepwise.right, stepwise.all, 1 - CODE_TEACHER.slip);
  assert(direct.near > 0 && stepwise.near > 0);
  close(traced.right, traced.all, 1 - CODE_TEACHER.slip);
  close(misconceived.right, misconceived.all, misconceived.expected / misconceived.all);
});

/** A count within five standard errors of its expectation. */
function close(count: number, all: number, share: number): void {
  const error = Math.sqrt(share * (1 - share) / all);
  assert(Math.abs(count / all - share) < 5 * error, `${count / all}, expected ${share}`);
}
