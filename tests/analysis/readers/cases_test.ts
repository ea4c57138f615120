/** Small logs of other people, and what is right of each (shared/cases/README.md). */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fitLaw } from "../../../analysis/law.ts";
import { pairs } from "../../../analysis/pairs.ts";
import { readRun, type ReadRunOptions, readRuns } from "../../../analysis/readers/read_run.ts";
import type { Run } from "../../../analysis/readers/run.ts";
import { CASES, testOnCases } from "../../support.ts";

/** What is right of a run: its keys, its law to four digits, and how many pairs it rests on. */
interface Right {
  entropy: string;
  score: string;
  kind: "validation" | "training";
  a: number;
  b?: number;
  n: number;
}

function assertRight(run: Run, { entropy, score, kind, a, b, n }: Right): void {
  assert.equal(run.entropy!.key, entropy);
  assert.deepEqual(run.score!.keys, [score]);
  assert.equal(run.score!.kind, kind);
  assert.equal(run.malformed.count, 0, run.malformed.examples[0]);
  const fit = fitLaw(pairs(run));
  assert.equal(fit.n, n);
  for (const [found, expected] of [[fit.a, a], [fit.b, b]] as const) {
    if (expected === undefined) continue;
    // The README's numbers are rounded; those of a console log were so before.
    const digits = String(expected).split(".")[1]!.length;
    const near = run.format === "trainer-console" ? 1e-3 : 0.501 * 10 ** -digits;
    assert(Math.abs(found - expected) < near, `${found} is not ${expected}`);
  }
}

const TRL: Right = {
  entropy: "entropy",
  score: "reward",
  kind: "training",
  a: 0.7101,
  b: 1.6937,
  n: 40,
};
const KEYS = { kind: "validation", a: 0.0988, b: 0.4976, n: 12 } as const;

const CASES_OF_ONE_RUN: readonly (readonly [string, Run["format"], Run["framework"], Right])[] = [
  ["trl-same-as-trainer-state.json", "trainer-state", "trl", TRL],
  ["trl-log-history-array.json", "json-rows", "trl", TRL],
  ["trl-console-numbers.log", "trainer-console", "trl", TRL],
  ["csv-pandas-index.csv", "csv", "unknown", {
    ...TRL,
    entropy: "train/entropy",
    score: "train/reward",
  }],
  ["verl-final-validation-only.log", "verl-console", "verl", {
    entropy: "actor/entropy",
    score: "critic/score/mean",
    kind: "training",
    a: -1.0317,
    b: -1.1683,
    n: 33,
  }],
  ["tinker-evaluator-name.jsonl", "jsonl", "tinker", {
    entropy: "optim/entropy",
    score: "test/test/env/all/correct",
    kind: "validation",
    a: 2.911,
    b: 4.496,
    n: 5,
  }],
  ["keys-trl_eval.jsonl", "wandb-history", "trl", {
    entropy: "train/entropy",
    score: "eval/reward",
    kind: "validation",
    a: 0.3221,
    n: 12,
  }],
  ["keys-swift.jsonl", "wandb-history", "ms-swift", {
    entropy: "train/entropy/mean",
    score: "train/reward",
    kind: "training",
    a: 0.1588,
    b: 1.2176,
    n: 12,
  }],
  ["keys-openrlhf.jsonl", "wandb-history", "openrlhf", {
    ...KEYS,
    entropy: "train/entropy_loss",
    score: "eval/eval_math_pass1",
  }],
  ["keys-slime.jsonl", "wandb-history", "slime", {
    ...KEYS,
    entropy: "train/entropy_loss",
    score: "eval/aime",
  }],
  ["keys-openinstruct.jsonl", "wandb-history", "open-instruct", {
    ...KEYS,
    entropy: "policy/entropy_avg",
    score: "eval/objective/verifiable_correct_rate",
  }],
  ["keys-roll.jsonl", "wandb-history", "roll", {
    ...KEYS,
    entropy: "critic/entropy/mean",
    score: "val_correct/all/mean",
  }],
  ["issue-nan.log", "verl-console", "verl", {
    entropy: "actor/entropy",
    score: "critic/score/mean",
    kind: "training",
    a: 0.2655,
    b: 0.6653,
    n: 60,
  }],
];

