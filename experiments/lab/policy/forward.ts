import {
  type ActiveRowsOption,
  attention,
  embedding,
  matmul,
  type Recorder,
  rmsNorm,
  rope,
  sideBySide,
  sideBySideSize,
  swiglu,
  type Tensor,
} from "../../../kernels/mod.ts";
import type { Policy } from "./parameters.ts";

/** B sequences of N tokens in all, anywhere among those of the tensors. */
export interface SequenceBatch {
  /** The tokens, [N] in u32. */
  readonly tokens: Tensor;
  /** Each token's position in its sequence, [N] in u32. */
  readonly positions: Tensor;
  /** The first token of each sequence, and the one after its last, [B, 2] in u32. */
  readonly spans: Tensor;
  /** Tokens of the longest sequence, or more. */
  readonly longest: number;
  /** Cosines and sines of the rotary embedding, of `ropeTable`, for `longest` positions or more. */
  readonly ropeTable: Tensor;
  /** Of which tokens the hidden states are wanted, [M] in u32; of all N in their order by default. */
  readonly wanted?: Tensor;
}

/**
 * What the backward needs of one layer. Temporaries of the recorder. What comes after the last layer's attention
 * has a row for each token whose hidden state is wanted alone, M instead of N.
 */
export interface LayerActivations {
  /** The residual stream that enters it, [N, D]. */
  readonly input: Tensor;
  /** It normalized, [N, D]. */
  readonly attentionInput: Tensor;
  /** One over its root mean square, [N]. */
  readonly attentionInverseRms: Tensor;
  /** Queries and keys, rotated, and values, one after the other: see {@linkcode queriesKeysValues}. */
  readonly qkv: Tensor;
  /** What the attention gives, [N, H·headSize]. */
  readonly attended: Tensor;
  /** Its log-sum-exp, [N, H]. */
  readonly logSumExp: Tensor;
  /** The rows of what the attention gives that go on, [N, H·headSize]: the same tensor where all do. */
  readonly goingOn: Tensor;
  /** The residual stream between attention and feed-forward, [N, D]. */
  readonly middle: Tensor;
  /** It normalized, [N, D]. */
  readonly feedForwardInput: Tensor;
  /** One over its root mean square, [N]. */
  readonly feedForwardInverseRms: Tensor;
  /** What goes through the sigmoid of the gated unit, then its other input, [N, 2F]. */
  readonly gateUp: Tensor;
  /** The result of the gated unit, [N, F]. */
  readonly gated: Tensor;
}

/** What the backward needs of all layers. Temporaries of the recorder. */
export interface Activations {
  /** One for each layer. */
  readonly layers: readonly LayerActivations[];
  /** The residual stream after the last layer, [M, D]. */
  readonly output: Tensor;
  /** One over its root mean square, [M]. */
  readonly inverseRms: Tensor;
  /** Hidden states: the output normalized, [M, D]. */
  readonly hidden: Tensor;
}

/** The name of a parameter of a layer. */
export function layerName(layer: number, name: string): string {
  return `model.layers.${layer}.${name}`;
}

/** What the attention of an architecture is. */
export interface AttentionExtents {
  /** Heads of the queries, H. */
  readonly queryHeads: number;
  /** Heads of the keys, KV. */
  readonly keyHeads: number;
  /** Components of a head. */
  readonly headSize: number;
  /** The sliding window, as an option of the kernels; none where all is seen. */
  readonly window: { readonly window?: number };
}

/** What the attention of a policy is. */
export function extents({ config }: Policy): AttentionExtents {
  return {
    queryHeads: config.num_attention_heads,
    keyHeads: config.num_key_value_heads,
    headSize: config.head_dim,
    window: config.sliding_window === null ? {} : { window: config.sliding_window },
  };
}

/** What {@linkcode linear} takes. */
export interface LinearInput extends ActiveRowsOption {
  /** [N, inputs]. */
  readonly x: Tensor;
}

