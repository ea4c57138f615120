/** The whole decoder against a float64 model, finite differences, and Hugging Face's transformers. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  BASE_MODEL_NAMES,
  type ModelConfig,
  modelConfig,
} from "../../../experiments/lab/families.ts";
import { initialParameters } from "../../../experiments/lab/initial_parameters.ts";
import {
  type GradientArrays,
  zeroGradients,
} from "../../../experiments/lab/policy/backward_reference.ts";
import { forward, recycleActivations } from "../../../experiments/lab/policy/forward.ts";
import { forwardReference } from "../../../experiments/lab/policy/forward_reference.ts";
import { createPolicy, outputEmbedding } from "../../../experiments/lab/policy/parameters.ts";
import { predictionReference } from "../../../experiments/lab/policy/prediction_reference.ts";
import { rollout } from "../../../experiments/lab/policy/rollout.ts";
import {
  atResponses,
  predictionBatch,
  type Sequence,
} from "../../../experiments/lab/policy/sequences.ts";
import { predict, update } from "../../../experiments/lab/policy/update.ts";
import { numericalGradient } from "../../../kernels/conformance/numerical_gradient.ts";
import { matmul, matmulReference, requestGpu } from "../../../kernels/mod.ts";
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

/** Upstream gradients of a response's tokens, other for each. */
const gradLogProbOf = (row: number, token: number) => Math.sin(5 * row + 3 * token + 1);
const gradEntropyOf = (row: number, token: number) => Math.cos(7 * row + 2 * token);
const TEMPERATURE = 0.8;

/** What the gradients are of: log-probs and entropies weighted by these. */
function objective(config: ModelConfig, values: Readonly<Record<string, Float64Array>>): number {
  let sum = 0;
  for (const [row, sequence] of SEQUENCES.entries()) {
    const { logProb, entropy } = predictionReference(config, values, sequence, TEMPERATURE);
    for (const i of logProb.keys()) {
      sum += gradLogProbOf(row, i) * logProb[i]! + gradEntropyOf(row, i) * entropy[i]!;
    }
  }
  return sum;
}

function gradientsReference(
  config: ModelConfig,
  values: Readonly<Record<string, Float64Array>>,
): GradientArrays {
  const gradients = zeroGradients(config);
  for (const [row, sequence] of SEQUENCES.entries()) {
    const tokens = Array.from(sequence.response, (_, i) => i);
    predictionReference(config, values, sequence, TEMPERATURE).backward(
      tokens.map((i) => gradLogProbOf(row, i)),
      tokens.map((i) => gradEntropyOf(row, i)),
      gradients,
    );
  }
  return gradients;
}

/** Throws where a gradient is further from the expected than a share of its length. */
function assertGradient(
  name: string,
  actual: ArrayLike<number>,
  expected: Float64Array,
  share: number,
): void {
  const length = Math.hypot(...expected);
  const error = Math.hypot(...expected.map((value, i) => value - actual[i]!));
  assert(length > 1e-6, `${name} has no gradient`);
  assert(error <= share * length, `${name}: the gradient is off by ${error / length}`);
}

for (const [name, config] of TINY) {
  const start = parametersOf(config);
  const values = Object.fromEntries(
    Object.entries(start).map(([key, array]) => [key, Float64Array.from(array)]),
  );

  Deno.test(`${name}: the float64 backward gives the finite differences of every parameter`, () => {
    for (const [key, gradient] of Object.entries(gradientsReference(config, values))) {
      const moved = (at: Float64Array) => objective(config, { ...values, [key]: at });
      assertGradient(key, gradient, numericalGradient(moved, values[key]!), 1e-7);
    }
  });

  Deno.test(`${name}: gradients of every parameter are those of the float64 backward`, async () => {
    using policy = createPolicy(gpu, config, start);
    using batch = predictionBatch(gpu, config, SEQUENCES);
    const { shape } = batch.mask;
    using gradLogProb = gpu.tensor(
      atResponses(SEQUENCES, batch.responseColumns, gradLogProbOf),
      shape,
    );
    using gradEntropy = gpu.tensor(
      atResponses(SEQUENCES, batch.responseColumns, gradEntropyOf),
      shape,
    );
    using norm = gpu.empty([2]);
    const recorder = gpu.record();
    const prediction = predict(recorder, policy, batch, TEMPERATURE);
    using _ = prediction.statistics;
    // A step of no length: only the gradients are wanted.
    const still = { learningRate: 0, beta1: 0.9, beta2: 0.9, epsilon: 1, weightDecay: 0 };
    const settings = { ...still, maxGradientNorm: Infinity };
    update(recorder, policy, {
      batch,
      prediction,
      gradients: { gradLogProb, gradEntropy },
      settings,
      step: 1,
      norm,
      temperature: TEMPERATURE,
    });
    const { parameters } = policy;
    const read = await recorder.read(...parameters.map(({ gradient }) => gradient));
    const expected = gradientsReference(config, values);
    for (const [p, { name: key }] of parameters.entries()) {
      assertGradient(key, read[p]!, expected[key]!, 3e-6);
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
    const lab = modelConfig(name);
    // The window that the logits were made with.
    const config = lab.sliding_window === null ? lab : { ...lab, sliding_window: 48 };
    using policy = createPolicy(gpu, config, initialParameters(config, 1));
    // Hidden states are those of tokens that predict a response token; the last is only predicted.
    const [first, ...rest] = golden.tokens;
    const sequence = { prompt: [first!], response: [...rest, 0] };
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
        Math.abs(read[i]! - expected) <= 2e-5 * (1 + Math.abs(expected)),
        `${name}: logit ${i} is ${read[i]}, transformers has ${expected}`,
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
        assert(Math.abs(logProb[at]! - response.logProb[i]!) < 1e-4, name);
        assert(Math.abs(entropy[at]! - response.entropy[i]!) < 1e-4, name);
      }
      const ends = response.tokens.indexOf(1);
      assert(ends === -1 ? response.tokens.length === 20 : ends === response.tokens.length - 1);
    }
  }
});

Deno.test("responses that end leave the others as they are, bit by bit", async () => {
  for (const name of ["qwen2.5-7b", "mistral-7b-v0.3"]) {
    const config = modelConfig(name);
    using policy = createPolicy(gpu, config, initialParameters(config, 2));
    const prompts = Array.from({ length: 40 }, (_, i) => [2 + i % 15, 3 + i % 4].slice(i % 2));
    const settings = { maxTokens: 20, temperature: 1, seed: 5, stream: 1, pad: 0 };
    const endless = await rollout(policy, prompts, { ...settings, end: config.vocab_size });
    const ending = await rollout(policy, prompts, { ...settings, end: 1 });
    assert(new Set(ending.map(({ tokens }) => tokens.length)).size > 3);
    for (const [row, { tokens, logProb, entropy }] of ending.entries()) {
      const whole = endless[row]!;
      assert.deepEqual(tokens, whole.tokens.slice(0, tokens.length));
      assert.deepEqual(logProb, whole.logProb.slice(0, tokens.length));
      assert.deepEqual(entropy, whole.entropy.slice(0, tokens.length));
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
    const { hidden } = forwardReference(config, values, {
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
