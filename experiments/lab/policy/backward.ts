import {
  attentionBackward,
  columnSums,
  embeddingBackward,
  matmul,
  type Recorder,
  rmsNormBackward,
  ropeBackward,
  swigluBackward,
  type Tensor,
} from "../../../kernels/mod.ts";
import { type Activations, extents, layerName, type SequenceBatch } from "./forward.ts";
import type { Policy } from "./parameters.ts";

/** What {@linkcode backward} goes back through. */
export interface BackwardInput {
  /** The sequences of the forward pass. */
  readonly batch: SequenceBatch;
  /** What it kept; recycled. */
  readonly activations: Activations;
  /** Gradient of the loss with respect to the hidden states, [N, D]; a temporary, recycled. */
  readonly gradHidden: Tensor;
}

/** What goes back through one normalization. */
interface NormalizationBackward {
  readonly x: Tensor;
  readonly inverseRms: Tensor;
  readonly gradOut: Tensor;
  readonly gradX: Tensor;
  readonly accumulate: boolean;
}

/**
 * The backward pass of {@linkcode forward}: adds to the gradient of every parameter but the output embedding's
 * share, which the caller has added. Recycles what it was given as it goes.
 */
export function backward(
  recorder: Recorder,
  policy: Policy,
  { batch, activations, gradHidden }: BackwardInput,
): void {
  const { tokens, positions, spans, longest, ropeTable } = batch;
  const { queryHeads, keyHeads, headSize, window } = extents(policy);
  const heads = (x: Tensor, number: number) => x.reshape([tokens.size, number, headSize]);
  const free = (...tensors: Tensor[]) => tensors.forEach((tensor) => recorder.recycle(tensor));
  const weight = (name: string) => policy.get(`${name}.weight`);

  /** Adds to the gradients of a linear layer; gives that of its input, or adds to it. */
  const linearBackward = (name: string, x: Tensor, gradOut: Tensor, gradX?: Tensor): Tensor => {
    const { value, gradient } = weight(name);
    matmul(recorder, { a: gradOut, b: x, out: gradient, transposeA: true, accumulate: true });
    const bias = policy.find(`${name}.bias`);
    if (bias !== undefined) {
      columnSums(recorder, { x: gradOut, out: bias.gradient, accumulate: true });
    }
    const out = gradX ?? recorder.temporary(x.shape);
    matmul(recorder, { a: gradOut, b: value, out, accumulate: gradX !== undefined });
    return out;
  };
  const normalizeBackward = (name: string, { gradX, ...rest }: NormalizationBackward) => {
    const { value, gradient } = weight(name);
    const out = { gradX, gradWeight: gradient };
    rmsNormBackward(recorder, { ...rest, weight: value, out });
    free(rest.inverseRms, rest.gradOut);
  };

  const stream = recorder.temporary(activations.output.shape);
  const { output, inverseRms, hidden } = activations;
  normalizeBackward("model.norm", {
    x: output,
    inverseRms,
    gradOut: gradHidden,
    gradX: stream,
    accumulate: false,
  });
  free(hidden, output);
  for (let layer = activations.layers.length - 1; layer >= 0; layer--) {
    const own = activations.layers[layer]!;
    const name = (part: string) => layerName(layer, part);
    const gradGated = linearBackward(name("mlp.down_proj"), own.gated, stream);
    const gradGate = recorder.temporary(own.gate.shape);
    const gradUp = recorder.temporary(own.up.shape);
    swigluBackward(recorder, {
      gate: own.gate,
      up: own.up,
      gradOut: gradGated,
      out: { gradGate, gradUp },
    });
    free(gradGated, own.gated, own.gate, own.up);
    const gradFeedForward = linearBackward(name("mlp.gate_proj"), own.feedForwardInput, gradGate);
    linearBackward(name("mlp.up_proj"), own.feedForwardInput, gradUp, gradFeedForward);
    free(gradGate, gradUp, own.feedForwardInput);
    normalizeBackward(name("post_attention_layernorm"), {
      x: own.middle,
      inverseRms: own.feedForwardInverseRms,
      gradOut: gradFeedForward,
      gradX: stream,
      accumulate: true,
    });
    free(own.middle);

    const gradAttended = linearBackward(name("self_attn.o_proj"), own.attended, stream);
    const gradQ = recorder.temporary(own.q.shape);
    const gradK = recorder.temporary(own.k.shape);
    const gradV = recorder.temporary(own.v.shape);
    attentionBackward(recorder, {
      q: heads(own.q, queryHeads),
      k: heads(own.k, keyHeads),
      v: heads(own.v, keyHeads),
      spans,
      longest,
      ...window,
      attended: heads(own.attended, queryHeads),
      logSumExp: own.logSumExp,
      gradOut: heads(gradAttended, queryHeads),
      out: {
        gradQ: heads(gradQ, queryHeads),
        gradK: heads(gradK, keyHeads),
        gradV: heads(gradV, keyHeads),
      },
    });
    free(gradAttended, own.attended, own.logSumExp, own.q, own.k, own.v);
    for (const [x, number] of [[gradQ, queryHeads], [gradK, keyHeads]] as const) {
      ropeBackward(recorder, { x: heads(x, number), positions, table: ropeTable });
    }
    const gradInput = linearBackward(name("self_attn.q_proj"), own.attentionInput, gradQ);
    linearBackward(name("self_attn.k_proj"), own.attentionInput, gradK, gradInput);
    linearBackward(name("self_attn.v_proj"), own.attentionInput, gradV, gradInput);
    free(gradQ, gradK, gradV, own.attentionInput);
    normalizeBackward(name("input_layernorm"), {
      x: own.input,
      inverseRms: own.attentionInverseRms,
      gradOut: gradInput,
      gradX: stream,
      accumulate: true,
    });
    free(own.input);
  }
  embeddingBackward(recorder, {
    tokens,
    gradOut: stream,
    out: policy.get("model.embed_tokens.weight").gradient,
  });
  free(stream);
}
