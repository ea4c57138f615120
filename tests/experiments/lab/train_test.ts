/** The trainer when the GPU fails or numbers do: where a run stops, what it leaves, how it goes on. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  type Checkpoint,
  readCheckpoint,
  writeCheckpoint,
} from "../../../experiments/lab/checkpoint.ts";
import { LabError } from "../../../experiments/lab/errors.ts";
import { modelConfig, parameterShapes } from "../../../experiments/lab/families.ts";
import { initialParameters } from "../../../experiments/lab/initial_parameters.ts";
import { createPolicy } from "../../../experiments/lab/policy/parameters.ts";
import { checkNorm } from "../../../experiments/lab/policy/update.ts";
import { trainSettings } from "../../../experiments/lab/train_settings.ts";
import { train } from "../../../experiments/lab/train.ts";
import { DeviceLostError, type Gpu, requestGpu } from "../../../kernels/mod.ts";
import { withFolder } from "../../support.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

const CONFIG = modelConfig("qwen2.5-0.5b");
const UP = "model.layers.0.mlp.up_proj.weight";
const DOWN = "model.layers.0.mlp.down_proj.weight";

/** Small runs in which every step changes the policy, although it gets nothing right. */
const SMALL = {
  model: "qwen2.5-0.5b",
  steps: 3,
  prompts: 2,
  group: 2,
  minibatches: 2,
  intervention: "entropy-bonus",
  entropyCoefficient: 1,
  learningRate: 0.01,
  filterGroups: false,
  validateEvery: 100,
  validationSamples: 1,
  validateAllEvery: 0,
  checkpointEvery: 1,
};

type Tensors = Map<string, Float32Array<ArrayBuffer>>;

/** Writes an untrained base model. */
async function writeBase(folder: string, change: (tensors: Tensors) => void = () => {}) {
  const values = new Map(Object.entries(initialParameters(CONFIG, 1)));
  change(values);
  const shapes = parameterShapes(CONFIG);
  const parameters = new Map(
    [...values].map(([name, data]) => [name, { shape: shapes[name]!, data }]),
  );
  await writeCheckpoint(join(folder, "base"), { config: CONFIG, parameters });
}

interface Attempt {
  settings?: Record<string, unknown>;
  /** What the log and the checkpoint are called. */
  name?: string;
  resume?: boolean;
  afterStep?: (step: number) => void;
}

async function attempt(gpu: Gpu, folder: string, options: Attempt = {}): Promise<string> {
  const { settings = {}, name = "run", resume = false, afterStep = () => {} } = options;
  return await train(gpu, trainSettings({ ...SMALL, ...settings }), {
    base: join(folder, "base"),
    log: join(folder, `${name}.jsonl`),
    checkpoint: join(folder, name),
    resume,
    codeVersion: "0123abc",
    onStep: afterStep,
  });
}

/** The steps of a log, which must be whole. */
async function stepsOf(folder: string, name = "run"): Promise<number[]> {
  const text = await Deno.readTextFile(join(folder, `${name}.jsonl`));
  assert(text.endsWith("\n"));
  return text.trimEnd().split("\n").slice(1).map((line) => JSON.parse(line).step);
}

async function savedStep(folder: string, name = "run"): Promise<number> {
  const { trainer } = await readCheckpoint(join(folder, name));
  return (trainer as { step: number }).step;
}

function namesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

