/** A training score beside a validation score in percent. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readRun } from "../../../analysis/readers/read_run.ts";
import type { Run } from "../../../analysis/readers/run.ts";
import { withFolder } from "../../support.ts";

/** A run with a validation score of 20 to 59, and a training score that is a multiple of it. */
async function runOf(factor: number, validations: readonly string[]): Promise<Run> {
  let run: Run | undefined;
  await withFolder(async (folder) => {
    const path = join(folder, "log.jsonl");
    const rows = Array.from({ length: 40 }, (_, step) =>
      JSON.stringify({
        step,
        "actor/entropy": 1 / (1 + step),
        "critic/score/mean": factor * (20 + step),
        ...Object.fromEntries(validations.map((key) => [key, 20 + step])),
      }) + "\n");
    await Deno.writeTextFile(path, rows.join(""));
    run = await readRun(path);
  });
  return run!;
}

Deno.test("a training score on the scale of a validation score in percent is divided by 100, too", async () => {
  const one = ["val-core/a/acc/mean@1"];
  for (const keys of [one, [...one, "val-core/b/acc/mean@1"]]) {
    const { score, trainingScore, notes } = await runOf(1.2, keys);
    assert.equal(score!.values[0], 0.2);
    assert(Math.abs(trainingScore!.values[0]! - 0.24) < 1e-12);
    assert.match(
      notes.join(" "),
      /critic\/score\/mean is on the scale of .*, in percent, and was divided/,
    );
  }
});

Deno.test("a training score on another scale, or beside fractions, is left as it is", async () => {
  for (const factor of [0.01, 0.1, 10, -1]) {
    const { trainingScore, notes } = await runOf(factor, ["val-core/a/acc/mean@1"]);
    assert.equal(trainingScore!.values[0], factor * 20);
    assert.doesNotMatch(notes.join(" "), /on the scale of/);
  }
  const { trainingScore } = await runOf(1, ["val-core/a/reward/mean@1"]);
  assert.equal(trainingScore!.values[0], 20);
});
