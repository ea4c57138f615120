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

/** The decoder's hidden states in float64, N·D: the definition that {@linkcode forward} is held to. */
export function forwardReference(
  config: ModelConfig,
  values: Readonly<Record<string, ArrayLike<number>>>,
  { tokens, positions, spans }: SequenceArrays,
): Float64Array {
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
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const name = (part: string) => layerName(layer, part);
    const input = normalize(name("input_layernorm"), stream);
    const { out } = attentionReference({
      q: rotate(linear(name("self_attn.q_proj"), input), queryHeads),
      k: rotate(linear(name("self_attn.k_proj"), input), keyHeads),
      v: linear(name("self_attn.v_proj"), input),
      spans,
      queryHeads,
      keyHeads,
      headSize,
      ...(window === null ? {} : { window }),
    });
    stream = add(stream, linear(name("self_attn.o_proj"), out));
    const middle = normalize(name("post_attention_layernorm"), stream);
    const gate = linear(name("mlp.gate_proj"), middle);
    const up = linear(name("mlp.up_proj"), middle);
    stream = add(stream, linear(name("mlp.down_proj"), swigluReference(gate, up)));
  }
  return normalize("model.norm", stream);
}
