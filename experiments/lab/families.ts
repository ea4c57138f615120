import { LabError } from "./errors.ts";
import { PADDED_SIZE } from "./tasks/vocabulary.ts";

/** What sets the parameters of a model; the names of Hugging Face's `config.json`. */
export interface Architecture {
  /** Which decoder it is: how its layers are written, and which class of transformers reads it. */
  readonly model_type: "qwen2" | "mistral" | "llama";
  /** Rows of the embedding. */
  readonly vocab_size: number;
  /** Width D of the residual stream. */
  readonly hidden_size: number;
  /** Width F of the gated feed-forward layers. */
  readonly intermediate_size: number;
  /** Number of layers. */
  readonly num_hidden_layers: number;
  /** Query heads H. */
  readonly num_attention_heads: number;
  /** Key and value heads KV, each for H / KV query heads. */
  readonly num_key_value_heads: number;
  /** Components of a head. */
  readonly head_dim: number;
  /** Whether the projections to queries, keys and values have a bias; those of Qwen2 always do. */
  readonly attention_bias: boolean;
  /** Whether the embedding also makes the logits, so that there is no `lm_head.weight`. */
  readonly tie_word_embeddings: boolean;
}

/** RoPE scaling of the type llama3, as in Hugging Face's `config.json`. */
export interface RopeScaling {
  /** The type. */
  readonly rope_type: "llama3";
  /** Divides low frequencies. */
  readonly factor: number;
  /** Waves longer than the original context over this are low frequencies. */
  readonly low_freq_factor: number;
  /** Waves shorter than the original context over this stay as they are; between, the two are blended. */
  readonly high_freq_factor: number;
  /** The context before the scaling, in tokens. */
  readonly original_max_position_embeddings: number;
}

/**
 * A model as Hugging Face's `config.json` describes it: transformers loads it as Qwen2ForCausalLM,
 * MistralForCausalLM or LlamaForCausalLM.
 */
export interface ModelConfig extends Architecture {
  /** The class of transformers, one name. */
  readonly architectures: readonly [string];
  /** The gate of the feed-forward layers. */
  readonly hidden_act: "silu";
  /** Added to the mean square by the normalizations. */
  readonly rms_norm_eps: number;
  /** The base of the rotary embedding's frequencies. */
  readonly rope_theta: number;
  /** Scaling of these frequencies. */
  readonly rope_scaling: RopeScaling | null;
  /** How many positions a token attends to, itself included; all before it where it is null. */
  readonly sliding_window: number | null;
  /** The longest sequence, in tokens. */
  readonly max_position_embeddings: number;
  /** Standard deviation of the initial weights. */
  readonly initializer_range: number;
}

/** A configuration that cannot be used. */
export class ConfigError extends LabError {
  /** The class, as `Error.name`. */
  override name = "ConfigError";
}

/** The names of the paper's base models, as in a run's id: family by family, from small to large. */
export const BASE_MODEL_NAMES = [
  "qwen2.5-0.5b",
  "qwen2.5-1.5b",
  "qwen2.5-3b",
  "qwen2.5-7b",
  "qwen2.5-32b",
  "mistral-7b-v0.3",
  "mistral-nemo-12b",
  "mistral-small-24b",
  "llama-3.2-3b",
  "llama-3.1-8b",
  "deepseek-math-7b",
] as const;

/** The name of a base model. */
export type BaseModelName = typeof BASE_MODEL_NAMES[number];

/** A base model of the paper and its counterpart in the lab. */
export interface BaseModel {
  /** The paper's model on the Hugging Face hub. */
  readonly repository: string;
  /** Its architecture, from its `config.json`. */
  readonly paper: Architecture;
  /** The lab's. */
  readonly lab: ModelConfig;
}

/** Parameters of the paper's models for each one of the lab's, embeddings aside. */
export const SCALE = 100_000;

/** Room for the longest prompt and response of the tasks, in tokens, and for longer ones. */
const CONTEXT = 64;

/** The class of transformers for each type. */
export const ARCHITECTURES: Readonly<Record<Architecture["model_type"], string>> = {
  qwen2: "Qwen2ForCausalLM",
  mistral: "MistralForCausalLM",
  llama: "LlamaForCausalLM",
};

const QWEN = { model_type: "qwen2", attention_bias: true } as const;
const MISTRAL = { model_type: "mistral", attention_bias: false } as const;
const LLAMA = { model_type: "llama", attention_bias: false } as const;

/**
 * The paper's base models and their counterparts. The lab's families share one ladder of widths and depths;
 * the intermediate size is the multiple of 8 (of 4 for the smallest model) that then comes closest to
 * 1 : {@linkcode SCALE}.
 */
