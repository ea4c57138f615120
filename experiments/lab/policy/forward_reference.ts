import {
  attentionReference,
  embeddingReference,
  matmulReference,
  rmsNormReference,
  ropeReference,
  swigluReference,
} from "../../../kernels/mod.ts";
import { type ModelConfig, parameterShapes } from "../families.ts";
import { layerName } from "./forward.ts";
import { ropeSettings } from "./rope_settings.ts";

/** B sequences of N tokens on the CPU; see {@linkcode SequenceBatch}. */
export interface SequenceArrays {
  /** The tokens, N. */
  readonly tokens: ArrayLike<number>;
  /** Each token's position in its sequence, N. */
  readonly positions: ArrayLike<number>;
  /** The first token of each sequence, and the one after its last, B·2. */
  readonly spans: ArrayLike<number>;
}

/** A decoder's parameters on the CPU, row-major, by Hugging Face's names. */
export type ParameterArrays = Readonly<Record<string, ArrayLike<number>>>;

/** What the backward needs of one layer, as in {@linkcode LayerActivations}. */
export interface LayerArrays {
  /** The residual stream that enters it, N·D. */
  readonly input: Float64Array;
  /** It normalized, N·D. */
  readonly attentionInput: Float64Array;
  /** Queries, rotated, N·H·headSize. */
  readonly q: Float64Array;
  /** Keys, rotated, N·KV·headSize. */
  readonly k: Float64Array;
  /** Values, N·KV·headSize. */
  readonly v: Float64Array;
  /** What the attention gives, N·H·headSize. */
  readonly attended: Float64Array;
  /** The residual stream between attention and feed-forward, N·D. */
  readonly middle: Float64Array;
  /** It normalized, N·D. */
  readonly feedForwardInput: Float64Array;
  /** What goes through the sigmoid of the gated unit, N·F. */
  readonly gate: Float64Array;
  /** The other input of the gated unit, N·F. */
  readonly up: Float64Array;
  /** The result of the gated unit, N·F. */
  readonly gated: Float64Array;
}

/** What the backward needs of all layers, as in {@linkcode Activations}. */
export interface ActivationArrays {
  /** One for each layer. */
  readonly layers: readonly LayerArrays[];
  /** The residual stream after the last layer, N·D. */
  readonly output: Float64Array;
  /** Hidden states: the output normalized, N·D. */
  readonly hidden: Float64Array;
}

/** The decoder in float64, up to its hidden states: the definition that {@linkcode forward} is held to. */
export function forwardReference(
  config: ModelConfig,
  values: ParameterArrays,
  { tokens, positions, spans }: SequenceArrays,
): ActivationArrays {
  const shapes = parameterShapes(config);
  const count = tokens.length;
  const { num_attention_heads: queryHeads, num_key_value_heads: keyHeads } = config;
  const { head_dim: headSize, hidden_size: width, sliding_window: window } = config;
  const linear = (name: string, x: ArrayLike<number>) => {
    const [n, k] = shapes[`${name}.weight`] as [number, number];
    const bias = values[`${name}.bias`];
    return matmulReference({
      a: x,
      b: values[`${name}.weight`]!,
      m: count,
      n,
      k,
      transposeB: true,
      ...(bias === undefined ? {} : { bias }),
    });
  };
  const normalize = (name: string, x: ArrayLike<number>) =>
    rmsNormReference({ x, weight: values[`${name}.weight`]!, epsilon: config.rms_norm_eps });
  const rotate = (x: ArrayLike<number>, heads: number) =>
    ropeReference({ x, positions, heads, settings: ropeSettings(config) });
  const add = (x: Float64Array, y: Float64Array) => x.map((value, i) => value + y[i]!);

  let stream = embeddingReference(tokens, values["model.embed_tokens.weight"]!, width);
  const layers: LayerArrays[] = [];
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const name = (part: string) => layerName(layer, part);
    const input = stream;
    const attentionInput = normalize(name("input_layernorm"), input);
    const q = rotate(linear(name("self_attn.q_proj"), attentionInput), queryHeads);
    const k = rotate(linear(name("self_attn.k_proj"), attentionInput), keyHeads);
    const v = linear(name("self_attn.v_proj"), attentionInput);
    const { attended } = attentionReference({
      q,
      k,
      v,
      spans,
      queryHeads,
      keyHeads,
      headSize,
      ...(window === null ? {} : { window }),
    });
    const middle = add(input, linear(name("self_attn.o_proj"), attended));
    const feedForwardInput = normalize(name("post_attention_layernorm"), middle);
    const gate = linear(name("mlp.gate_proj"), feedForwardInput);
    const up = linear(name("mlp.up_proj"), feedForwardInput);
    const gated = swigluReference(gate, up);
    stream = add(middle, linear(name("mlp.down_proj"), gated));
    layers.push({
      input,
      attentionInput,
      q,
      k,
      v,
      attended,
      middle,
      feedForwardInput,
      gate,
      up,
      gated,
    });
  }
  return { layers, output: stream, hidden: normalize("model.norm", stream) };
}
