import {
  attention,
  embedding,
  matmul,
  type Recorder,
  rmsNorm,
  rope,
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
  /** Cosines and sines of the rotary embedding. */
  readonly ropeTable: Tensor;
}

/** What the backward needs of one layer. Temporaries of the recorder. */
export interface LayerActivations {
  /** The residual stream that enters it, [N, D]. */
  readonly input: Tensor;
  /** It normalized, and one over its root mean square. */
  readonly attentionInput: Tensor;
  readonly attentionInverseRms: Tensor;
  /** Queries, keys and values, rotated, [N, heads·headSize]. */
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  /** What the attention gives, [N, H·headSize], and its log-sum-exp. */
  readonly attended: Tensor;
  readonly logSumExp: Tensor;
  /** The residual stream between attention and feed-forward, [N, D]. */
  readonly middle: Tensor;
  /** It normalized, and one over its root mean square. */
  readonly feedForwardInput: Tensor;
  readonly feedForwardInverseRms: Tensor;
  /** The two inputs of the gated unit and its result, [N, F]. */
  readonly gate: Tensor;
  readonly up: Tensor;
  readonly gated: Tensor;
}

/** What the backward needs of all layers. Temporaries of the recorder. */
export interface Activations {
  /** One for each layer. */
  readonly layers: readonly LayerActivations[];
  /** The residual stream after the last layer, [N, D], and one over its root mean square. */
  readonly output: Tensor;
  readonly inverseRms: Tensor;
  /** Hidden states: the output normalized, [N, D]. */
  readonly hidden: Tensor;
}

/** The name of a parameter of a layer. */
export function layerName(layer: number, name: string): string {
  return `model.layers.${layer}.${name}`;
}

/** Extents that follow from a configuration. */
export function extents({ config }: Policy): {
  queryHeads: number;
  keyHeads: number;
  headSize: number;
  window: { window?: number };
} {
  return {
    queryHeads: config.num_attention_heads,
    keyHeads: config.num_key_value_heads,
    headSize: config.head_dim,
    window: config.sliding_window === null ? {} : { window: config.sliding_window },
  };
}

/** x · weightᵀ + bias, as `torch.nn.Linear` of this name. */
export function linear(recorder: Recorder, policy: Policy, name: string, x: Tensor): Tensor {
  const weight = policy.get(`${name}.weight`).value;
  const bias = policy.find(`${name}.bias`)?.value;
  const out = recorder.temporary([x.shape[0]!, weight.shape[0]!]);
  matmul(recorder, {
    a: x,
    b: weight,
    out,
    transposeB: true,
    ...(bias === undefined ? {} : { bias }),
  });
  return out;
}

/** A normalization of this name; with `added`, x = residual + added is written and normalized. */
export function normalize(
  recorder: Recorder,
  policy: Policy,
  name: string,
  x: Tensor,
  added?: Tensor,
): { sum: Tensor; out: Tensor; inverseRms: Tensor } {
  const out = recorder.temporary(x.shape);
  const inverseRms = recorder.temporary([x.shape[0]!]);
  const weight = policy.get(`${name}.weight`).value;
  const epsilon = policy.config.rms_norm_eps;
  if (added === undefined) {
    rmsNorm(recorder, { x, weight, epsilon, out, inverseRms });
    return { sum: x, out, inverseRms };
  }
  const sum = recorder.temporary(x.shape);
  const residual = { before: x, after: sum };
  rmsNorm(recorder, { x: added, residual, weight, epsilon, out, inverseRms });
  return { sum, out, inverseRms };
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
  const { tokens, positions, spans, longest, ropeTable } = batch;
  const { queryHeads, keyHeads, headSize, window } = extents(policy);
  const count = tokens.size;
  const heads = (x: Tensor, number: number) => x.reshape([count, number, headSize]);
  let stream = recorder.temporary([count, policy.config.hidden_size]);
  embedding(recorder, {
    tokens,
    table: policy.get("model.embed_tokens.weight").value,
    out: stream,
  });
  let added: Tensor | undefined;
  const layers: LayerActivations[] = [];
  for (let layer = 0; layer < policy.config.num_hidden_layers; layer++) {
    const name = (part: string) => layerName(layer, part);
    const first = normalize(recorder, policy, name("input_layernorm"), stream, added);
    if (added !== undefined) recorder.recycle(added);
    const q = linear(recorder, policy, name("self_attn.q_proj"), first.out);
    const k = linear(recorder, policy, name("self_attn.k_proj"), first.out);
    const v = linear(recorder, policy, name("self_attn.v_proj"), first.out);
    rope(recorder, { x: heads(q, queryHeads), positions, table: ropeTable });
    rope(recorder, { x: heads(k, keyHeads), positions, table: ropeTable });
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
      out: heads(attended, queryHeads),
      logSumExp,
    });
    const projected = linear(recorder, policy, name("self_attn.o_proj"), attended);
    const second = normalize(
      recorder,
      policy,
      name("post_attention_layernorm"),
      first.sum,
      projected,
    );
    recorder.recycle(projected);
    const gate = linear(recorder, policy, name("mlp.gate_proj"), second.out);
    const up = linear(recorder, policy, name("mlp.up_proj"), second.out);
    const gated = recorder.temporary(gate.shape);
    swiglu(recorder, { gate, up, out: gated });
    added = linear(recorder, policy, name("mlp.down_proj"), gated);
    stream = second.sum;
    layers.push({
      input: first.sum,
      attentionInput: first.out,
      attentionInverseRms: first.inverseRms,
      q,
      k,
      v,
      attended,
      logSumExp,
      middle: second.sum,
      feedForwardInput: second.out,
      feedForwardInverseRms: second.inverseRms,
      gate,
      up,
      gated,
    });
  }
  const last = normalize(recorder, policy, "model.norm", stream, added);
  if (added !== undefined) recorder.recycle(added);
  return { layers, output: last.sum, inverseRms: last.inverseRms, hidden: last.out };
}

/** Gives the memory of activations back to the recorder, for a pass that no backward follows. */
export function recycleActivations(recorder: Recorder, { layers, ...rest }: Activations): void {
  const tensors = [...layers.flatMap((layer) => Object.values(layer)), ...Object.values(rest)];
  // The stream that leaves a layer is the one that enters the next only where nothing was added.
  for (const tensor of new Set<Tensor>(tensors)) recorder.recycle(tensor);
}