export const BASE_MODELS: Readonly<Record<BaseModelName, BaseModel>> = {
  "qwen2.5-0.5b": baseModel("Qwen/Qwen2.5-0.5B", QWEN, {
    paper: {
      ...size({ width: 896, layers: 24, heads: 14, keyHeads: 2, head: 64, inner: 4864 }),
      vocab_size: 151936,
      tie_word_embeddings: true,
    },
    lab: size({ width: 16, layers: 2, heads: 2, keyHeads: 1, head: 8, inner: 20 }),
  }),
  "qwen2.5-1.5b": baseModel("Qwen/Qwen2.5-1.5B", QWEN, {
    paper: {
      ...size({ width: 1536, layers: 28, heads: 12, keyHeads: 2, head: 128, inner: 8960 }),
      vocab_size: 151936,
      tie_word_embeddings: true,
    },
    lab: size({ width: 24, layers: 2, heads: 3, keyHeads: 1, head: 8, inner: 72 }),
  }),
  "qwen2.5-3b": baseModel("Qwen/Qwen2.5-3B", QWEN, {
    paper: {
      ...size({ width: 2048, layers: 36, heads: 16, keyHeads: 2, head: 128, inner: 11008 }),
      vocab_size: 151936,
      tie_word_embeddings: true,
    },
    lab: size({ width: 32, layers: 3, heads: 4, keyHeads: 2, head: 8, inner: 64 }),
  }),
  "qwen2.5-7b": baseModel("Qwen/Qwen2.5-7B", QWEN, {
    paper: {
      ...size({ width: 3584, layers: 28, heads: 28, keyHeads: 4, head: 128, inner: 18944 }),
      vocab_size: 152064,
      tie_word_embeddings: false,
    },
    lab: size({ width: 48, layers: 3, heads: 3, keyHeads: 1, head: 16, inner: 104 }),
  }),
  "qwen2.5-32b": baseModel("Qwen/Qwen2.5-32B", QWEN, {
    paper: {
      ...size({ width: 5120, layers: 64, heads: 40, keyHeads: 8, head: 128, inner: 27648 }),
      vocab_size: 152064,
      tie_word_embeddings: false,
    },
    lab: size({ width: 80, layers: 4, heads: 5, keyHeads: 1, head: 16, inner: 256 }),
  }),
  "mistral-7b-v0.3": baseModel("mistralai/Mistral-7B-v0.3", MISTRAL, {
    paper: {
      ...size({ width: 4096, layers: 32, heads: 32, keyHeads: 8, head: 128, inner: 14336 }),
      vocab_size: 32768,
      tie_word_embeddings: false,
    },
    lab: size({ width: 48, layers: 3, heads: 3, keyHeads: 1, head: 16, inner: 120 }),
  }),
  "mistral-nemo-12b": baseModel("mistralai/Mistral-Nemo-Base-2407", MISTRAL, {
    paper: {
      ...size({ width: 5120, layers: 40, heads: 32, keyHeads: 8, head: 128, inner: 14336 }),
      vocab_size: 131072,
      tie_word_embeddings: false,
    },
    lab: size({ width: 64, layers: 3, heads: 4, keyHeads: 1, head: 16, inner: 136 }),
  }),
  "mistral-small-24b": baseModel("mistralai/Mistral-Small-24B-Base-2501", MISTRAL, {
    paper: {
      ...size({ width: 5120, layers: 40, heads: 32, keyHeads: 8, head: 128, inner: 32768 }),
      vocab_size: 131072,
      tie_word_embeddings: false,
    },
    lab: size({ width: 80, layers: 4, heads: 5, keyHeads: 1, head: 16, inner: 168 }),
  }),
  "llama-3.2-3b": baseModel("meta-llama/Llama-3.2-3B", LLAMA, {
    paper: {
      ...size({ width: 3072, layers: 28, heads: 24, keyHeads: 8, head: 128, inner: 8192 }),
      vocab_size: 128256,
      tie_word_embeddings: true,
    },
    lab: size({ width: 32, layers: 3, heads: 4, keyHeads: 2, head: 8, inner: 64 }),
    rope_scaling: llama3(32),
  }),
  "llama-3.1-8b": baseModel("meta-llama/Llama-3.1-8B", LLAMA, {
    paper: {
      ...size({ width: 4096, layers: 32, heads: 32, keyHeads: 8, head: 128, inner: 14336 }),
      vocab_size: 128256,
      tie_word_embeddings: false,
    },
    lab: size({ width: 48, layers: 3, heads: 3, keyHeads: 1, head: 16, inner: 120 }),
    rope_scaling: llama3(8),
  }),
  "deepseek-math-7b": baseModel("deepseek-ai/deepseek-math-7b-base", LLAMA, {
    paper: {
      ...size({ width: 4096, layers: 30, heads: 32, keyHeads: 32, head: 128, inner: 11008 }),
      vocab_size: 102400,
      tie_word_embeddings: false,
    },
    lab: size({ width: 48, layers: 3, heads: 3, keyHeads: 3, head: 16, inner: 72 }),
    rms_norm_eps: 1e-6,
  }),
};

/**
 * The lab's counterpart of a base model of the paper: 1/{@linkcode SCALE} of its parameters, embeddings
 * aside.
 *
 * @throws {ConfigError} if there is none of this name.
 */
export function modelConfig(name: string): ModelConfig {
  if (Object.hasOwn(BASE_MODELS, name)) return BASE_MODELS[name as BaseModelName].lab;
  throw new ConfigError(
    `there is no model ${JSON.stringify(name)}, expected one of ${BASE_MODEL_NAMES.join(", ")}.`,
  );
}

