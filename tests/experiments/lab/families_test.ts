/** The lab's models against the paper's, and configurations of the Hugging Face hub. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Architecture,
  ARCHITECTURES,
  BASE_MODEL_NAMES,
  BASE_MODELS,
  ConfigError,
  modelConfig,
  nonEmbeddingParameters,
  parameterShapes,
  SCALE,
} from "../../../experiments/lab/families.ts";
import { initialParameters } from "../../../experiments/lab/initial_parameters.ts";
import { codeTask } from "../../../experiments/lab/tasks/code/code.ts";
import { mathTask } from "../../../experiments/lab/tasks/math/math.ts";
import { validateConfig } from "../../../experiments/lab/validate_config.ts";

/** All parameters, as the hub counts them in the models' safetensors files. */
const PUBLISHED: Record<string, number> = {
  "Qwen/Qwen2.5-0.5B": 494_032_768,
  "Qwen/Qwen2.5-1.5B": 1_543_714_304,
  "Qwen/Qwen2.5-3B": 3_085_938_688,
  "Qwen/Qwen2.5-7B": 7_615_616_512,
  "Qwen/Qwen2.5-32B": 32_763_876_352,
  "mistralai/Mistral-7B-v0.3": 7_248_023_552,
  "mistralai/Mistral-Nemo-Base-2407": 12_247_782_400,
  "mistralai/Mistral-Small-24B-Base-2501": 23_572_403_200,
  "meta-llama/Llama-3.2-3B": 3_212_749_824,
  "meta-llama/Llama-3.1-8B": 8_030_261_248,
  "deepseek-ai/deepseek-math-7b-base": 6_910_365_696,
};

/** Parameters without embeddings, in billions, as Qwen's model cards state them. */
const MODEL_CARDS: Record<string, number> = {
  "Qwen/Qwen2.5-0.5B": 0.36,
  "Qwen/Qwen2.5-1.5B": 1.31,
  "Qwen/Qwen2.5-3B": 2.77,
  "Qwen/Qwen2.5-7B": 6.53,
  "Qwen/Qwen2.5-32B": 31.0,
};

function allParameters(architecture: Architecture): number {
  return Object.values(parameterShapes(architecture))
    .reduce((sum, shape) => sum + shape.reduce((product, extent) => product * extent, 1), 0);
}

Deno.test("the paper's models have as many parameters as published", () => {
  for (const { repository, paper } of Object.values(BASE_MODELS)) {
    assert.equal(allParameters(paper), PUBLISHED[repository], repository);
    const stated = MODEL_CARDS[repository];
    if (stated === undefined) continue;
    const error = nonEmbeddingParameters(paper) / 1e9 / stated - 1;
    assert(Math.abs(error) < 0.01, `${repository}: ${error}`);
  }
});

Deno.test("each counterpart has 1 : 100,000 of the parameters within 5 %", () => {
  console.log("\nmodel              paper (B)     lab  off by   D  L  H KV  h    F");
  for (const [name, { paper, lab }] of Object.entries(BASE_MODELS)) {
    const [large, small] = [nonEmbeddingParameters(paper), nonEmbeddingParameters(lab)];
    const error = small * SCALE / large - 1;
    const columns = [
      name.padEnd(18),
      (large / 1e9).toFixed(3).padStart(9),
      String(small).padStart(7),
      `${(100 * error).toFixed(1)} %`.padStart(7),
      ...[
        lab.hidden_size,
        lab.num_hidden_layers,
        lab.num_attention_heads,
        lab.num_key_value_heads,
        lab.head_dim,
      ].map((extent) => String(extent).padStart(2)),
      String(lab.intermediate_size).padStart(4),
    ];
    console.log(columns.join(" "));
    assert(Math.abs(error) < 0.05, `${name}: ${small}, off by ${error}`);
    const step = name === "qwen2.5-0.5b" ? 4 : 8;
    for (const intermediate_size of [lab.intermediate_size - step, lab.intermediate_size + step]) {
      const other = nonEmbeddingParameters({ ...lab, intermediate_size }) * SCALE / large - 1;
      assert(Math.abs(other) > Math.abs(error), `${name} comes closer with ${intermediate_size}`);
    }
  }
  assert.equal(nonEmbeddingParameters(modelConfig("qwen2.5-0.5b")), 3600);
  assert(Math.abs(nonEmbeddingParameters(modelConfig("qwen2.5-32b")) - 310_000) < 3_100);
});

