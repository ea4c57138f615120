import {
  attentionBackward,
  columnSums,
  embeddingBackward,
  matmul,
  type Recorder,
  rmsNormBackward,
  ropeBackward,
  type SideBySide,
  swigluBackward,
  type Tensor,
} from "../../../kernels/mod.ts";
import {
  type Activations,
  extents,
  layerName,
  queriesKeysValues,
  rowsAt,
  temporaryQkv,
} from "./forward.ts";
import type { Policy } from "./parameters.ts";
import type { PredictionBatch } from "./sequences.ts";

/** What {@linkcode backward} goes back through. */
export interface BackwardInput {
  /** The sequences of the forward pass. */
  readonly batch: PredictionBatch;
  /** What it kept; recycled. */
  readonly activations: Activations;
  /** Gradient of the loss with respect to the hidden states, [M, D]; a temporary, recycled. */
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
  const { tokens, positions, spans, longest, ropeTable, places } = batch;
  const { queryHeads, keyHeads, headSize, window } = extents(policy);
  const heads = (x: Tensor, number: number) => x.reshape([tokens.size, number, headSize]);
  const free = (...tensors: Tensor[]) => tensors.forEach((tensor) => recorder.recycle(tensor));
  const weight = (name: string) => policy.get(`${name}.weight`);

  /** Adds to the gradients of a linear layer; gives that of its input. */
  const linearBackward = (name: string, x: Tensor, gradOut: Tensor | SideBySide): Tensor => {
    const { value, gradient } = weight(name);
    matmul(recorder, { a: gradOut, b: x, out: gradient, transposeA: true, accumulate: true });
    const bias = policy.find(`${name}.bias`);
    if (bias !== undefined) {
      columnSums(recorder, { x: gradOut, out: bias.gradient, accumulate: true });
    }
    const out = recorder.temporary(x.shape);
    matmul(recorder, { a: gradOut, b: value, out });
    return out;
  };
  const normalizeBackward = (name: string, { gradX, ...rest }: NormalizationBackward) => {
    const { value, gradient } = weight(name);
    const out = { gradX, gradWeight: gradient };
    rmsNormBackward(recorder, { ...rest, weight: value, out });
    free(rest.inverseRms, rest.gradOut);
  };

  let stream: Tensor = recorder.temporary(activations.output.shape);
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
    const gradGateUp = recorder.temporary(own.gateUp.shape);
    swigluBackward(recorder, { gateUp: own.gateUp, gradOut: gradGated, out: gradGateUp });
    free(gradGated, own.gated, own.gateUp);
    const gradFeedForward = linearBackward(
      name("mlp.gate_up_proj"),
      own.feedForwardInput,
      gradGateUp,
    );
    free(gradGateUp, own.feedForwardInput);
    normalizeBackward(name("post_attention_layernorm"), {
      x: own.middle,
      inverseRms: own.feedForwardInverseRms,
      gradOut: gradFeedForward,
      gradX: stream,
      accumulate: true,
    });
    free(own.middle);

    let gradAttended = linearBackward(name("self_attn.o_proj"), own.goingOn, stream);
    if (own.goingOn !== own.attended) {
      const ofWanted = [gradAttended, stream];
      gradAttended = rowsAt(recorder, places, gradAttended);
      stream = rowsAt(recorder, places, stream);
      free(...ofWanted, own.goingOn);
    }
    const [q, k, v] = queriesKeysValues(policy, own.qkv, tokens.size);
    const gradQkv = temporaryQkv(recorder, policy, tokens.size);
    const [gradQ, gradK, gradV] = queriesKeysValues(policy, gradQkv, tokens.size);
    attentionBackward(recorder, {
      q: heads(q, queryHeads),
      k: heads(k, keyHeads),
      v: heads(v, keyHeads),
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
    free(gradAttended, own.attended, own.logSumExp, own.qkv);
    ropeBackward(recorder, {
      q: heads(gradQ, queryHeads),
      k: heads(gradK, keyHeads),
      positions,
      table: ropeTable,
    });
    const gradOutputs = [gradQ, gradK, gradV];
    const gradInput = linearBackward(name("self_attn.qkv_proj"), own.attentionInput, gradOutputs);
    free(gradQkv, own.attentionInput);
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
