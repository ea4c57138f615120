/** Validation with a task whose verdicts are known for each problem and response. */
import assert from "node:assert/strict";
import { createPolicy } from "../../../experiments/lab/policy/parameters.ts";
import { rollout } from "../../../experiments/lab/policy/rollout.ts";
import type { Problem, Task } from "../../../experiments/lab/tasks/task.ts";
import { validate, type ValidationOptions } from "../../../experiments/lab/validation.ts";
import { requestGpu } from "../../../kernels/mod.ts";
import { STUB_CONFIG, STUB_TOKENIZER, stubParameters, stubTask } from "./stub_task.ts";

const gpu = await requestGpu();
const policy = createPolicy(gpu, STUB_CONFIG, stubParameters());
Deno.test.afterAll(() => {
  policy[Symbol.dispose]();
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

const OPTIONS: ValidationOptions = { seed: 5, step: 1, samples: 4, all: true };

/** A problem with the verdicts on the first, second, … response that is verified. */
interface StubProblem extends Problem {
  /** 1 where it is right. */
  verdicts: readonly number[];
}

type Benchmarks = Readonly<Record<string, readonly StubProblem[]>>;

/** The task, and the responses to each problem in the order in which they were verified. */
function taskOf(benchmarks: Benchmarks, maxResponseTokens = 6): {
  task: Task;
  texts: Map<Problem, string[]>;
  inOrder: string[];
} {
  const texts = new Map<Problem, string[]>();
  const inOrder: string[] = [];
  const task = stubTask<StubProblem>({
    maxResponseTokens,
    benchmarks,
    verify(problem, response) {
      const own = texts.get(problem) ?? [];
      texts.set(problem, [...own, response]);
      inOrder.push(response);
      return { correct: problem.verdicts[own.length] === 1, finished: true };
    },
  });
  return { task, texts, inOrder };
}

/** Greedily once, then four times at temperature 0.6, then four times at 1. */
const BENCHMARKS: Benchmarks = {
  "math-500": [
    { prompt: "ab", verdicts: [1, 0, 0, 1, 0, 1, 1, 1, 1] },
    { prompt: "c", verdicts: [0, 0, 0, 0, 0, 0, 1, 0, 0] },
    { prompt: "dda", verdicts: [1, 1, 1, 1, 1, 0, 0, 0, 0] },
  ],
  aime24: [
    { prompt: "ge", verdicts: [0, 0, 1, 1, 0, 0, 0, 0, 1] },
    { prompt: "f", verdicts: [0, 0, 0, 0, 0, 1, 0, 1, 0] },
  ],
  amc: [{ prompt: "cfa", verdicts: [1, 0, 1, 0, 0, 0, 0, 0, 0] }],
};

Deno.test("validation: every benchmark greedily, at temperature 0.6 and at 1, the paper's protocol as val-core", async () => {
  const { task, texts } = taskOf(BENCHMARKS);
  assert.deepEqual(await validate(policy, task, OPTIONS), {
    "val-core/greedy/math-500/acc/mean@1": 2 / 3,
    "val-aux/greedy/aime24/acc/mean@1": 0,
    "val-aux/greedy/amc/acc/mean@1": 1,
    "val-aux/t0.6/math-500/acc/mean@4": 5 / 12,
    "val-aux/t0.6/math-500/acc/best@4/mean": 2 / 3,
    "val-core/t0.6/aime24/acc/mean@4": 1 / 4,
    "val-core/t0.6/aime24/acc/best@4/mean": 1 / 2,
    "val-core/t0.6/amc/acc/mean@4": 1 / 4,
    "val-core/t0.6/amc/acc/best@4/mean": 1,
    "val-aux/t1/math-500/acc/mean@4": 5 / 12,
    "val-aux/t1/math-500/acc/best@4/mean": 2 / 3,
    "val-aux/t1/aime24/acc/mean@4": 3 / 8,
    "val-aux/t1/aime24/acc/best@4/mean": 1,
    "val-aux/t1/amc/acc/mean@4": 0,
    "val-aux/t1/amc/acc/best@4/mean": 0,
  });
  for (const problem of Object.values(BENCHMARKS).flat()) {
    assert.equal(texts.get(problem)!.length, 9);
  }
});

Deno.test("validation: by the paper's protocol alone, AIME and AMC are sampled and all else is greedy", async () => {
  const benchmarks: Benchmarks = {
    "math-500": [{ prompt: "ab", verdicts: [1] }, { prompt: "c", verdicts: [0] }],
    aime24: [
      { prompt: "ge", verdicts: [1, 0, 1] },
      { prompt: "f", verdicts: [0, 0, 0] },
    ],
    amc: [{ prompt: "bbb", verdicts: [1, 1, 1] }],
    "olympiad-bench": [{ prompt: "ag", verdicts: [1] }],
  };
  const { task, texts } = taskOf(benchmarks);
  assert.deepEqual(await validate(policy, task, { ...OPTIONS, samples: 3, all: false }), {
    "val-core/greedy/math-500/acc/mean@1": 1 / 2,
    "val-core/greedy/olympiad-bench/acc/mean@1": 1,
    "val-core/t0.6/aime24/acc/mean@3": 1 / 3,
    "val-core/t0.6/aime24/acc/best@3/mean": 1 / 2,
    "val-core/t0.6/amc/acc/mean@3": 1,
    "val-core/t0.6/amc/acc/best@3/mean": 1,
  });
  for (const problem of Object.values(benchmarks).flat()) {
    assert.equal(texts.get(problem)!.length, problem.verdicts.length);
  }
});

Deno.test("validation: of one sample there is a mean and no best", async () => {
  const { task } = taskOf({ aime24: [{ prompt: "ge", verdicts: [1] }] });
  assert.deepEqual(
    await validate(policy, task, { ...OPTIONS, samples: 1, all: false }),
    { "val-core/t0.6/aime24/acc/mean@1": 1 },
  );
});

Deno.test("validation: a task without benchmarks measures nothing", async () => {
  assert.deepEqual(await validate(policy, taskOf({}).task, OPTIONS), {});
});

/** What a policy writes to the problems at temperature 0. */
async function greedyTexts(
  of: typeof policy,
  problems: readonly Problem[],
): Promise<string[]> {
  const { end, pad } = STUB_TOKENIZER;
  const prompts = problems.map(({ prompt }) => STUB_TOKENIZER.encode(prompt));
  const settings = { maxTokens: 6, temperature: 0, seed: 0, stream: 0, end, pad };
  return (await rollout(of, prompts, settings)).map(({ tokens }) => STUB_TOKENIZER.decode(tokens));
}

Deno.test("validation: greedy responses are the most likely ones, whatever the seed and step", async () => {
  const problems = Object.values(BENCHMARKS).flat();
  const expected = await greedyTexts(policy, problems);
  assert.equal(new Set(expected).size, problems.length);
  for (const [seed, step] of [[5, 1], [6, 9]] as const) {
    const { task, texts } = taskOf(BENCHMARKS);
    await validate(policy, task, { ...OPTIONS, seed, step });
    assert.deepEqual(problems.map((problem) => texts.get(problem)![0]), expected);
  }
});

Deno.test("validation: each response is verified with its own problem, sampled ones too", async () => {
  // So sure of itself that samples are its greedy responses.
  const values = stubParameters();
  values["model.norm.weight"] = values["model.norm.weight"]!.map((value) => 1000 * value);
  using sure = createPolicy(gpu, STUB_CONFIG, values);
  const problems = Object.values(BENCHMARKS).flat();
  const expected = await greedyTexts(sure, problems);
  assert.equal(new Set(expected).size, problems.length);
  const { task, texts } = taskOf(BENCHMARKS);
  await validate(sure, task, OPTIONS);
  for (const [i, problem] of problems.entries()) {
    assert.deepEqual(texts.get(problem), Array.from({ length: 9 }, () => expected[i]));
  }
});

Deno.test("validation: samples differ from each other, from seed to seed and from step to step, and repeat", async () => {
  const benchmarks: Benchmarks = {
    "math-500": Array.from({ length: 8 }, () => ({ prompt: "ab", verdicts: [] })),
  };
  /** The responses to all problems, sample by sample at temperature 0.6, then at 1. */
  const samples = async (seed: number, step: number) => {
    const { task, texts } = taskOf(benchmarks);
    await validate(policy, task, { ...OPTIONS, seed, step });
    return Array.from(
      { length: 8 },
      (_, sample) => [...texts.values()].map((own) => own[1 + sample]).join(" "),
    );
  };
  const first = await samples(5, 1);
  assert.deepEqual(await samples(5, 1), first);
  const others = [await samples(6, 1), await samples(5, 2)].flat();
  assert.equal(new Set([...first, ...others]).size, 24);
});

Deno.test("validation: more responses than one rollout holds are written in several, none alike", async () => {
  const [count, samples] = [700, 5];
  // All have the same prompt, so that what two rollouts write differs by their random numbers alone.
  const problems = Array.from({ length: count }, (_, i): StubProblem => ({
    prompt: "c",
    verdicts: Array.from({ length: samples }, (_, sample) => Number(sample < i % 7)),
  }));
  const { task, texts, inOrder } = taskOf({ amc: problems }, 3);
  const rollouts: number[] = [];
  const record = gpu.record;
  gpu.record = (label) => {
    if (label === "rollout") rollouts.push(inOrder.length);
    return record.call(gpu, label);
  };
  try {
    const data = await validate(policy, task, { ...OPTIONS, samples, all: false });
    assert.deepEqual(
      Object.entries(data).map(([key, value]) => [key, value!.toFixed(12)]),
      [
        ["val-core/t0.6/amc/acc/mean@5", ((1 + 2 + 3 + 4 + 5 + 5) / 7 / 5).toFixed(12)],
        ["val-core/t0.6/amc/acc/best@5/mean", (6 / 7).toFixed(12)],
      ],
    );
  } finally {
    gpu.record = record;
  }
  for (const problem of problems) assert.equal(texts.get(problem)!.length, samples);
  assert.equal(rollouts.length, 2);
  const [, second] = rollouts;
  const again = inOrder.slice(second);
  assert(second! > 0 && again.length > 0);
  assert.notDeepEqual(again, inOrder.slice(0, again.length));
});