for (const [name, format, framework, right] of CASES_OF_ONE_RUN) {
  testOnCases(`${name} is read, and the law is the right one`, async () => {
    const run = await read(name);
    assert.equal(run.format, format);
    assert.equal(run.framework, framework);
    assertRight(run, right);
  });
}

function read(name: string, options?: ReadRunOptions): Promise<Run> {
  return readRun(join(CASES, name), options);
}

testOnCases("a column `run` makes four runs", async () => {
  const runs = await readRuns(join(CASES, "csv-run-column.csv"));
  const expected = [
    ["seq-v1", 0.0186, 7],
    ["seq-v2", -0.0921, 7],
    ["hybrid", -0.1668, 8],
    ["simultaneous", -0.6347, 8],
  ] as const;
  assert.deepEqual(runs.map(({ name }) => name), expected.map(([name]) => name));
  for (const [i, [, a, n]] of expected.entries()) {
    const right = { entropy: "optim/entropy", score: "env/all/reward/total", a, n } as const;
    assertRight(runs[i]!, { ...right, kind: "training" });
  }
});

testOnCases("slime's training reward meets the entropy by the step that both state", async () => {
  const run = await read("keys-slime.jsonl", { scoreKey: "rollout/raw_reward" });
  assertRight(run, {
    entropy: "train/entropy_loss",
    score: "rollout/raw_reward",
    kind: "training",
    a: 0.1588,
    b: 0.7176,
    n: 12,
  });
  assert.equal(run.trainingScore!.keys[0], "rollout/raw_reward");
});

testOnCases(
  "one validation is too few: the training score is named as such, and the flag for the other",
  async () => {
    const run = await read("verl-final-validation-only.log");
    const { because, runnersUp } = run.choices.score!;
    assert.equal(because, "there is only 1 validation, and the law needs 4 pairs");
    assert.equal(run.score!.kind, "training");
    assert(run.notes.some((note) => note.includes(`--score-key ${runnersUp[0]!.keys[0]} would`)));
  },
);

testOnCases("TRL's total is not averaged with its terms, which are named as such", async () => {
  const run = await read("keys-trl_eval.jsonl");
  const terms = run.choices.score!.runnersUp.flatMap(({ keys }) => keys);
  assert(terms.includes("eval/rewards/accuracy_reward/mean"));
  const scoreKey = "eval/rewards/accuracy_reward/mean";
  assert(
    Math.abs(fitLaw(pairs(await read("keys-trl_eval.jsonl", { scoreKey }))).a - 0.0988) < 1e-4,
  );
});

testOnCases("an entropy of NaN is named, with its first step and how often", async () => {
  const run = await read("issue-nan.log");
  const { count, first, last, steps } = run.notFinite.get("actor/entropy")!;
  assert.equal(first, 61);
  assert.equal(count, steps.length);
  assert.equal(last, run.steps.last);
  assert.equal(pairs(run).at(-1)!.step, 60);
});

testOnCases(
  "TRL's objective/entropy is taken only where it is named, and then called a sum",
  async () => {
    assert.equal((await read("issue-rloo-sum.jsonl")).entropy, undefined);
    const keys = { entropyKey: "objective/entropy", scoreKey: "objective/scores" };
    assert.match((await read("issue-rloo-sum.jsonl", keys)).entropy!.definition, /not per token/);
  },
);

testOnCases("verl's entropies before the update, by version", async () => {
  for (
    const [name, key, measured] of [
      ["verl-040-entropy-loss.log", "actor/entropy_loss", "before the update"],
      ["verl-050-entropy.log", "actor/entropy", "before the update"],
      ["verl-061-entropy-bonus.log", "actor/entropy", "before the update"],
      ["verl-080-both.log", "actor/entropy", "before the update"],
    ] as const
  ) {
    const { entropy } = await read(name);
    assert.equal(entropy!.key, key);
    assert.equal(entropy!.measured, measured);
  }
});
