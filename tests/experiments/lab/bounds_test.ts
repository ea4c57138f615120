/** Settings, configurations and policies that do not fit: refused in one sentence before any work. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { readCheckpoint, writeCheckpoint } from "../../../experiments/lab/checkpoint.ts";
import { LabError } from "../../../experiments/lab/errors.ts";
import {
  type ModelConfig,
  modelConfig,
  parameterShapes,
} from "../../../experiments/lab/families.ts";
import { initialParameters } from "../../../experiments/lab/initial_parameters.ts";
import { createPolicy } from "../../../experiments/lab/policy/parameters.ts";
import { rollout } from "../../../experiments/lab/policy/rollout.ts";
import { expectRoom, mostResponses, mostSequences } from "../../../experiments/lab/policy/room.ts";
import { loadPolicy, savePolicy } from "../../../experiments/lab/policy/saved.ts";
import {
  longestResponse,
  predictionBatch,
  type Sequence,
} from "../../../experiments/lab/policy/sequences.ts";
import { predict, update } from "../../../experiments/lab/policy/update.ts";
import { writeSafetensors } from "../../../formats/safetensors.ts";
import { trainSettings } from "../../../experiments/lab/train_settings.ts";
import { taskByName } from "../../../experiments/lab/tasks/task_by_name.ts";
import { train } from "../../../experiments/lab/train.ts";
import { validate } from "../../../experiments/lab/validation.ts";
import { validateConfig } from "../../../experiments/lab/validate_config.ts";
import { readGradientNorm, requestGpu, ropeTable, ShapeError } from "../../../kernels/mod.ts";
import { withSmallBindings } from "../../kernels/transformer/support.ts";
import { withFolder } from "../../support.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

const CONFIG = modelConfig("qwen2.5-0.5b");
const MATH = taskByName("math");

function tensorsOf(config: ModelConfig) {
  const shapes = parameterShapes(config);
  const values = Object.entries(initialParameters(config, 1));
  return new Map(values.map(([name, data]) => [name, { shape: shapes[name]!, data }]));
}

async function writeModel(folder: string, config: ModelConfig): Promise<void> {
  await writeCheckpoint(folder, { config, parameters: tensorsOf(config) });
}

Deno.test("a policy whose vocabulary is not the task's is refused, with both sizes, before anything is written", async () => {
  await withFolder(async (folder) => {
    for (const vocab_size of [8, 64, 151_936]) {
      const config = { ...CONFIG, vocab_size };
      const base = join(folder, `base ${vocab_size}`);
      await writeModel(base, config);
      const expected = `a vocabulary of ${vocab_size} tokens, expected the 32 of the task math.`;
      const run = train(gpu, trainSettings({ model: "qwen2.5-0.5b" }), {
        base,
        log: join(folder, "run.jsonl"),
        checkpoint: join(folder, "run"),
        resume: false,
        codeVersion: "0123abc",
      });
      await assert.rejects(run, { name: "LabError", message: `${base} has ${expected}` });
      await Deno.remove(base, { recursive: true });
      assert.deepEqual([...Deno.readDirSync(folder)], []);
      using policy = createPolicy(gpu, config, initialParameters(config, 1));
      await assert.rejects(validate(policy, MATH, { seed: 1, step: 0, samples: 8, all: true }), {
        name: "LabError",
        message: `the policy has ${expected}`,
      });
    }
  });
});

Deno.test("a configuration with more layers than there are tensors is told at once", async () => {
  await withFolder(async (folder) => {
    await writeModel(folder, CONFIG);
    const path = join(folder, "config.json");
    for (const num_hidden_layers of [1001, 1e9, Number.MAX_SAFE_INTEGER]) {
      await Deno.writeTextFile(path, JSON.stringify({ ...CONFIG, num_hidden_layers }));
      const started = performance.now();
      await assert.rejects(readCheckpoint(folder), {
        name: "ConfigError",
        message: `${
          join(folder, "model.safetensors")
        } has 26 tensors, expected those of num_hidden_layers, ${num_hidden_layers}.`,
      });
      assert(performance.now() - started < 1000);
    }
    // No other number makes work or memory before it was compared with the tensors.
    for (
      const name of [
        "vocab_size",
        "hidden_size",
        "intermediate_size",
        "num_attention_heads",
        "head_dim",
        "num_hidden_layers",
      ]
    ) {
      const config = { ...CONFIG, [name]: name === "num_hidden_layers" ? 1000 : 2 ** 40 };
      await Deno.writeTextFile(path, JSON.stringify(config));
      const started = performance.now();
      await assert.rejects(readCheckpoint(folder), LabError);
      assert(performance.now() - started < 1000, name);
    }
  });
});

Deno.test("two files of a model that have a tensor of one name are told", async () => {
  await withFolder(async (folder) => {
    await writeModel(folder, CONFIG);
    const parameters = tensorsOf(CONFIG);
    await Deno.remove(join(folder, "model.safetensors"));
    const name = "model.norm.weight";
    await writeSafetensors(join(folder, "a.safetensors"), parameters);
    await writeSafetensors(join(folder, "b.safetensors"), new Map([[name, parameters.get(name)!]]));
    const weight_map = Object.fromEntries(
      [...parameters.keys()].map((key) => [key, "a.safetensors"]),
    );
    await Deno.writeTextFile(
      join(folder, "model.safetensors.index.json"),
      JSON.stringify({ weight_map: { ...weight_map, [name]: "b.safetensors" } }),
    );
    await assert.rejects(readCheckpoint(folder), {
      name: "CheckpointError",
      message: `${
        join(folder, "b.safetensors")
      } has the tensor model.norm.weight, which another file of the model has as well.`,
    });
  });
});

Deno.test("a hostile value of a configuration is told in a short sentence, however deep or long", () => {
  const deep = JSON.parse("[".repeat(1e5) + "]".repeat(1e5));
  for (const value of [deep, { type: deep }, "x".repeat(1e7), "\u001b]0;x\u0007\u202e"]) {
    for (const name of ["model_type", "hidden_size", "rope_scaling", "hidden_act"]) {
      assert.throws(() => validateConfig({ ...CONFIG, [name]: value }), (error) => {
        assert(error instanceof LabError, String(error));
        assert(error.message.length < 300);
        // deno-lint-ignore no-control-regex
        assert.doesNotMatch(error.message, /[\u0000-\u001f\u202e]/);
        return true;
      });
    }
  }
});

Deno.test("a policy goes on only from a checkpoint of its own configuration", async () => {
  await withFolder(async (folder) => {
    const place = join(folder, "run");
    const other = modelConfig("qwen2.5-1.5b");
    {
      using policy = createPolicy(gpu, other, initialParameters(other, 1));
      await savePolicy(policy, place, { name: "policy", updates: 1, trainer: {} });
    }
    using policy = createPolicy(gpu, CONFIG, initialParameters(CONFIG, 1));
    await assert.rejects(loadPolicy(policy, place, z.strictObject({}), () => {}), {
      name: "LabError",
      message: `${place} is of a policy with hidden_size 24, expected 16.`,
    });
  });
});

Deno.test("settings out of their bounds are told with the bound and the reason", () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ steps: 1e9 }, /^steps is 1000000000, expected at most 1048575, since more would meet/],
    [
      { prompts: 1e6, minibatches: 8000 },
      /^minibatches is 8000, expected at most 4095, since the random numbers/,
    ],
    [{ temperature: 1e-38 }, /^temperature is 1e-38, expected at least 1e-32, since logits over/],
    [{ covarianceLow: 5 }, /^covarianceLow is 5, expected less than covarianceHigh, 5\.$/],
  ];
  for (const [settings, message] of cases) {
    assert.throws(
      () => trainSettings(settings),
      (error) => error instanceof LabError && message.test(error.message),
      String(message),
    );
  }
  assert.equal(trainSettings({ steps: 1_048_575, temperature: 1e-32 }).steps, 1_048_575);
});

Deno.test("rollouts and updates larger than the adapter's limits are told, with the largest number", () => {
  const told = (settings: Record<string, number>, message: RegExp) =>
    assert.throws(
      () => expectRoom(gpu, CONFIG, MATH, trainSettings(settings)),
      (error) => error instanceof LabError && message.test(error.message),
      String(message),
    );
  told(
    { prompts: 1e9 },
    /^prompts is 1000000000 and group 8, 8000000000 responses of a rollout, expected at most \d+, as many as fit this adapter's bindings of \d+ bytes and buffers of \d+\.$/,
  );
  told({ group: 1e12 }, /^prompts is 64 and group 1000000000000, 64000000000000 responses/);
  const most = mostResponses(gpu, CONFIG, MATH.maxPromptTokens, MATH.maxResponseTokens);
  told(
    { prompts: 1, group: most, minibatches: 1 },
    /^minibatches is 1, \d+ responses of an update/,
  );
  expectRoom(gpu, CONFIG, MATH, trainSettings({}));
});

Deno.test("as many responses and sequences as are said to fit do", async () => {
  const small = withSmallBindings(gpu, 1 << 16);
  const config = modelConfig("qwen2.5-7b");
  const [prompt, response] = [9, 6];
  const rows = mostResponses(small, config, prompt, response);
  assert(rows > 4, `${rows} responses`);
  {
    using policy = createPolicy(small, config, initialParameters(config, 1));
    const prompts = Array.from({ length: rows }, () => new Uint32Array(prompt).fill(3));
    const settings = { maxTokens: response, temperature: 1, seed: 1, stream: 0, end: 1, pad: 0 };
    const responses = await rollout(policy, prompts, settings);
    assert.equal(responses.length, rows);
    const more = Array.from({ length: 8 * rows }, () => prompts[0]!);
    await assert.rejects(rollout(policy, more, settings), ShapeError);

    const count = mostSequences(small, config, prompt + response);
    assert(count > 2, `${count} sequences`);
    const sequences = Array.from({ length: count }, (): Sequence => ({
      prompt: prompts[0]!,
      response: new Uint32Array(response).fill(4),
    }));
    using batch = predictionBatch(small, config, sequences);
    using norm = small.empty([2]);
    using gradLogProb = small.tensor(
      new Float32Array(count * longestResponse(sequences)).fill(-1),
      batch.mask.shape,
    );
    const recorder = small.record();
    const prediction = predict(recorder, policy, batch);
    const { layers, ...others } = prediction.activations;
    for (const { bytes } of [...layers, others].flatMap((held) => Object.values(held))) {
      assert(bytes <= small.device.limits.maxStorageBufferBindingSize);
    }
    using _statistics = prediction.statistics;
    update(recorder, policy, {
      batch,
      prediction,
      gradients: { gradLogProb },
      settings: {
        learningRate: 0.001,
        beta1: 0.9,
        beta2: 0.99,
        epsilon: 1e-8,
        weightDecay: 0,
        maxGradientNorm: 1,
      },
      step: 1,
      norm,
    });
    const [words] = await recorder.read(norm);
    const { norm: gradientNorm } = readGradientNorm(words);
    assert(gradientNorm > 0 && Number.isFinite(gradientNorm));
  }
  assert.equal(small.liveBytes, 0);
});

Deno.test("a rotary embedding whose angles are infinite is refused", () => {
  const scaling = {
    factor: 1e-308,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 64,
  };
  assert.throws(
    () => ropeTable(gpu, 100, { headSize: 8, theta: 10_000, scaling }),
    /^ShapeError: the rotary embedding of theta 10000 turns by .*, expected finite angles\.$/,
  );
});

Deno.test("a base model of another architecture or task is refused, with the field or both tasks named", async () => {
  await withFolder(async (folder) => {
    const base = join(folder, "base");
    const parameters = tensorsOf(CONFIG);
    await writeCheckpoint(base, { config: CONFIG, task: "math", parameters });
    const attempt = (settings: Record<string, unknown>) =>
      train(gpu, trainSettings(settings), {
        base,
        log: join(folder, "run.jsonl"),
        checkpoint: join(folder, "run"),
        resume: false,
        codeVersion: "test",
      });
    await assert.rejects(attempt({ model: "qwen2.5-7b" }), {
      message: `${base} has hidden_size 16, expected 48, that of the model qwen2.5-7b.`,
    });
    await assert.rejects(attempt({ model: "qwen2.5-0.5b", task: "code" }), {
      message: `${base} was made for the task math, expected one for code.`,
    });
    assert.deepEqual(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["base"]);
  });
});
