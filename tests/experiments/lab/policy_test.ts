/** The whole decoder against a float64 model, finite differences, and Hugging Face's transformers. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  BASE_MODEL_NAMES,
  type ModelConfig,
  modelConfig,
} from "../../../experiments/lab/families.ts";
import { initialParameters } from "../../../experiments/lab/initial_parameters.ts";
import { forward, recycleActivations } from "../../../experiments/lab/policy/forward.ts";
import { forwardReference } from "../../../experiments/lab/policy/forward_reference.ts";
import { createPolicy, outputEmbedding } from "../../../experiments/lab/policy/parameters.ts";
import { rollout } from "../../../experiments/lab/policy/rollout.ts";
import { predictionBatch, type Sequence } from "../../../experiments/lab/policy/sequences.ts";
import { predict, update } from "../../../experiments/lab/policy/update.ts";
import {
  matmul,
  matmulReference,
  requestGpu,
  tokenStatisticsReference,
} from "../../../kernels/mod.ts";
import { ROOT } from "../../support.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

/** Parameters far from zero, so that every part of the model matters. */
function parametersOf(config: ModelConfig): Record<string, Float32Array<ArrayBuffer>> {
  const parameters = initialParameters(config, 7);
  for (const [name, values] of Object.entries(parameters)) {
    for (let i = 0; i < values.length; i++) {
      if (name.endsWith(".bias")) values[i] = 0.3 * Math.sin(i + 1);
      else if (name.endsWith("norm.weight")) values[i] = 1 + 0.3 * Math.cos(i + 2);
    }
  }
  return parameters;
}

/** A model of each family's architecture, small enough for finite differences of every parameter. */
const TINY = ["qwen2.5-0.5b", "mistral-7b-v0.3", "llama-3.1-8b", "deepseek-math-7b"].map(
  (name): [string, ModelConfig] => {
    const config = modelConfig(name);
    return [name, {
      ...config,
      vocab_size: 7,
      hidden_size: 6,
      intermediate_size: 5,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      num_key_value_heads: config.num_key_value_heads === config.num_attention_heads ? 2 : 1,
      head_dim: 4,
      sliding_window: config.sliding_window === null ? null : 3,
    }];
  },
);

const SEQUENCES: readonly Sequence[] = [
  { prompt: [1, 4], response: [2, 5, 3] },
  { prompt: [6], response: [0] },
  { prompt: [3, 3, 2], response: [1, 6] },
];

for (const [name, config] of TINY) {
  Deno.test(`${name}: gradients of every parameter are those of the float64 model`, async () => {
    const values = parametersOf(config);
    using policy = createPolicy(gpu, config, values);
    using batch = predictionBatch(gpu, config, SEQUENCES);
    const size = batch.tokens.size;
    const [tokens, positions, spans, targets, mask, predictors] = await gpu.record().read(
      batch.tokens,
      batch.positions,
      batch.spans,
      batch.targets,
      batch.mask,
      batch.predictors,
    );
    const gradLogProbValues = Float32Array.from(mask!, (m, i) => m * Math.sin(3 * i + 1));
    const gradEntropyValues = Float32Array.from(mask!, (m, i) => m * Math.cos(2 * i));
    using gradLogProb = gpu.tensor(gradLogProbValues, batch.mask.shape);
    using gradEntropy = gpu.tensor(gradEntropyValues, batch.mask.shape);
    using norm = gpu.empty([2]);
    const recorder = gpu.record();
    const prediction = predict(recorder, policy, batch);
    using _ = prediction.statistics;
    // A step of no length: only the gradients are wanted.
    const still = { learningRate: 0, beta1: 0.9, beta2: 0.9, epsilon: 1, weightDecay: 0 };
    const settings = { ...still, maxGradientNorm: Infinity };
    const gradients = { gradLogProb, gradEntropy };
    update(recorder, policy, batch, prediction, gradients, settings, 1, norm);
    const { parameters } = policy;
    const read = await recorder.read(...parameters.map(({ gradient }) => gradient));

    const objective = (values: Readonly<Record<string, ArrayLike<number>>>) => {
      const arrays = {
        tokens: tokens!,
        positions: positions!,
        spans: spans!,
      };
      const hidden = forwardReference(config, values, arrays);
      const logits = matmulReference({
        a: hidden,
        b: values["lm_head.weight"] ?? values["model.embed_tokens.weight"]!,
        m: size,
        k: config.hidden_size,
        n: config.vocab_size,
        transposeB: true,
      });
      const { logProb, entropy } = tokenStatisticsReference({
        logits,
        targets: targets!,
        columns: config.vocab_size,
        temperature: 1,
      });
      let sum = 0;
      for (const [i, token] of predictors!.entries()) {
        if (mask![i] === 0) continue;
        sum += gradLogProbValues[i]! * logProb[token]! + gradEntropyValues[i]! * entropy[token]!;
      }
      return sum;
    };
    const at: Record<string, Float64Array> = Object.fromEntries(
      Object.entries(values).map(([key, array]) => [key, Float64Array.from(array)]),
    );
    for (const [p, { name: key }] of parameters.entries()) {
      const expected = at[key]!.map((value, i) => {
        const moved = (by: number) => {
          at[key]![i] = value + by;
          const result = objective(at);
          at[key]![i] = value;
          return result;
        };
        const h = 1e-3;
        return (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h);
      });
      const length = Math.hypot(...expected);
      const error = Math.hypot(...expected.map((value, i) => value - read[p]![i]!));
      assert(length > 1e-6, `${key} has no gradient`);
      assert(error <= 1e-4 * length, `${key}: the gradient is off by ${error / length}`);
    }
  });
}

