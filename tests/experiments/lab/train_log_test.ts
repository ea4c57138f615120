/** What a run logs of a step: of the policy before its update, step after step. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readCheckpoint } from "../../../experiments/lab/checkpoint.ts";
import { gatherExperience } from "../../../experiments/lab/experience.ts";
import {
  createPolicy,
  type ParameterValues,
  type Policy,
  policyState,
  valuesOf,
} from "../../../experiments/lab/policy/parameters.ts";
import { predictionReference } from "../../../experiments/lab/policy/prediction_reference.ts";
import { askMisconceptions } from "../../../experiments/lab/misconceptions.ts";
import { rewardModel } from "../../../experiments/lab/reward_model.ts";
import { trainSettings } from "../../../experiments/lab/train_settings.ts";
import { taskByName } from "../../../experiments/lab/tasks/task_by_name.ts";
import { train } from "../../../experiments/lab/train.ts";
import { updateFromSamples } from "../../../experiments/lab/training_step.ts";
import { validate } from "../../../experiments/lab/validation.ts";
import { requestGpu } from "../../../kernels/mod.ts";
import { ROOT, withFolder } from "../../support.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

const BASE = join(ROOT, "results/models/qwen2.5-0.5b.math");

/** Updates so large that no number after one is like that before it. */
const SETTINGS = trainSettings({
  model: "qwen2.5-0.5b",
  algorithm: "prime",
  steps: 2,
  prompts: 6,
  group: 4,
  minibatches: 2,
  temperature: 1.2,
  learningRate: 0.02,
  rewardLearningRate: 0.01,
  warmupSteps: 2,
  filterGroups: false,
  validateEvery: 100,
  validationSamples: 1,
  checkpointEvery: 100,
  seed: 4,
});

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function near(actual: number | undefined, expected: number): void {
  assert(Math.abs(actual! - expected) <= 1e-5, `${actual} is not ${expected}`);
}

async function parametersOf(policy: Policy): Promise<ParameterValues> {
  return valuesOf((await policyState(policy)).parameters);
}

Deno.test("each step logs accuracy and entropy of the policy as its rollout found it, then the update", async () => {
  await withFolder(async (folder) => {
    const path = await train(gpu, SETTINGS, {
      base: BASE,
      log: join(folder, "run.jsonl"),
      checkpoint: join(folder, "run"),
      resume: false,
      codeVersion: "0123abc",
    });
    const [, ...steps] = (await Deno.readTextFile(path)).trimEnd().split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(steps.map(({ step }) => step), [1, 2]);

    // The same, one part after the other.
    const task = taskByName("math");
    const { config, parameters } = await readCheckpoint(BASE);
    const values = valuesOf(parameters);
    using policy = createPolicy(gpu, config, values);
    using reference = createPolicy(gpu, config, values);
    using rewardPolicy = createPolicy(gpu, config, values);
    const judge = rewardModel(rewardPolicy, reference, SETTINGS.rewardLearningRate);
    const { seed, validationSamples: samples } = SETTINGS;
    let updates = 0;
    for (const { step, data } of steps) {
      const found = await parametersOf(policy);
      const measured = step === 1
        ? {
          ...await validate(policy, task, { seed, step, samples, all: true }),
          ...await askMisconceptions(policy, task),
        }
        : {};
      const experience = await gatherExperience(policy, task, SETTINGS, {
        step,
        rewardModel: judge,
      });
      const { samples: learnt } = experience;
      const update = await updateFromSamples({ policy, reference }, learnt, SETTINGS, {
        step,
        updates,
      });
      updates = update.updates;
      assert.deepEqual(data, { ...experience.data, ...update.data, ...measured });

      const entropies = (temperature: number) =>
        experience.samples.map((sample) => [
          ...predictionReference(config, found, sample, temperature).entropy,
        ]);
      near(data["actor/entropy"], mean(entropies(SETTINGS.temperature).flat()));
      near(data["train_entropy/all"], mean(entropies(1).map(mean)));
    }
    assert.equal(updates, 4);
  });
});
