import {
  type Architecture,
  ARCHITECTURES,
  ConfigError,
  type ModelConfig,
  type RopeScaling,
} from "./families.ts";
import { shownValue } from "../../formats/printable.ts";

type Fields = Readonly<Record<string, unknown>>;
type ModelType = Architecture["model_type"];

/**
 * Reads the content of a Hugging Face `config.json` of a Qwen2, Mistral or Llama model, old or new. A
 * missing field has the default of transformers; fields that change nothing here are left out.
 *
 * @throws {ConfigError} if a field is missing, is not what it should be, or asks for what this
 * implementation does not have.
 */
export function validateConfig(json: unknown): ModelConfig {
  const fields = asFields("the configuration", json);
  const modelType = readModelType(fields);
  const heads = readCount(fields, "num_attention_heads");
  const keyHeads = readCount(fields, "num_key_value_heads", heads);
  if (heads % keyHeads !== 0) {
    throw wrong(fields, "num_key_value_heads", `a divisor of num_attention_heads, ${heads}`);
  }
  const hiddenSize = readCount(fields, "hidden_size");
  return {
    architectures: [readArchitecture(fields, modelType)],
    model_type: modelType,
    vocab_size: readCount(fields, "vocab_size"),
    hidden_size: hiddenSize,
    intermediate_size: readCount(fields, "intermediate_size"),
    num_hidden_layers: readCount(fields, "num_hidden_layers"),
    num_attention_heads: heads,
    num_key_value_heads: keyHeads,
    head_dim: readHeadSize(fields, hiddenSize, heads),
    hidden_act: readOnly(fields, "hidden_act", "silu"),
    rms_norm_eps: readPositive(fields, "rms_norm_eps", 1e-6),
    ...readRope(fields),
    sliding_window: readWindow(fields, modelType),
    max_position_embeddings: readCount(fields, "max_position_embeddings"),
    initializer_range: readPositive(fields, "initializer_range", 0.02),
    attention_bias: readBias(fields, modelType),
    tie_word_embeddings: readFlag(fields, "tie_word_embeddings"),
  };
}

function readModelType(fields: Fields): ModelType {
  const value = fields["model_type"];
  if (typeof value === "string" && Object.hasOwn(ARCHITECTURES, value)) return value as ModelType;
  throw wrong(fields, "model_type", `one of ${Object.keys(ARCHITECTURES).join(", ")}`);
}

/** A classifier or a reward model has the type of its decoder, but another class and another head. */
function readArchitecture(fields: Fields, modelType: ModelType): string {
  const expected = ARCHITECTURES[modelType];
  const value = fields["architectures"];
  if (isMissing(value)) return expected;
  if (Array.isArray(value) && value.length === 1 && value[0] === expected) return expected;
  throw wrong(fields, "architectures", JSON.stringify([expected]));
}

function readHeadSize(fields: Fields, hiddenSize: number, heads: number): number {
  if (isMissing(fields["head_dim"]) && hiddenSize % heads !== 0) {
    throw wrong(fields, "num_attention_heads", `a divisor of hidden_size, ${hiddenSize}`);
  }
  const size = readCount(fields, "head_dim", hiddenSize / heads);
  if (size % 2 !== 0) throw new ConfigError(`head_dim is ${size}, expected an even number.`);
  return size;
}

function readRope(fields: Fields): Pick<ModelConfig, "rope_theta" | "rope_scaling"> {
  // transformers 5 moved both into one object.
  const name = isMissing(fields["rope_parameters"]) ? "rope_scaling" : "rope_parameters";
  const scaling = isMissing(fields[name]) ? {} : asFields(name, fields[name]);
  const theta = "rope_theta" in scaling ? scaling : fields;
  return {
    rope_theta: readPositive(theta, "rope_theta", 10_000),
    rope_scaling: readScaling(scaling, name),
  };
}

function readScaling(scaling: Fields, name: string): RopeScaling | null {
  const type = scaling["rope_type"] ?? scaling["type"] ?? "default";
  if (type === "default") return null;
  if (type !== "llama3") {
    throw new ConfigError(
      `the type of ${name} is ${shownValue(type)}, expected "llama3", "default" or none.`,
    );
  }
  const low = readPositive(scaling, "low_freq_factor");
  const high = readPositive(scaling, "high_freq_factor");
  if (!(high > low)) {
    throw wrong(scaling, "high_freq_factor", `more than low_freq_factor, ${low}`);
  }
  return {
    rope_type: type,
    factor: readPositive(scaling, "factor"),
    low_freq_factor: low,
    high_freq_factor: high,
    original_max_position_embeddings: readCount(scaling, "original_max_position_embeddings"),
  };
}

/** Mistral's window is in all layers; Qwen2's would be in some, and Llama has none. */
function readWindow(fields: Fields, modelType: ModelType): number | null {
  if (modelType !== "mistral") {
    readOnly(fields, "use_sliding_window", false);
    return null;
  }
  return fields["sliding_window"] === null ? null : readCount(fields, "sliding_window", 4096);
}

/** Qwen2's biases are in its code, not its configuration; Llama's would be of the output, too. */
function readBias(fields: Fields, modelType: ModelType): boolean {
  readOnly(fields, "mlp_bias", false);
  return readOnly(fields, "attention_bias", modelType === "qwen2");
}

function readCount(fields: Fields, name: string, missing?: number): number {
  const value = isMissing(fields[name]) ? missing : fields[name];
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw wrong(fields, name, "a positive whole number");
}

function readPositive(fields: Fields, name: string, missing?: number): number {
  const value = isMissing(fields[name]) ? missing : fields[name];
  if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
  throw wrong(fields, name, "a positive number");
}

function readFlag(fields: Fields, name: string): boolean {
  const value = fields[name] ?? false;
  if (typeof value === "boolean") return value;
  throw wrong(fields, name, "true or false");
}

/** A field with which only one value will do; it is also the default. */
function readOnly<const T>(fields: Fields, name: string, only: T): T {
  if (isMissing(fields[name]) || fields[name] === only) return only;
  throw wrong(fields, name, JSON.stringify(only));
}

function isMissing(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

function wrong(fields: Fields, name: string, expected: string): ConfigError {
  const value = fields[name];
  const found = value === undefined ? "missing" : shownValue(value);
  return new ConfigError(`${name} is ${found}, expected ${expected}.`);
}

function asFields(what: string, value: unknown): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new ConfigError(`${what} is ${shownValue(value)}, expected a JSON object.`);
}