Deno.test("a larger model of a family is larger in the lab, and no less wide or deep", () => {
  for (const family of ["qwen2.5", "mistral", "llama"]) {
    const members = BASE_MODEL_NAMES.filter((name) => name.startsWith(family)).map(modelConfig);
    for (let i = 1; i < members.length; i++) {
      const [smaller, larger] = [members[i - 1]!, members[i]!];
      assert(nonEmbeddingParameters(larger) > nonEmbeddingParameters(smaller));
      assert(larger.hidden_size >= smaller.hidden_size);
      assert(larger.num_hidden_layers >= smaller.num_hidden_layers);
    }
  }
});

Deno.test("the extents suit kernels, and each family is what it should be", () => {
  for (const name of BASE_MODEL_NAMES) {
    const { paper, lab } = BASE_MODELS[name];
    assert.equal(lab.hidden_size % 8, 0, name);
    assert.equal(lab.intermediate_size % (name === "qwen2.5-0.5b" ? 4 : 8), 0, name);
    assert([8, 16, 32].includes(lab.head_dim), name);
    assert.equal(lab.num_attention_heads * lab.head_dim, lab.hidden_size, name);
    assert(lab.num_hidden_layers >= 2, name);
    assert(lab.intermediate_size >= lab.hidden_size, name);

    assert.equal(lab.model_type, paper.model_type, name);
    assert.deepEqual(lab.architectures, [ARCHITECTURES[lab.model_type]]);
    const isGrouped = lab.num_key_value_heads < lab.num_attention_heads;
    assert.equal(isGrouped, paper.num_key_value_heads < paper.num_attention_heads, name);
    const is = (family: string) => name.startsWith(family);
    assert.equal(isGrouped, !is("deepseek"), name);
    assert.equal(lab.attention_bias, is("qwen"), name);
    assert.equal(lab.tie_word_embeddings, is("qwen"), name);
    assert.equal(lab.sliding_window !== null, is("mistral"), name);
    assert.equal(lab.rope_scaling !== null, is("llama"), name);
  }
});

Deno.test("the vocabulary and the longest sequence are those of the tasks", () => {
  for (const task of [mathTask(), codeTask()]) {
    const longest = task.maxPromptTokens + task.maxResponseTokens;
    for (const name of BASE_MODEL_NAMES) {
      const config = modelConfig(name);
      assert.equal(config.vocab_size, task.tokenizer.paddedSize);
      assert(longest <= config.max_position_embeddings);
      const window = config.sliding_window;
      assert(window === null || window < longest, "a window that is never reached");
      assert((config.rope_scaling?.original_max_position_embeddings ?? longest) >= longest);
    }
  }
});

Deno.test("an unknown model is named, and so are the known ones", () => {
  for (const name of ["qwen2.5-8b", "toString", ""]) {
    assert.throws(() => modelConfig(name), (error) => {
      assert(error instanceof ConfigError);
      assert(
        error.message.startsWith(`there is no model ${JSON.stringify(name)}, expected one of`),
      );
      for (const known of BASE_MODEL_NAMES) assert(error.message.includes(known), known);
      return true;
    });
  }
});