/** x · weightᵀ + bias, as `torch.nn.Linear` of this name: [N, outputs]; a temporary. */
export function linear(
  recorder: Recorder,
  policy: Policy,
  name: string,
  { x, active }: LinearInput,
): Tensor {
  const operands = operandsOf(policy, name);
  const out = recorder.temporary([x.shape[0]!, operands.b.shape[0]!]);
  matmul(recorder, { a: x, ...operands, active, out });
  return out;
}

/** The widths of queries, keys and values. */
function qkvWidths(policy: Policy): [number, number, number] {
  const { queryHeads, keyHeads, headSize } = extents(policy);
  return [queryHeads * headSize, keyHeads * headSize, keyHeads * headSize];
}

/** Room for queries, keys and values of N tokens, or their gradients; a temporary. */
export function temporaryQkv(recorder: Recorder, policy: Policy, tokens: number): Tensor {
  return recorder.temporary([sideBySideSize(tokens, qkvWidths(policy))]);
}

/** What it holds: queries [N, H·headSize], keys and values [N, KV·headSize]. */
export function queriesKeysValues(
  policy: Policy,
  qkv: Tensor,
  tokens: number,
): [q: Tensor, k: Tensor, v: Tensor] {
  return sideBySide(qkv, tokens, qkvWidths(policy)) as [Tensor, Tensor, Tensor];
}

/** What the linear layer of this name multiplies with and adds. */
export function operandsOf(policy: Policy, name: string) {
  const bias = policy.find(`${name}.bias`)?.value;
  return {
    b: policy.get(`${name}.weight`).value,
    transposeB: true,
    ...(bias === undefined ? {} : { bias }),
  };
}

/** The residual stream, and what the layer before gave to be added to it, [N, D] each. */
export interface Stream extends ActiveRowsOption {
  /** The residual stream. */
  readonly stream: Tensor;
  /** What is added first; undefined for nothing. */
  readonly added: Tensor | undefined;
}

/** What {@linkcode normalize} gives; temporaries. */
export interface Normalized {
  /** The residual stream with what was added, [N, D]: the one that was given where that is nothing. */
  readonly sum: Tensor;
  /** It normalized, [N, D]. */
  readonly normalized: Tensor;
  /** One over its root mean square, [N]. */
  readonly inverseRms: Tensor;
}

/** The normalization of this name. */
export function normalize(
  recorder: Recorder,
  policy: Policy,
  name: string,
  { stream, added, active }: Stream,
): Normalized {
  const normalized = recorder.temporary(stream.shape);
  const inverseRms = recorder.temporary([stream.shape[0]!]);
  const options = {
    weight: policy.get(`${name}.weight`).value,
    epsilon: policy.config.rms_norm_eps,
    active,
  };
  const out = { normalized, inverseRms };
  if (added === undefined) {
    rmsNorm(recorder, { ...options, x: stream, out });
    return { sum: stream, ...out };
  }
  const sum = recorder.temporary(stream.shape);
  rmsNorm(recorder, { ...options, x: added, residual: stream, out: { ...out, residual: sum } });
  return { sum, ...out };
}

/** Rows of a matrix, one for each index in u32; zeros for an index past its end; a temporary. */
export function rowsAt(recorder: Recorder, indices: Tensor, matrix: Tensor): Tensor<"f32"> {
  const out = recorder.temporary([indices.size, matrix.shape[1]!]);
  // A row of a table for each index, zeros for an index outside, is what an embedding is.
  embedding(recorder, { tokens: indices, table: matrix, out });
  return out;
}

/**
 * The decoder's forward pass, as Hugging Face's Qwen2, Mistral and Llama models.
 *
 * @param keepKeys Called with the rotated keys and the values of each layer, [N, KV·headSize].
 */
