/** A total is told by its name or by its values, and is never averaged with its parts. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readRun } from "../../../analysis/readers/read_run.ts";
import { withFolder } from "../../support.ts";

const EASY = Array.from({ length: 12 }, (_, i) => 0.5 + 0.2 * Math.sin(i));
const HARD = Array.from({ length: 12 }, (_, i) => 0.1 + 0.05 * Math.cos(2 * i));

type Scores = Record<string, readonly number[]>;

async function chosen(scores: Scores): Promise<{ keys: string[]; others: string[] }> {
  const rows = EASY.map((_, i) => ({
    step: i,
    entropy: 1 / (1 + i),
    ...Object.fromEntries(Object.entries(scores).map(([key, values]) => [key, values[i]])),
  }));
  let found: { keys: string[]; others: string[] } | undefined;
  await withFolder(async (folder) => {
    const path = join(folder, "log.jsonl");
    await Deno.writeTextFile(path, rows.map((row) => JSON.stringify(row) + "\n").join(""));
    const { score, choices } = await readRun(path);
    found = {
      keys: [...score!.keys],
      others: choices.score!.runnersUp.map(({ keys, because }) => `${keys.join()}: ${because}`),
    };
  });
  return found!;
}

const rounded = (values: readonly number[], digits: number) =>
  values.map((value) => Number(value.toFixed(digits)));
const mean = EASY.map((easy, i) => (easy + HARD[i]!) / 2);
const sum = EASY.map((easy, i) => easy + HARD[i]!);

for (const digits of [3, 15]) {
  Deno.test(`the mean of the others by its values is their total: ${digits} digits`, async () => {
    for (
      const [easy, hard, total] of [
        ["eval/gsm8k_accuracy", "eval/gpqa_accuracy", "eval/everything_accuracy"],
        ["val-core/gsm8k/acc/mean@1", "val-core/aime/acc/mean@1", "val-core/mixed/acc/mean@1"],
      ] as const
    ) {
      const scores = {
        [easy]: rounded(EASY, digits),
        [hard]: rounded(HARD, digits),
        [total]: rounded(mean, digits),
      };
      const { keys, others } = await chosen(scores);
      assert.deepEqual(keys, [total]);
      assert.deepEqual(others, [`${easy}: a part of ${total}`, `${hard}: a part of ${total}`]);
    }
  });
}

Deno.test("the sum of the others by its values is their total", async () => {
  const { keys } = await chosen({
    "eval/right_reward": EASY,
    "eval/short_reward": HARD,
    "eval/whole_reward": sum,
  });
  assert.deepEqual(keys, ["eval/whole_reward"]);
});

Deno.test("what agrees at few steps, or says nothing, is no total", async () => {
  const almost = mean.map((value, i) => i === 5 ? value + 0.01 : value);
  const flat = (value: number) => EASY.map(() => value);
  const few = mean.map((value, i) => i < 8 ? value : undefined) as number[];
  for (
    const [easy, hard, total] of [
      [EASY, HARD, almost],
      [flat(0.2), flat(0.6), flat(0.4)],
      [flat(0), flat(0), flat(0)],
      [EASY.slice(0, 7), HARD.slice(0, 7), few],
    ] as const
  ) {
    const { keys } = await chosen({ "eval/a/acc": easy, "eval/b/acc": hard, "eval/c/acc": total });
    assert.deepEqual(keys, ["eval/a/acc", "eval/b/acc", "eval/c/acc"]);
  }
});

Deno.test("benchmarks that go the same way up to their digits, or of which few change, have no total", async () => {
  const wave = (i: number, phase: number) => 0.7 * Math.sin(5 * i + phase);
  const rise = EASY.map((_, i) => 0.2 + i / 100);
  const percent = [0, 2, 4].map((phase) => rise.map((one, i) => 100 * one + wave(i, phase)));
  const shifted = (by: number) => rounded(rise.map((value) => value + by), 3);
  for (
    const scores of [
      percent.map((values) => rounded(values, 0)),
      [shifted(0.4), shifted(0.2), shifted(0)],
      [rounded(EASY, 3), EASY.map(() => 0), rounded(rounded(EASY, 3).map((one) => one / 2), 4)],
    ]
  ) {
    const found = await chosen({
      "eval/a/acc": scores[0]!,
      "eval/b/acc": scores[1]!,
      "eval/c/acc": scores[2]!,
    });
    assert.deepEqual(found.keys, ["eval/a/acc", "eval/b/acc", "eval/c/acc"]);
  }
});

Deno.test("a second name of a benchmark neither makes a total of it nor hides one, and a benchmark at 0 counts", async () => {
  const copy = { "eval/a/acc": EASY, "eval/second/acc": EASY };
  const zero = EASY.map(() => 0);
  assert.deepEqual((await chosen({ ...copy, "eval/b/acc": zero })).keys, [
    "eval/a/acc",
    "eval/b/acc",
  ]);
  const { keys } = await chosen({ ...copy, "eval/b/acc": HARD, "eval/c/acc": mean });
  assert.deepEqual(keys, ["eval/c/acc"]);
  const third = sum.map((value) => value / 3);
  const three = { "eval/a/acc": EASY, "eval/b/acc": HARD, "eval/hardest/acc": zero };
  assert.deepEqual((await chosen({ ...three, "eval/c/acc": third })).keys, ["eval/c/acc"]);
});

Deno.test("what ends while its parts go on is no total of theirs", async () => {
  const early = mean.map((value, i) => i < 8 ? value : undefined) as number[];
  const { keys } = await chosen({ "eval/a/acc": EASY, "eval/b/acc": HARD, "eval/c/acc": early });
  // Nor is it in their mean, which it would shorten.
  assert.deepEqual(keys, ["eval/a/acc", "eval/b/acc"]);
});

Deno.test("sets that are named behind the measure are parts of what names none, or peers", async () => {
  const parts = { "eval/acc_hard": HARD, "eval/acc_gsm8k": EASY };
  assert.deepEqual((await chosen(parts)).keys, Object.keys(parts));
  for (const total of ["eval/acc", "eval/acc_macro_avg", "eval/acc/combined"]) {
    // No mean by its values: the sets differ in size.
    const weighted = EASY.map((easy, i) => 0.9 * easy + 0.1 * HARD[i]!);
    const { keys, others } = await chosen({ ...parts, [total]: weighted });
    assert.deepEqual(keys, [total]);
    assert.deepEqual(others, Object.keys(parts).map((part) => `${part}: a part of ${total}`));
  }
  const { keys, others } = await chosen({
    "eval/reward_sum": sum,
    "eval/correctness_reward": EASY,
    "eval/format_reward": HARD,
  });
  assert.deepEqual(keys, ["eval/reward_sum"]);
  assert.equal(others.length, 2);
});

Deno.test("statistics of a score are none of its sets", async () => {
  const { keys, others } = await chosen({
    "eval/acc": EASY,
    "eval/acc_std": HARD,
    "eval/acc/gsm8k/max": HARD,
    "eval/acc_stderr": HARD,
  });
  assert.deepEqual(keys, ["eval/acc"]);
  assert.deepEqual(others, []);
});
