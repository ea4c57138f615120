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
  for (const [size, count] of [[1, 18], [2, 97], [3, 168], [4, 216]] as const) {
    const prompts = new Set<string>();
    for (let i = 0; i < 150_000; i++) {
      const { prompt, outputs } = drawCodeProblem(size, random);
      assert.equal(behaviours.getOrInsert(prompt, outputs.join()), outputs.join(), prompt);
      prompts.add(prompt);
    }
    assert.equal(prompts.size, count * 27);
  }
});

Deno.test("a prompt shows four examples of its program", () => {
  const random = seededRandom(2);
  for (let i = 0; i < 2000; i++) {
    const problem = drawCodeProblem(1 + i % 4, random);
    const { prompt, instructions } = problem;
    assert.match(prompt, /^0:\d,1:\d,[2-8]:\d,[3-9]:\d>$/);
    for (const [, x, y] of prompt.matchAll(/(\d):(\d)/g)) {
      assert.equal(runProgram(programText(instructions), Number(x)), Number(y));
    }
    assert.equal(task.difficulty(problem).size, instructions.length);
  }
});

Deno.test("the example of the task's description", () => {
  const outputs = INPUTS.map((x) => (3 * x + 2) % 10);
  const problem: CodeProblem = {
    prompt: "0:2,1:5,3:1,8:6>",
    instructions: ["2+", "3*"].map((text) => INSTRUCTIONS.findIndex((one) => one.text === text))
      .reverse(),
    shown: [0, 1, 3, 8],
    outputs,
  };
  assert.equal(task.clean(problem), "x3*2+?3:91,8:46.");
  const right = [
    "x3*2+.",
    "2x3*+.",
    "x4-3*4+.",
    "xxx2+++.",
    "x;x?3:1;x3*2+.",
    "x3*2+?x?,.",
    "x3*2+.x",
  ];
  for (const response of right) {
    assert.deepEqual(task.verify(problem, response), { correct: true, finished: true }, response);
  }
  // The second fits x = 0, 2, 4, … only; in the third the last program is not the right one.
  for (const response of ["x3*2-.", "x8*2+.", "x3*2+;x.", "x3*2+;.", "x3*2+_.", "?x3*2+."]) {
    assert.deepEqual(task.verify(problem, response), { correct: false, finished: true }, response);
  }
});

Deno.test("a program that does what the prompt shows, and something else besides, is wrong", () => {
  const random = seededRandom(6);
  for (let i = 0; i < 200; i++) {
    const problem = drawCodeProblem(1 + i % 4, random);
    const [, , third, fourth] = problem.shown;
    // x(x − 1)(x − third)(x − fourth) is 0 at the inputs that are shown.
    const vanishing = `xx1-*x${third}-*x${fourth}-*`;
    const program = `${programText(problem.instructions)}${vanishing}+`;
    assert(problem.shown.every((x) => runProgram(program, x) === problem.outputs[x]));
    const elsewhere = INPUTS.some((x) => runProgram(vanishing, x) !== 0);
    assert.equal(task.verify(problem, `${program}.`).correct, !elsewhere);
    assert(elsewhere);
  }
});

Deno.test("a response is right exactly if its program does the same on all ten inputs", () => {
  const random = seededRandom(3);
  const short = expression.filter(({ text }) => text.length < 40);
  let correct = 0;
  fc.assert(
    fc.property(short, ({ text, value }) => {
      const problem = drawCodeProblem(1, random);
      const expected = INPUTS.every((x) => digitOf(value(BigInt(x))) === problem.outputs[x]);
      const own = { ...problem, outputs: INPUTS.map((x) => digitOf(value(BigInt(x)))) };
      assert.equal(task.verify(problem, `1;${text}?4:.`).correct, expected);
      assert(task.verify(own, `${text}.`).correct);
      correct += Number(expected);
    }),
    { numRuns: 2000, seed: 7 },
  );
  assert(correct > 0, "no response was right by chance; the test tests less than it should");
});

/** What the teacher wrote, in parts: drafts, each with its traces by input. */
function parse(response: string): { program: string; traces: [x: number, values: number[]][] }[] {
  return response.slice(0, -1).split(";").map((draft) => {
    const [program, check] = draft.split("?");
    const traces = check?.split(",").map((trace): [number, number[]] => [
      Number(trace[0]),
      [...trace.slice(2)].map(Number),
    ]);
    return { program: program!, traces: traces ?? [] };
  });
}

