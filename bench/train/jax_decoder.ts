import { type Array as JaxArray, numpy } from "@jax-js/jax";
import type { ModelConfig } from "../../experiments/lab/families.ts";

/** Parameters by name. */
export type Parameters = Record<string, JaxArray>;

/** What the decoder reads beside its parameters; each use of an array takes it away, `.ref` keeps it. */
export interface DecoderInputs {
  /** The tokens one-hot, [B·T, V]. */
  readonly tokens: JaxArray;
  /** Cosines of the rotary embedding, [T, 1, 2, h / 2]. */
  readonly cosines: JaxArray;
  /** Sines, with the sign that the other half of a head is added with, [T, 1, 2, h / 2]. */
  readonly sines: JaxArray;
  /** 0 where a token attends to another and a large negative number where it does not, [T, T]. */
  readonly mask: JaxArray;
}

/** Extents of a batch. */
export interface Extents {
  /** B. */
  readonly rows: number;
  /** T. */
  readonly columns: number;
}

/**
 * The lab's decoder in jax-js: logits of the next tokens, [B·T, V]. Takes its arguments away, as functions of
 * jax-js do.
 */
export function decoder(
  config: ModelConfig,
  { rows, columns }: Extents,
  parameters: Parameters,
  { tokens, cosines, sines, mask }: DecoderInputs,
): JaxArray {
  const { num_attention_heads: queryHeads, num_key_value_heads: keyHeads } = config;
  const { head_dim: headSize, num_hidden_layers: layers } = config;
  const group = queryHeads / keyHeads;
  const take = (name: string) => parameters[name]!;
  const linear = (name: string, x: JaxArray): JaxArray => {
    const product = numpy.matmul(x, take(`${name}.weight`).transpose());
    const bias = parameters[`${name}.bias`];
    return bias === undefined ? product : product.add(bias);
  };
  const normalize = (name: string, x: JaxArray): JaxArray => {
    const meanSquare = numpy.mean(numpy.square(x.ref), -1, { keepdims: true });
    const root = numpy.sqrt(meanSquare.add(config.rms_norm_eps));
    return x.div(root).mul(take(`${name}.weight`));
  };
  /** [B·T, heads·h] to [B, T, heads, h], rotated. */
  const rotate = (x: JaxArray, heads: number): JaxArray => {
    const pairs = x.reshape([rows, columns, heads, 2, headSize / 2]);
    const rotated = numpy.flip(pairs.ref, -2).mul(sines.ref);
    return pairs.mul(cosines.ref).add(rotated).reshape([rows, columns, heads, headSize]);
  };
  const attend = (q: JaxArray, k: JaxArray, v: JaxArray): JaxArray => {
    // [B, KV, group, T, h] and [B, KV, 1, h or T, T or h].
    const queries = rotate(q, queryHeads)
      .reshape([rows, columns, keyHeads, group, headSize])
      .transpose([0, 2, 3, 1, 4]);
    const keys = rotate(k, keyHeads)
      .reshape([rows, columns, keyHeads, 1, headSize])
      .transpose([0, 2, 3, 4, 1]);
    const values = v.reshape([rows, columns, keyHeads, 1, headSize]).transpose([0, 2, 3, 1, 4]);
    const scores = numpy.matmul(queries, keys).mul(1 / Math.sqrt(headSize)).add(mask.ref);
    const weights = numpy.exp(scores.ref.sub(numpy.max(scores, -1, { keepdims: true })));
    const attended = numpy.matmul(weights.ref, values)
      .div(numpy.sum(weights, -1, { keepdims: true }));
    return attended.transpose([0, 3, 1, 2, 4]).reshape([rows * columns, queryHeads * headSize]);
  };
  let stream = numpy.matmul(tokens, take("model.embed_tokens.weight").ref);
  for (let layer = 0; layer < layers; layer++) {
    const name = (part: string) => `model.layers.${layer}.${part}`;
    const input = normalize(name("input_layernorm"), stream.ref);
    const [q, k, v] = ["q", "k", "v"].map((which) =>
      linear(name(`self_attn.${which}_proj`), input.ref)
    );
    input.dispose();
    stream = stream.add(linear(name("self_attn.o_proj"), attend(q!, k!, v!)));
    const middle = normalize(name("post_attention_layernorm"), stream.ref);
    const gate = linear(name("mlp.gate_proj"), middle.ref);
    const up = linear(name("mlp.up_proj"), middle);
    const gated = gate.ref.div(numpy.exp(gate.neg()).add(1)).mul(up);
    stream = stream.add(linear(name("mlp.down_proj"), gated));
  }
  for (const array of [cosines, sines, mask]) array.dispose();
  const hidden = normalize("model.norm", stream);
  const embedding = take("model.embed_tokens.weight");
  const output = parameters["lm_head.weight"];
  if (output !== undefined) embedding.dispose();
  return numpy.matmul(hidden, (output ?? embedding).transpose());
}