Deno.test("the parameters have the names and shapes of transformers", () => {
  const shapes = parameterShapes(modelConfig("qwen2.5-3b"));
  const first = Object.entries(shapes).slice(0, 14);
  assert.deepEqual(first, [
    ["model.embed_tokens.weight", [32, 32]],
    ["model.layers.0.input_layernorm.weight", [32]],
    ["model.layers.0.self_attn.q_proj.weight", [32, 32]],
    ["model.layers.0.self_attn.q_proj.bias", [32]],
    ["model.layers.0.self_attn.k_proj.weight", [16, 32]],
    ["model.layers.0.self_attn.k_proj.bias", [16]],
    ["model.layers.0.self_attn.v_proj.weight", [16, 32]],
    ["model.layers.0.self_attn.v_proj.bias", [16]],
    ["model.layers.0.self_attn.o_proj.weight", [32, 32]],
    ["model.layers.0.post_attention_layernorm.weight", [32]],
    ["model.layers.0.mlp.gate_proj.weight", [64, 32]],
    ["model.layers.0.mlp.up_proj.weight", [64, 32]],
    ["model.layers.0.mlp.down_proj.weight", [32, 64]],
    ["model.layers.1.input_layernorm.weight", [32]],
  ]);
  assert.equal(Object.keys(shapes).at(-1), "model.norm.weight");
  const untied = parameterShapes(modelConfig("mistral-nemo-12b"));
  assert.deepEqual(untied["lm_head.weight"], [32, 64]);
  assert(!Object.keys(untied).some((name) => name.endsWith(".bias")));
});

Deno.test("initial parameters are as spread as documented, and follow from the seed", () => {
  for (const name of BASE_MODEL_NAMES) {
    const config = modelConfig(name);
    const parameters = initialParameters(config, 1);
    const shapes = parameterShapes(config);
    assert.deepEqual(Object.keys(parameters), Object.keys(shapes));
    for (const [tensor, values] of Object.entries(parameters)) {
      const count = shapes[tensor]!.reduce((product, extent) => product * extent, 1);
      assert.equal(values.length, count);
      if (tensor.endsWith(".bias")) assert(values.every((value) => value === 0));
      else if (tensor.endsWith("norm.weight")) assert(values.every((value) => value === 1));
      else {
        const isResidual = tensor.endsWith("o_proj.weight") || tensor.endsWith("down_proj.weight");
        const expected = config.initializer_range *
          (isResidual ? (2 * config.num_hidden_layers) ** -0.5 : 1);
        const mean = values.reduce((sum, value) => sum + value, 0) / count;
        const square = values.reduce((sum, value) => sum + value ** 2, 0) / count;
        assert(Math.abs(mean) < 5 * expected / Math.sqrt(count), `${name} ${tensor}: ${mean}`);
        const ratio = Math.sqrt(square) / expected;
        assert(Math.abs(ratio - 1) < 5 / Math.sqrt(2 * count), `${name} ${tensor}: ${ratio}`);
        const far = values.filter((value) => Math.abs(value) > expected).length / count;
        assert(Math.abs(far - 0.317) < 5 * Math.sqrt(0.317 * 0.683 / count), `${far} beyond 1 σ`);
      }
    }
    assert.deepEqual(initialParameters(config, 1), parameters);
    assert.notDeepEqual(initialParameters(config, 2), parameters);
  }
});

