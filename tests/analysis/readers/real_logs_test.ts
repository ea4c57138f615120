/** Real logs: the points and the law that an independent script found in them (shared/logs/README.md). */
import assert from "node:assert/strict";
import { join } from "node:path";
import { LawError } from "../../../analysis/law_error.ts";
import { fitLaw } from "../../../analysis/law.ts";
import { pairs } from "../../../analysis/pairs.ts";
import { readRun } from "../../../analysis/readers/read_run.ts";
import { LOGS, testOnLogs } from "../../support.ts";

const GSM8K = "val-core/openai/gsm8k/acc/mean@1";
const REWARD = "val-core/openai/gsm8k/reward/mean@1";
const EXPECTED = [
  [
    "verl-console-qwen2-7b-grpo.log",
    "verl-console",
    GSM8K,
    132,
    27,
    27,
    1.150388,
    2.120371,
    0.645584,
  ],
  [
    "verl-file-logger-qwen3-30b-a3b-grpo.jsonl",
    "verl-jsonl",
    GSM8K,
    87,
    87,
    87,
    1.579734,
    2.593946,
    0.435955,
  ],
  [
    "events.out.tfevents.verl-qwen2-7b-grpo",
    "tensorboard",
    REWARD,
    105,
    22,
    22,
    1.059966,
    2.085222,
    0.406529,
  ],
  [
    "events.out.tfevents.verl-qwen2.5-3b-grpo",
    "tensorboard",
    REWARD,
    105,
    22,
    22,
    0.439813,
    1.350565,
    0.415754,
  ],
  [
    "verl-console-slurm-qwen3-0.6b-ppo.out",
    "verl-console",
    GSM8K,
    199,
    19,
    19,
    0.685098,
    1.564508,
    0.713761,
  ],
  ["wandb-export-svg.csv", "csv", "performance", 87, 87, 87, 10.730142, 20.960376, 0.865472],
  ["wandb-export-sokoban.csv", "csv", "performance", 199, 199, 199, 1.394164, 2.087133, 0.652319],
  [
    "tinker-metrics.jsonl",
    "jsonl",
    "test/env/all/reward/total",
    57,
    12,
    12,
    0.055601,
    0.715917,
    0.122558,
  ],
] as const;

for (const [name, format, scoreKey, entropies, scores, n, a, b, r2] of EXPECTED) {
  testOnLogs(`${name} gives the law that was expected`, async () => {
    const run = await readRun(join(LOGS, name), { scoreKey });
    assert.equal(run.format, format);
    assert.equal(run.entropy!.values.length, entropies);
    assert.equal(run.score!.values.length, scores);
    assert.equal(run.malformed.count, 0);
    const fit = fitLaw(pairs(run));
    assert.equal(fit.n, n);
    for (const [found, expected] of [[fit.a, a], [fit.b, b], [fit.r2, r2]] as const) {
      assert(Math.abs(found - expected) < 1e-6, `${found} is not ${expected}`);
    }
  });
}

testOnLogs("the mean over benchmarks is the default where a log validates on several", async () => {
  const run = await readRun(join(LOGS, "verl-console-qwen2-7b-grpo.log"));
  const math = "val-core/DigitalLearningGmbH/MATH-lighteval/acc/mean@1";
  assert.deepEqual(run.score!.keys, [GSM8K, math]);
  assert(run.validationKeys.includes(math));
  const one = await readRun(join(LOGS, "verl-console-qwen2-7b-grpo.log"), { scoreKey: GSM8K });
  const other = await readRun(join(LOGS, "verl-console-qwen2-7b-grpo.log"), { scoreKey: math });
  for (const [i, value] of run.score!.values.entries()) {
    assert.equal(value, (one.score!.values[i]! + other.score!.values[i]!) / 2);
  }
});

testOnLogs(
  "the configuration that verl prints is read through the lines of other processes",
  async () => {
    for (
      const name of ["verl-console-qwen2-7b-grpo.log", "verl-console-slurm-qwen3-0.6b-ppo.out"]
    ) {
      const { config } = await readRun(join(LOGS, name));
      const actor = (config as { actor_rollout_ref: { actor: Record<string, unknown> } })
        .actor_rollout_ref.actor;
      assert.equal(actor["_target_"], "verl.workers.config.FSDPActorConfig");
      assert.equal(actor["calculate_entropy"], false);
    }
  },
);

testOnLogs("fields cut off where W&B cuts lines are counted, not used", async () => {
  const run = await readRun(join(LOGS, "wandb-output-truncated-lines.log"));
  assert.equal(run.malformed.count, 18);
  assert.equal(run.entropy!.values.length, 179);
  // The line of step 10 was cut within this key's value, that of step 20 was not.
  const scoreKey = "val-aux/aime_2024/score/best@16/mean";
  const { score } = await readRun(join(LOGS, "wandb-output-truncated-lines.log"), { scoreKey });
  assert.deepEqual(Array.from(score!.steps.subarray(0, 2)), [0, 20]);
});

testOnLogs(
  "a .wandb file gives its rows, validation and training rows of different shape",
  async () => {
    const run = await readRun(join(LOGS, "run-f6sves9c.wandb"));
    assert.equal(run.format, "wandb-binary");
    assert.deepEqual(run.steps, { first: 0, last: 50 });
    assert.equal(run.entropy!.values.length, 50);
    assert.equal(run.entropy!.values[0], 0.23088467121124268);
    assert.deepEqual(run.score!.keys, [
      "val-core/aime_2024/acc/mean@16",
      "val-core/aime_2025/acc/mean@16",
    ]);
    assert.equal(run.score!.values[0], (0.025 + 0.022916666666666665) / 2);
  },
);

testOnLogs("a CSV whose keys have _ for / is still verl's", async () => {
  const run = await readRun(join(LOGS, "verl-export-textcraft.csv"));
  assert.equal(run.framework, "verl");
  assert.equal(run.entropy!.key, "actor_entropy");
  assert.deepEqual(run.score!.keys, ["val-core_textcraft_acc_mean@1"]);
  assert.equal(pairs(run).length, 10);
});

testOnLogs("a score that never changes gives no law", async () => {
  const run = await readRun(join(LOGS, "verl-console-constant-validation.log"));
  assert.equal(run.score!.unit, "reward");
  assert.throws(
    () => fitLaw(pairs(run)),
    (error) => error instanceof LawError && error.code === "constant-score",
  );
});

testOnLogs(
  "where a better validation has one value only, the next one is taken, and that is said",
  async () => {
    const { score, choices } = await readRun(join(LOGS, "wandb-output-truncated-lines.log"));
    assert.deepEqual(score!.keys, ["val-aux/aime_2024/reward/mean@16"]);
    assert.match(
      choices.score!.because,
      /val-core\/aime_2024\/acc\/mean@16 would come first, but has only 1 value$/,
    );
  },
);