async function stops(run: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(run, (error) => {
    assert(error instanceof LabError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

async function isLost(run: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(run, (error) => {
    assert(error instanceof DeviceLostError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

/** Loses the device when the trainer begins to record something for the `count`-th time. */
function loseDeviceAt(gpu: Gpu, label: string, count: number): void {
  const record = gpu.record.bind(gpu);
  gpu.record = (name) => {
    if (name === label && --count === 0) gpu.device.destroy();
    return record(name);
  };
}

for (
  const [when, algorithm, label, count, steps, left] of [
    ["in an update", "grpo", "update", 5, [1, 2], ["run"]],
    [
      "between the checkpoints of reward model and policy",
      "prime",
      "checkpoint",
      // Two at the beginning and two for each step, the reward model's first.
      8,
      [1, 2, 3],
      ["run", "run.reward-model-2", "run.reward-model-3"],
    ],
  ] as const
) {
  Deno.test(`a device lost ${when} stops the run with the step named, and another goes on`, async () => {
    await withFolder(async (folder) => {
      await writeBase(folder);
      const settings = { algorithm };
      const live = new Set<number>();
      const afterStep = () => live.add(gpu.liveBytes);
      await attempt(gpu, folder, { settings, name: "whole", afterStep });
      assert.equal(live.size, 1, `bytes of tensors after the steps: ${[...live]}`);
      {
        using other = await requestGpu();
        loseDeviceAt(other, label, count);
        await isLost(attempt(other, folder, { settings }), /^step 3: the GPU was lost/);
      }
      const own = () => namesIn(folder).filter((name) => /^run(?!\.jsonl)/.test(name));
      assert.deepEqual(await stepsOf(folder), steps);
      assert.equal(await savedStep(folder), 2);
      assert.deepEqual(own(), left);

      await attempt(gpu, folder, { settings, resume: true });
      const [resumed, whole] = await Promise.all(
        ["run", "whole"].map((name) => Deno.readTextFile(join(folder, `${name}.jsonl`))),
      );
      assert.equal(resumed, whole);
      assert.deepEqual(own(), algorithm === "prime" ? ["run", "run.reward-model-3"] : ["run"]);
    });
  });
}

Deno.test("a run stops where logits, gradients or parameters hold NaN or Inf, and resuming tells the same", async () => {
  for (
    const [settings, message] of [
      [
        { learningRate: 1e38 },
        /^step [12]: the logits of .* hold NaN or Inf/,
      ],
      [
        { algorithm: "prime", rewardLearningRate: 1e38 },
        /^step 1: the logits of the reward model hold NaN or Inf at token \d+, expected finite/,
      ],
    ] as const
  ) {
    await withFolder(async (folder) => {
      await writeBase(folder);
      await stops(attempt(gpu, folder, { settings }), message);
      const steps = await stepsOf(folder);
      await stops(attempt(gpu, folder, { settings, resume: true }), message);
      assert.deepEqual(await stepsOf(folder), steps);
      const own = namesIn(folder).filter((name) => !name.includes(".reward-model-"));
      assert.deepEqual(own, ["base", "run", "run.jsonl"]);
    });
  }
  await withFolder(async (folder) => {
    // What flows forward is as before; what flows back to the second matrix is not.
    await writeBase(folder, (tensors) => {
      tensors.set(UP, tensors.get(UP)!.map((value) => value * 2 ** 100));
      tensors.set(DOWN, tensors.get(DOWN)!.map((value) => value * 2 ** -100));
    });
    const message = /^step 1: the norm of the policy's gradient holds Infinity, expected finite/;
    await stops(attempt(gpu, folder), message);
    assert.deepEqual(await stepsOf(folder), []);
    assert.equal(await savedStep(folder), 0);
    assert.deepEqual(namesIn(folder), ["base", "run", "run.jsonl"]);
  });
});

Deno.test("a base model that holds NaN is named before a run begins", async () => {
  await withFolder(async (folder) => {
    await writeBase(folder, (tensors) => tensors.get(UP)!.fill(NaN, 7, 8));
    await stops(
      attempt(gpu, folder),
      /base: model\.layers\.0\.mlp\.up_proj\.weight holds NaN, exp/,
    );
    assert.deepEqual(namesIn(folder), ["base"]);
  });
});

Deno.test("a spoilt policy stops the run before the rollout counts or the checkpoint is written", async () => {
  await withFolder(async (folder) => {
    await writeBase(folder);
    const place = join(folder, "run");
    {
      using other = await requestGpu();
      const afterStep = () => other.device.destroy();
      await isLost(attempt(other, folder, { afterStep }), /^step 2: the GPU was lost/);
    }
    const good = await readCheckpoint(place);
    const spoil = async (part: (checkpoint: Checkpoint) => Checkpoint["parameters"]) => {
      const checkpoint = await readCheckpoint(place);
      part(checkpoint).get(UP)!.data.fill(NaN, 0, 1);
      await writeCheckpoint(place, checkpoint);
      return await readCheckpoint(place);
    };
    const bad = await spoil(({ parameters }) => parameters);
    await stops(
      attempt(gpu, folder, { resume: true }),
      /^step 2: the logits of token 0 of response 0 hold NaN or Inf, expected finite numbers\.$/,
    );
    assert.deepEqual(await stepsOf(folder), [1]);
    assert.deepEqual(await readCheckpoint(place), bad);

    await writeCheckpoint(place, good);
    const spoilt = await spoil(({ optimizer }) => optimizer!.firstMoments);
    await stops(
      attempt(gpu, folder, { settings: { minibatches: 1 }, resume: true }),
      /was begun with minibatches 2, expected the same/,
    );
    // The update's other minibatch, or the checkpoint, meets what the first has spoilt.
    await stops(attempt(gpu, folder, { resume: true }), /^step 2: .* hold(s|) NaN/);
    assert.deepEqual(await readCheckpoint(place), spoilt);

    await writeCheckpoint(place, good);
    await attempt(gpu, folder, { resume: true });
    assert.deepEqual(await stepsOf(folder), [1, 2, 3]);
  });
});

Deno.test("the parameter whose gradient holds NaN is named", async () => {
  using policy = createPolicy(gpu, CONFIG, initialParameters(CONFIG, 1));
  const { gradient } = policy.get(DOWN);
  gpu.write(gradient, new Float32Array(gradient.size).fill(-Infinity, 5, 6));
  await stops(
    checkNorm(policy, "the policy", NaN),
    /^the policy's gradient of model\.layers\.0\.mlp\.down_proj\.weight holds -Infinity, expected/,
  );
  await checkNorm(policy, "the policy", 3);
});