/** What the hub's configurations say; the fields that matter here are complete. */
const HUB = {
  qwen: {
    architectures: ["Qwen2ForCausalLM"],
    attention_dropout: 0.0,
    bos_token_id: 151643,
    eos_token_id: 151643,
    hidden_act: "silu",
    hidden_size: 896,
    initializer_range: 0.02,
    intermediate_size: 4864,
    max_position_embeddings: 32768,
    max_window_layers: 24,
    model_type: "qwen2",
    num_attention_heads: 14,
    num_hidden_layers: 24,
    num_key_value_heads: 2,
    rms_norm_eps: 1e-06,
    rope_theta: 1000000.0,
    sliding_window: 32768,
    tie_word_embeddings: true,
    torch_dtype: "bfloat16",
    transformers_version: "4.40.1",
    use_cache: true,
    use_mrope: false,
    use_sliding_window: false,
    vocab_size: 151936,
  },
  nemo: {
    architectures: ["MistralForCausalLM"],
    attention_dropout: 0.0,
    bos_token_id: 1,
    eos_token_id: 2,
    head_dim: 128,
    hidden_act: "silu",
    hidden_size: 5120,
    initializer_range: 0.02,
    intermediate_size: 14336,
    max_position_embeddings: 128000,
    model_type: "mistral",
    num_attention_heads: 32,
    num_hidden_layers: 40,
    num_key_value_heads: 8,
    rms_norm_eps: 1e-05,
    rope_theta: 1000000.0,
    sliding_window: null,
    tie_word_embeddings: false,
    torch_dtype: "bfloat16",
    transformers_version: "4.43.3",
    use_cache: true,
    vocab_size: 131072,
  },
  llama: {
    architectures: ["LlamaForCausalLM"],
    attention_bias: false,
    attention_dropout: 0.0,
    bos_token_id: 128000,
    eos_token_id: 128001,
    head_dim: 128,
    hidden_act: "silu",
    hidden_size: 3072,
    initializer_range: 0.02,
    intermediate_size: 8192,
    max_position_embeddings: 131072,
    mlp_bias: false,
    model_type: "llama",
    num_attention_heads: 24,
    num_hidden_layers: 28,
    num_key_value_heads: 8,
    pretraining_tp: 1,
    rms_norm_eps: 1e-05,
    rope_scaling: {
      factor: 32.0,
      high_freq_factor: 4.0,
      low_freq_factor: 1.0,
      original_max_position_embeddings: 8192,
      rope_type: "llama3",
    },
    rope_theta: 500000.0,
    tie_word_embeddings: true,
    torch_dtype: "bfloat16",
    transformers_version: "4.45.0.dev0",
    use_cache: true,
    vocab_size: 128256,
  },
};

Deno.test("configurations of the hub are read, and count the parameters of their models", () => {
  const pairs = [
    [HUB.qwen, "qwen2.5-0.5b"],
    [HUB.nemo, "mistral-nemo-12b"],
    [HUB.llama, "llama-3.2-3b"],
  ] as const;
  for (const [json, name] of pairs) {
    const config = validateConfig(json);
    const { paper } = BASE_MODELS[name];
    assert.deepEqual(parameterShapes(config), parameterShapes(paper));
    assert.equal(config.rope_theta, json.rope_theta);
    assert.equal(config.sliding_window, null);
  }
  assert.deepEqual(validateConfig(HUB.llama).rope_scaling, HUB.llama.rope_scaling);
  const { rope_theta, rope_scaling, ...rest } = HUB.llama;
  const rope_parameters = { ...rope_scaling, rope_theta };
  assert.deepEqual(validateConfig({ ...rest, rope_parameters }), validateConfig(HUB.llama));
});

Deno.test("the lab's configurations pass their own validation unchanged", () => {
  for (const name of BASE_MODEL_NAMES) {
    const config = modelConfig(name);
    assert.deepEqual(validateConfig(JSON.parse(JSON.stringify(config))), config);
  }
});

Deno.test("missing fields have the defaults of transformers", () => {
  const { num_hidden_layers, num_attention_heads, hidden_size, intermediate_size } = HUB.nemo;
  const least = {
    model_type: "mistral",
    vocab_size: 32000,
    num_hidden_layers,
    num_attention_heads,
    hidden_size,
    intermediate_size,
    max_position_embeddings: 4096,
  };
  const config = validateConfig(least);
  assert.equal(config.num_key_value_heads, num_attention_heads);
  assert.equal(config.head_dim, 160);
  assert.equal(config.rms_norm_eps, 1e-6);
  assert.equal(config.rope_theta, 10_000);
  assert.equal(config.rope_scaling, null);
  assert.equal(config.sliding_window, 4096);
  assert.equal(config.tie_word_embeddings, false);
  assert.equal(validateConfig({ ...least, model_type: "llama" }).sliding_window, null);
  assert.equal(validateConfig({ ...least, model_type: "qwen2" }).attention_bias, true);
});