export function forward(
  recorder: Recorder,
  policy: Policy,
  batch: SequenceBatch,
  keepKeys: (layer: number, k: Tensor, v: Tensor) => void = () => {},
): Activations {
  const { tokens, positions, spans, longest, ropeTable, wanted } = batch;
  const { queryHeads, keyHeads, headSize, window } = extents(policy);
  const count = tokens.size;
  const heads = (x: Tensor, number: number) => x.reshape([count, number, headSize]);
  let stream: Tensor = recorder.temporary([count, policy.config.hidden_size]);
  embedding(recorder, {
    tokens,
    table: policy.get("model.embed_tokens.weight").value,
    out: stream,
  });
  let added: Tensor | undefined;
  const layers: LayerActivations[] = [];
  for (let layer = 0; layer < policy.config.num_hidden_layers; layer++) {
    const name = (part: string) => layerName(layer, part);
    const first = normalize(recorder, policy, name("input_layernorm"), { stream, added });
    if (added !== undefined) recorder.recycle(added);
    const qkv = temporaryQkv(recorder, policy, count);
    const [q, k, v] = queriesKeysValues(policy, qkv, count);
    matmul(recorder, {
      a: first.normalized,
      ...operandsOf(policy, name("self_attn.qkv_proj")),
      out: [q, k, v],
    });
    rope(recorder, {
      q: heads(q, queryHeads),
      k: heads(k, keyHeads),
      positions,
      table: ropeTable,
    });
    keepKeys(layer, k, v);
    const attended = recorder.temporary([count, queryHeads * headSize]);
    const logSumExp = recorder.temporary([count, queryHeads]);
    attention(recorder, {
      q: heads(q, queryHeads),
      k: heads(k, keyHeads),
      v: heads(v, keyHeads),
      spans,
      longest,
      ...window,
      out: { attended: heads(attended, queryHeads), logSumExp },
    });
    // Nothing after the last layer's attention looks at other tokens.
    const rows = layer === policy.config.num_hidden_layers - 1 ? wanted : undefined;
    const pick = (x: Tensor) => rows === undefined ? x : rowsAt(recorder, rows, x);
    const goingOn = pick(attended);
    const before = pick(first.sum);
    const projected = linear(recorder, policy, name("self_attn.o_proj"), { x: goingOn });
    const second = normalize(recorder, policy, name("post_attention_layernorm"), {
      stream: before,
      added: projected,
    });
    if (before !== first.sum) recorder.recycle(before);
    recorder.recycle(projected);
    const gateUp = linear(recorder, policy, name("mlp.gate_up_proj"), { x: second.normalized });
    const gated = recorder.temporary([gateUp.shape[0]!, policy.config.intermediate_size]);
    swiglu(recorder, { gateUp, out: gated });
    added = linear(recorder, policy, name("mlp.down_proj"), { x: gated });
    stream = second.sum;
    layers.push({
      input: first.sum,
      attentionInput: first.normalized,
      attentionInverseRms: first.inverseRms,
      qkv,
      attended,
      logSumExp,
      goingOn,
      middle: second.sum,
      feedForwardInput: second.normalized,
      feedForwardInverseRms: second.inverseRms,
      gateUp,
      gated,
    });
  }
  const last = normalize(recorder, policy, "model.norm", { stream, added });
  if (added !== undefined) recorder.recycle(added);
  return { layers, output: last.sum, inverseRms: last.inverseRms, hidden: last.normalized };
}

/** Gives the memory of activations back to the recorder, for a pass that no backward follows. */
export function recycleActivations(
  recorder: Recorder,
  { layers, ...rest }: Omit<Activations, "hidden"> & Partial<Activations>,
): void {
  const tensors = [...layers.flatMap((layer) => Object.values(layer)), ...Object.values(rest)];
  // The stream that leaves a layer is the one that enters the next only where nothing was added.
  for (const tensor of new Set<Tensor>(tensors)) recorder.recycle(tensor);
}
