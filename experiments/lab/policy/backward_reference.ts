import {
  attentionBackwardReference,
  columnSumsReference,
  embeddingBackwardReference,
  matmulReference,
  rmsNormBackwardReference,
  ropeReference,
  swigluBackwardReference,
} from "../../../kernels/mod.ts";
import { type ModelConfig, parameterShapes } from "../families.ts";
import { layerName } from "./forward.ts";
import type { ActivationArrays, ParameterArrays, SequenceArrays } from "./forward_reference.ts";
import { ropeSettings } from "./rope_settings.ts";

/** The gradient of every parameter, row-major, by Hugging Face's names. */
export type GradientArrays = Readonly<Record<string, Float64Array>>;

/** Gradients of zero of all parameters of an architecture. */
export function zeroGradients(config: ModelConfig): GradientArrays {
  return Object.fromEntries(
    Object.entries(parameterShapes(config)).map(([name, shape]) => [
      name,
      new Float64Array(shape.reduce((product, extent) => product * extent, 1)),
    ]),
  );
}

/** What {@linkcode backwardReference} goes back through. */
export interface BackwardReferenceInput {
  /** The sequences of the forward pass. */
  readonly sequence: SequenceArrays;
  /** What it kept. */
  readonly activations: ActivationArrays;
  /** Gradient of the loss with respect to the hidden states, N·D. */
  readonly gradHidden: Float64Array;
  /** The gradients of all parameters, which are added to. */
  readonly gradients: GradientArrays;
}

/**
 * The backward pass of {@linkcode forwardReference} in float64, the definition that {@linkcode backward} is held
 * to: adds to the gradient of every parameter but the output embedding's share.
 */
export function backwardReference(
  config: ModelConfig,
  values: ParameterArrays,
  { sequence, activations, gradHidden, gradients }: BackwardReferenceInput,
): void {
  const { tokens, positions, spans } = sequence;
  const { layers, output } = activations;
  const shapes = parameterShapes(config);
  const count = tokens.length;
  const { num_attention_heads: queryHeads, num_key_value_heads: keyHeads } = config;
  const { head_dim: headSize, hidden_size: width, sliding_window: window } = config;
  const addTo = (name: string, gradient: Float64Array) => {
    const sum = gradients[name]!;
    for (let i = 0; i < sum.length; i++) sum[i]! += gradient[i]!;
  };
  const linearBackward = (name: string, x: ArrayLike<number>, gradOut: Float64Array) => {
    const weight = `${name}.weight`;
    const [outputs, inputs] = shapes[weight] as [number, number];
    addTo(
      weight,
      matmulReference({ a: gradOut, b: x, m: outputs, n: inputs, k: count, transposeA: true }),
    );
    if (`${name}.bias` in shapes) addTo(`${name}.bias`, columnSumsReference(gradOut, outputs));
    return matmulReference({ a: gradOut, b: values[weight]!, m: count, n: inputs, k: outputs });
  };
  const normalizeBackward = (name: string, x: Float64Array, gradOut: Float64Array) => {
    const weight = values[`${name}.weight`]!;
    const { gradX, gradWeight } = rmsNormBackwardReference(
      { x, weight, epsilon: config.rms_norm_eps },
      gradOut,
    );
    addTo(`${name}.weight`, gradWeight);
    return gradX;
  };
  const rotateBack = (x: Float64Array, heads: number) =>
    ropeReference({ x, positions, heads, settings: ropeSettings(config), direction: -1 });
  const sum = (first: Float64Array, ...others: Float64Array[]) =>
    first.map((value, i) => others.reduce((total, other) => total + other[i]!, value));

  let stream = normalizeBackward("model.norm", output, gradHidden);
  for (const [layer, own] of [...layers.entries()].reverse()) {
    const name = (part: string) => layerName(layer, part);
    const gradGated = linearBackward(name("mlp.down_proj"), own.gated, stream);
    const { gradGate, gradUp } = swigluBackwardReference(own.gate, own.up, gradGated);
    const gradFeedForward = sum(
      linearBackward(name("mlp.gate_proj"), own.feedForwardInput, gradGate),
      linearBackward(name("mlp.up_proj"), own.feedForwardInput, gradUp),
    );
    const feedForwardNorm = name("post_attention_layernorm");
    stream = sum(stream, normalizeBackward(feedForwardNorm, own.middle, gradFeedForward));

    const gradAttended = linearBackward(name("self_attn.o_proj"), own.attended, stream);
    const { q, k, v } = own;
    const { gradQ, gradK, gradV } = attentionBackwardReference(
      { q, k, v, spans, queryHeads, keyHeads, headSize, ...(window === null ? {} : { window }) },
      gradAttended,
    );
    const gradInput = sum(
      linearBackward(name("self_attn.q_proj"), own.attentionInput, rotateBack(gradQ, queryHeads)),
      linearBackward(name("self_attn.k_proj"), own.attentionInput, rotateBack(gradK, keyHeads)),
      linearBackward(name("self_attn.v_proj"), own.attentionInput, gradV),
    );
    stream = sum(stream, normalizeBackward(name("input_layernorm"), own.input, gradInput));
  }
  addTo(
    "model.embed_tokens.weight",
    embeddingBackwardReference(tokens, stream, config.vocab_size, width),
  );
}
