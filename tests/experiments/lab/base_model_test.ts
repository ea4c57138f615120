/** A base model whose making was stopped goes on to the same bits. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { makeBaseModel } from "../../../experiments/lab/base_model.ts";
import { hasCheckpoint } from "../../../experiments/lab/checkpoint.ts";
import { LabError } from "../../../experiments/lab/errors.ts";
import { modelConfig } from "../../../experiments/lab/families.ts";
import { type Pass, untrainedPolicy } from "../../../experiments/lab/pretrain.ts";
import { taskByName } from "../../../experiments/lab/tasks/by_name.ts";
import { requestGpu } from "../../../kernels/mod.ts";
import { withFolder } from "../../support.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

const PASSES: readonly Pass[] = [
  { solve: "teacher", settings: { steps: 20, batch: 2, learningRate: 1e-3, seed: 1 } },
  { solve: "clean", settings: { steps: 240, batch: 2, learningRate: 1e-4, seed: 2 } },
];

async function make(folder: string, resume: boolean, stopAt = Infinity): Promise<number[]> {
  using policy = untrainedPolicy(gpu, modelConfig("qwen2.5-0.5b"), 1);
  const seen: number[] = [];
  await makeBaseModel(policy, taskByName("math"), PASSES, {
    folder,
    resume,
    onStep({ solve }, { step }) {
      if (solve === "clean" && step === stopAt) throw new Error("stopped");
      seen.push(step);
    },
  });
  return seen;
}

Deno.test("a base model that was stopped goes on to the same bits, and leaves nothing else", async () => {
  await withFolder(async (folder) => {
    const [whole, stopped] = [join(folder, "whole"), join(folder, "stopped")];
    await make(whole, false);
    await assert.rejects(make(stopped, true, 220), /stopped/);
    assert(!await hasCheckpoint(stopped));
    assert.deepEqual(await make(stopped, true), [220, 240]);
    const [expected, actual] = await Promise.all(
      [whole, stopped].map((place) => Deno.readFile(join(place, "model.safetensors"))),
    );
    assert.deepEqual(actual, expected);
    const left = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
    assert.deepEqual(left, ["stopped", "whole"]);
  });
});

Deno.test("what was begun with other passes is not gone on with", async () => {
  await withFolder(async (folder) => {
    const place = join(folder, "model");
    await assert.rejects(make(place, false, 220), /stopped/);
    using policy = untrainedPolicy(gpu, modelConfig("qwen2.5-0.5b"), 1);
    const options = { folder: place, resume: true, onStep() {} };
    await assert.rejects(
      makeBaseModel(policy, taskByName("math"), PASSES.slice(1), options),
      (error) => error instanceof LabError && /unfinished was begun with \[/.test(error.message),
    );
  });
});