/**
 * The shape of every parameter by Hugging Face's name, in the order of the forward pass. Weights are
 * [outputs, inputs], as `torch.nn.Linear` stores them.
 */
export function parameterShapes(config: Architecture): Record<string, readonly number[]> {
  const { hidden_size: width, intermediate_size: inner } = config;
  const queries = config.num_attention_heads * config.head_dim;
  const keys = config.num_key_value_heads * config.head_dim;
  const shapes: Record<string, readonly number[]> = {
    "model.embed_tokens.weight": [config.vocab_size, width],
  };
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const start = `model.layers.${layer}.`;
    shapes[`${start}input_layernorm.weight`] = [width];
    for (const [name, outputs] of [["q", queries], ["k", keys], ["v", keys]] as const) {
      shapes[`${start}self_attn.${name}_proj.weight`] = [outputs, width];
      if (config.attention_bias) shapes[`${start}self_attn.${name}_proj.bias`] = [outputs];
    }
    shapes[`${start}self_attn.o_proj.weight`] = [width, queries];
    shapes[`${start}post_attention_layernorm.weight`] = [width];
    shapes[`${start}mlp.gate_proj.weight`] = [inner, width];
    shapes[`${start}mlp.up_proj.weight`] = [inner, width];
    shapes[`${start}mlp.down_proj.weight`] = [width, inner];
  }
  shapes["model.norm.weight"] = [width];
  if (!config.tie_word_embeddings) shapes["lm_head.weight"] = [config.vocab_size, width];
  return shapes;
}

/** So many layers can be compared one by one, whatever the files hold. */
const FEW_LAYERS = 1000;

/**
 * Throws if a configuration asks for more layers than there are tensors, before the list of its parameters is
 * made: a number in a small file must not make a large one.
 *
 * @param where Where the tensors are, as the sentence is to begin.
 * @throws {ConfigError} with both numbers.
 */
export function expectLayers(where: string, config: Architecture, tensors: number): void {
  if (config.num_hidden_layers <= Math.max(FEW_LAYERS, tensors)) return;
  throw new ConfigError(
    `${where} has ${tensors} tensors, expected those of num_hidden_layers, ${config.num_hidden_layers}.`,
  );
}

/**
 * The number of parameters without the two embeddings, of L layers: L (2 D H h + 2 D KV h + 3 D F + 2 D) + D,
 * and L (H + 2 KV) h more with biases, h the components of a head.
 */
export function nonEmbeddingParameters(config: Architecture): number {
  let count = 0;
  for (const [name, shape] of Object.entries(parameterShapes(config))) {
    if (name === "model.embed_tokens.weight" || name === "lm_head.weight") continue;
    count += shape.reduce((product, extent) => product * extent, 1);
  }
  return count;
}

type Size = Pick<
  Architecture,
  | "hidden_size"
  | "num_hidden_layers"
  | "num_attention_heads"
  | "num_key_value_heads"
  | "head_dim"
  | "intermediate_size"
>;

/** A size by short names: D, L, H, KV, components of a head, F. */
function size(
  { width, layers, heads, keyHeads, head, inner }: {
    width: number;
    layers: number;
    heads: number;
    keyHeads: number;
    head: number;
    inner: number;
  },
): Size {
  return {
    hidden_size: width,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: keyHeads,
    head_dim: head,
    intermediate_size: inner,
  };
}

/** The paper's factor, on the lab's context. */
function llama3(factor: number): RopeScaling {
  return {
    rope_type: "llama3",
    factor,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: CONTEXT,
  };
}

function baseModel(
  repository: string,
  family: Pick<Architecture, "model_type" | "attention_bias">,
  model: {
    paper: Size & Pick<Architecture, "vocab_size" | "tie_word_embeddings">;
    lab: Size;
    rope_scaling?: RopeScaling;
    rms_norm_eps?: number;
  },
): BaseModel {
  const isQwen = family.model_type === "qwen2";
  const isMistral = family.model_type === "mistral";
  return {
    repository,
    paper: { ...family, ...model.paper },
    lab: {
      architectures: [ARCHITECTURES[family.model_type]],
      ...family,
      vocab_size: PADDED_SIZE,
      ...model.lab,
      hidden_act: "silu",
      rms_norm_eps: model.rms_norm_eps ?? (isQwen ? 1e-6 : 1e-5),
      // The paper's models have 10⁴ to 10⁸, for contexts a thousand times as long.
      rope_theta: 1000,
      rope_scaling: model.rope_scaling ?? null,
      // Of the paper's three none has a window any more; Mistral 7B v0.1, which they come from, has.
      sliding_window: isMistral ? CONTEXT / 2 : null,
      max_position_embeddings: 2 * CONTEXT,
      // GPT-2's 0.02 at width 768; an output of a normalized input has the same scale at any width.
      initializer_range: 0.02 * Math.sqrt(768 / model.lab.hidden_size),
      tie_word_embeddings: isQwen,
    },
  };
}