Deno.test("the teacher drafts again if and only if a trace misses the example, and once at most", () => {
  const random = seededRandom(4);
  const seen = { direct: 0, held: 0, again: 0 };
  for (let i = 0; i < 20_000; i++) {
    const problem = task.mixtures.standard(random);
    const response = task.teacher(problem, random);
    assert.match(response, /^(?:x(?:[\dx][+*-])+(?:\?\d:\d+(?:,\d:\d+)?)?(?:;(?!\.)|(?=\.)))+\.$/);
    const drafts = parse(response);
    if (!response.includes("?")) {
      assert.equal(drafts.length, 1);
      seen.direct++;
      continue;
    }
    for (const [at, { program, traces }] of drafts.entries()) {
      const holds = traces.map(([x, values]) => values.at(-1) === problem.outputs[x]);
      assert(traces.every(([, values]) => values.length === (program.length - 1) / 2));
      assert.deepEqual(traces.map(([x]) => x), problem.shown.slice(2, 2 + traces.length));
      const failed = holds.indexOf(false);
      assert.equal(traces.length, failed < 0 ? 2 : failed + 1);
      if (at === 0) assert.equal(drafts.length, failed < 0 ? 1 : 2, response);
    }
    if (drafts.length === 1) seen.held++;
    else seen.again++;
  }
  assert(Math.min(...Object.values(seen)) > 1000, JSON.stringify(seen));
});

Deno.test("the teacher's instructions and traces err as often as the settings say", () => {
  const random = seededRandom(5);
  const known = { right: 0, near: 0, all: 0 };
  const misconceived = new Map<number, Map<string, number>>();
  const traced = { right: 0, all: 0 };
  for (let i = 0; i < 200_000; i++) {
    const problem = drawCodeProblem(1 + i % 4, random);
    const [{ program, traces }] = parse(task.teacher(problem, random)) as [
      ReturnType<typeof parse>[number],
    ];
    const written = program.slice(1).match(/../g)!;
    for (const [at, position] of problem.instructions.entries()) {
      const single = { ...problem, instructions: [position] };
      if (task.difficulty(single).misconceptions === 0) {
        known.all++;
        if (written[at] === INSTRUCTIONS[position]!.text) known.right++;
        else if (INSTRUCTIONS[position - 1]?.text === written[at]) known.near++;
        else if (INSTRUCTIONS[position + 1]?.text === written[at]) known.near++;
        else assert.equal(INSTRUCTIONS[position]!.text, "x*", "a slip that is not off by one");
      } else {
        const counts = misconceived.getOrInsertComputed(position, () => new Map());
        counts.set(written[at]!, (counts.get(written[at]!) ?? 0) + 1);
      }
    }
    for (const [x, values] of traces) {
      let before = x;
      for (const [at, value] of values.entries()) {
        traced.all++;
        traced.right += Number(stepOf(before, written[at]!, x) === value);
        before = value;
      }
    }
  }
  close(known.right, known.all, 1 - CODE_TEACHER.directSlip);
  assert(known.near > 0);
  close(traced.right, traced.all, 1 - CODE_TEACHER.slip);

  assert.equal(misconceived.size, Math.round(CODE_TEACHER.misconceptionShare * 17));
  let [wrong, right, all] = [0, 0, 0];
  for (const [position, counts] of misconceived) {
    const own = counts.get(INSTRUCTIONS[position]!.text)!;
    const most = Math.max(...counts.values());
    assert(most > own);
    wrong += most;
    right += own;
    all += counts.values().reduce((sum, count) => sum + count, 0);
  }
  close(wrong, all, CODE_TEACHER.misconceptionWrong);
  close(right, all, CODE_TEACHER.misconceptionRight);
});

/** The value after one written instruction. */
function stepOf(value: number, instruction: string, x: number): number {
  return runProgram(`${value}${instruction}`, x)!;
}

/** A count within five standard errors of its expectation. */
function close(count: number, all: number, share: number): void {
  const error = Math.sqrt(share * (1 - share) / all);
  assert(Math.abs(count / all - share) < 5 * error, `${count / all}, expected ${share}`);
}