Deno.test("a configuration that cannot be used is told by field and value", () => {
  const llama3 = HUB.llama.rope_scaling;
  const cases: [object, RegExp][] = [
    [{ model_type: "gpt2" }, /^model_type is "gpt2", expected one of qwen2, mistral, llama\.$/],
    [{ model_type: undefined }, /^model_type is missing, expected one of/],
    [
      { architectures: ["LlamaForSequenceClassification"] },
      /^architectures is \["LlamaForSequenceClassification"\], expected \["LlamaForCausalLM"\]\.$/,
    ],
    [{ hidden_size: undefined }, /^hidden_size is missing, expected a positive whole number\.$/],
    [{ hidden_size: "3072" }, /^hidden_size is "3072", expected a positive whole number\.$/],
    [{ vocab_size: 0 }, /^vocab_size is 0,/],
    [{ num_hidden_layers: 2.5 }, /^num_hidden_layers is 2\.5,/],
    [
      { num_key_value_heads: 7 },
      /^num_key_value_heads is 7, expected a divisor of num_attention_heads, 24\.$/,
    ],
    [{ head_dim: 127 }, /^head_dim is 127, expected an even number\.$/],
    [
      { head_dim: null, hidden_size: 3000, num_attention_heads: 32 },
      /^num_attention_heads is 32, expected a divisor of hidden_size, 3000\.$/,
    ],
    [{ hidden_act: "gelu" }, /^hidden_act is "gelu", expected "silu"\.$/],
    [{ rms_norm_eps: -1 }, /^rms_norm_eps is -1, expected a positive number\.$/],
    [{ attention_bias: true }, /^attention_bias is true, expected false\.$/],
    [{ mlp_bias: true }, /^mlp_bias is true, expected false\.$/],
    [{ tie_word_embeddings: 1 }, /^tie_word_embeddings is 1, expected true or false\.$/],
    [{ rope_scaling: "linear" }, /^rope_scaling is "linear", expected a JSON object\.$/],
    [
      { rope_scaling: { type: "yarn", factor: 4 } },
      /^the type of rope_scaling is "yarn", expected "llama3", "default" or none\.$/,
    ],
    [{ rope_scaling: { ...llama3, factor: "8" } }, /^factor is "8", expected a positive number\.$/],
    [
      { rope_scaling: { ...llama3, high_freq_factor: 1 } },
      /^high_freq_factor is 1, expected more than low_freq_factor, 1\.$/,
    ],
    [{ use_sliding_window: true }, /^use_sliding_window is true, expected false\.$/],
  ];
  const check = (json: unknown, message: RegExp) =>
    assert.throws(
      () => validateConfig(json),
      (error) => error instanceof ConfigError && message.test(error.message),
      String(message),
    );
  for (const [change, message] of cases) check({ ...HUB.llama, ...change }, message);
  check({ ...HUB.qwen, attention_bias: false }, /^attention_bias is false, expected true\.$/);
  check({ ...HUB.nemo, sliding_window: 0 }, /^sliding_window is 0, expected a positive whole/);
  check([], /^the configuration is \[\], expected a JSON object\.$/);
});

Deno.test("any JSON is a configuration or told why not", () => {
  const damaged = fc.tuple(
    fc.constantFrom(...Object.values(HUB)),
    fc.dictionary(
      fc.constantFrom(...Object.keys(HUB.llama), "rope_parameters"),
      fc.jsonValue({ maxDepth: 2 }),
      { maxKeys: 3 },
    ),
  ).map(([json, change]) => ({ ...json, ...change }));
  fc.assert(
    fc.property(fc.oneof(damaged, fc.jsonValue()), (json) => {
      try {
        validateConfig(json);
      } catch (error) {
        assert(error instanceof ConfigError, String(error));
        assert.match(error.message, /^[^\n]+, expected [^\n]+\.$/);
      }
    }),
    { numRuns: 2000, seed: 1 },
  );
});