interface GoldenDecoder {
  tokens: number[];
  models: Record<string, number[]>;
}

Deno.test("logits are those of transformers for every family", async () => {
  const path = join(ROOT, "tests/golden/decoder.json");
  const golden: GoldenDecoder = JSON.parse(await Deno.readTextFile(path));
  for (const [name, logits] of Object.entries(golden.models)) {
    const config = modelConfig(name);
    using policy = createPolicy(gpu, config, initialParameters(config, 1));
    // The last token of the sequence is only predicted, so one more is put behind.
    const sequence = { prompt: golden.tokens, response: [0] };
    using batch = predictionBatch(gpu, config, [sequence]);
    using out = gpu.empty([golden.tokens.length, config.vocab_size]);
    const recorder = gpu.record();
    const activations = forward(recorder, policy, batch);
    const b = outputEmbedding(policy).value;
    matmul(recorder, { a: activations.hidden, b, out, transposeB: true });
    recycleActivations(recorder, activations);
    const [read] = await recorder.read(out);
    for (const [i, expected] of logits.flat(2).entries()) {
      assert(
        Math.abs(read![i]! - expected) <= 2e-5 * (1 + Math.abs(expected)),
        `${name}: logit ${i} is ${read![i]}, transformers has ${expected}`,
      );
    }
  }
});

Deno.test("sampling and training agree on log-prob and entropy; the same seed writes the same", async () => {
  for (const name of BASE_MODEL_NAMES) {
    const config = modelConfig(name);
    using policy = createPolicy(gpu, config, initialParameters(config, 2));
    const prompts = Array.from(
      { length: 9 },
      (_, i) => Array.from({ length: 1 + i % 5 }, (_, j) => 2 + (3 * i + j) % 15),
    );
    const settings = { maxTokens: 20, temperature: 1, seed: 5, stream: 1, end: 1, pad: 0 };
    const responses = await rollout(policy, prompts, settings);
    const again = await rollout(policy, prompts, settings);
    assert.deepEqual(responses, again);
    const other = await rollout(policy, prompts, { ...settings, stream: 2 });
    assert.notDeepEqual(responses.map(({ tokens }) => tokens), other.map(({ tokens }) => tokens));
    const sequences = prompts.map((prompt, i) => ({ prompt, response: responses[i]!.tokens }));
    using batch = predictionBatch(gpu, config, sequences);
    const recorder = gpu.record();
    const prediction = predict(recorder, policy, batch);
    using _ = prediction.statistics;
    recycleActivations(recorder, prediction.activations);
    const [logProb, entropy] = await recorder.read(prediction.logProb, prediction.entropy);
    for (const [row, response] of responses.entries()) {
      for (const i of response.tokens.keys()) {
        const at = row * batch.responseColumns + i;
        assert(Math.abs(logProb![at]! - response.logProb[i]!) < 1e-4, name);
        assert(Math.abs(entropy![at]! - response.entropy[i]!) < 1e-4, name);
      }
      const ends = response.tokens.indexOf(1);
      assert(ends === -1 ? response.tokens.length === 20 : ends === response.tokens.length - 1);
    }
  }
});

Deno.test("greedy responses are the most likely tokens, one after the other", async () => {
  const config = modelConfig("qwen2.5-1.5b");
  const values = parametersOf(config);
  using policy = createPolicy(gpu, config, values);
  const prompt = [3, 5, 9];
  const settings = { maxTokens: 6, temperature: 0, seed: 0, stream: 0, end: 31, pad: 0 };
  const [response] = await rollout(policy, [prompt], settings);
  const written = [...prompt];
  for (const token of response!.tokens) {
    const columns = written.length;
    const hidden = forwardReference(config, values, {
      tokens: written,
      positions: written.map((_, i) => i),
      spans: [0, columns],
    });
    const logits = matmulReference({
      a: hidden.subarray((columns - 1) * config.hidden_size),
      b: values["model.embed_tokens.weight"]!,
      m: 1,
      k: config.hidden_size,
      n: config.vocab_size,
      transposeB: true,
    });
    assert.equal(token, logits.indexOf(Math.max(...logits)));
    written.push(token);
  }
});
