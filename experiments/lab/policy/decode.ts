import {
  type ActiveRowsOption,
  attentionDecode,
  embedding,
  type KeyValueCache,
  matmul,
  type Recorder,
  rope,
  swiglu,
  type Tensor,
  writeCache,
} from "../../../kernels/mod.ts";
import {
  extents,
  forward,
  layerName,
  linear,
  normalize,
  operandsOf,
  queriesKeysValues,
  recycleActivations,
  type SequenceBatch,
  temporaryQkv,
} from "./forward.ts";
import { outputEmbedding, type Policy } from "./parameters.ts";

/** The keys and values of each layer so far, [B, S, KV, headSize] each. */
export type Cache = readonly KeyValueCache[];

/** Prompts of B rows, padded on the right to P = `longest` tokens each. */
export interface PromptBatch extends SequenceBatch {
  /** The last token of each prompt, among the B·P, [B] in u32. */
  readonly wanted: Tensor;
}

/** What is decoded: the rows' prompts and which of the rows have ended. */
export interface Decoding {
  /** Keys and values so far. */
  readonly cache: Cache;
  /** The first column of each prompt and the one after its last, [B, 2] in u32. */
  readonly spans: Tensor;
  /** The lengths of the prompts, [B] in u32. */
  readonly lengths: Tensor;
  /** Not 0 for rows that have ended, [B] in u32. */
  readonly done: Tensor;
  /** Those that have not, as `listActiveRows` lists them, [1 + B] in u32. */
  readonly active: Tensor;
  /** Cosines and sines of the rotary embedding, for S positions. */
  readonly ropeTable: Tensor;
}

/** One more token of each row that has not ended. */
export interface NextToken {
  /** The token, [B] in u32. */
  readonly token: Tensor;
  /** 0 for the first token after the prompts. */
  readonly step: number;
}

/** Makes room for `capacity` tokens of each of `rows` rows; temporaries of the recorder. */
export function temporaryCache(
  recorder: Recorder,
  { config }: Policy,
  rows: number,
  capacity: number,
): Cache {
  const shape = [rows, capacity, config.num_key_value_heads, config.head_dim];
  return Array.from({ length: config.num_hidden_layers }, () => ({
    keyCache: recorder.temporary(shape),
    valueCache: recorder.temporary(shape),
  }));
}

/**
 * Reads prompts into the cache.
 *
 * @returns The logits of the token after each prompt, [B, V]; a temporary.
 */
export function readPrompts(
  recorder: Recorder,
  policy: Policy,
  prompts: PromptBatch,
  cache: Cache,
): Tensor {
  const [rows, columns] = [prompts.wanted.size, prompts.longest];
  const { keyHeads, headSize } = extents(policy);
  const { hidden, ...activations } = forward(recorder, policy, prompts, (layer, k, v) => {
    const shape = [rows, columns, keyHeads, headSize];
    const [key, value] = [k.reshape(shape), v.reshape(shape)];
    writeCache(recorder, { key, value, out: cache[layer]! });
  });
  recycleActivations(recorder, activations);
  return logitsOf(recorder, policy, { hidden });
}

/**
 * Reads one more token of each row that has not ended into the cache.
 *
 * @returns The logits of the token after it, [B, V], by slots of `active`; a temporary.
 */
export function readToken(
  recorder: Recorder,
  policy: Policy,
  { cache, spans, lengths, done, active, ropeTable }: Decoding,
  { token, step }: NextToken,
): Tensor {
  const { queryHeads, keyHeads, headSize, window } = extents(policy);
  const rows = token.size;
  let stream: Tensor = recorder.temporary([rows, policy.config.hidden_size]);
  embedding(recorder, {
    tokens: token,
    table: policy.get("model.embed_tokens.weight").value,
    active,
    out: stream,
  });
  let added: Tensor | undefined;
  /** Adds what a layer gave to the stream and normalizes it; gives back the memory of both. */
  const normalizeStream = (name: string): Tensor => {
    const { sum, normalized, inverseRms } = normalize(recorder, policy, name, {
      stream,
      added,
      active,
    });
    if (added !== undefined) recorder.recycle(added);
    if (sum !== stream) recorder.recycle(stream);
    recorder.recycle(inverseRms);
    stream = sum;
    return normalized;
  };
  for (const [layer, keysAndValues] of cache.entries()) {
    const name = (part: string) => layerName(layer, part);
    const input = normalizeStream(name("input_layernorm"));
    const qkv = temporaryQkv(recorder, policy, rows);
    const [q, k, v] = queriesKeysValues(policy, qkv, rows);
    matmul(recorder, {
      a: input,
      ...operandsOf(policy, name("self_attn.qkv_proj")),
      active,
      out: [q, k, v],
    });
    recorder.recycle(input);
    rope(recorder, {
      q: q.reshape([rows, queryHeads, headSize]),
      k: k.reshape([rows, keyHeads, headSize]),
      positions: lengths,
      table: ropeTable,
      step,
      active,
    });
    const shape = [rows, 1, keyHeads, headSize];
    const after = { spans, step };
    const [key, value] = [k.reshape(shape), v.reshape(shape)];
    writeCache(recorder, { key, value, after, active, out: keysAndValues });
    const attended = recorder.temporary(q.shape);
    attentionDecode(recorder, {
      q: q.reshape([rows, queryHeads, headSize]),
      ...keysAndValues,
      spans,
      step,
      done,
      active,
      ...window,
      out: attended.reshape([rows, queryHeads, headSize]),
    });
    recorder.recycle(qkv);
    added = linear(recorder, policy, name("self_attn.o_proj"), { x: attended, active });
    recorder.recycle(attended);
    const middle = normalizeStream(name("post_attention_layernorm"));
    const gateUp = linear(recorder, policy, name("mlp.gate_up_proj"), { x: middle, active });
    recorder.recycle(middle);
    const gated = recorder.temporary([rows, policy.config.intermediate_size]);
    swiglu(recorder, { gateUp, active, out: gated });
    added = linear(recorder, policy, name("mlp.down_proj"), { x: gated, active });
    for (const tensor of [gateUp, gated]) recorder.recycle(tensor);
  }
  const hidden = normalizeStream("model.norm");
  recorder.recycle(stream);
  return logitsOf(recorder, policy, { hidden, active });
}

/** The logits of hidden states, which are given back. */
function logitsOf(
  recorder: Recorder,
  policy: Policy,
  { hidden, active }: { readonly hidden: Tensor } & ActiveRowsOption,
): Tensor {
  const weight = outputEmbedding(policy).value;
  const logits = recorder.temporary([hidden.shape[0]!, weight.shape[0]!]);
  matmul(recorder, { a: hidden, b: weight, out: logits, transposeB: true, active });
  recorder.recycle(hidden);
  return logits;
}
