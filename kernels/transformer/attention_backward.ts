import { grid } from "../runtime/grid.ts";
import type { Recorder } from "../runtime/recorder.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import elementary from "../softmax/elementary.wgsl" with { type: "text" };
import {
  type AttentionInput,
  attentionLayout,
  type AttentionOutput,
  attentionParams,
  attentionShape,
  LANES,
} from "./attention.ts";
import gradientScalar from "./attention_backward_scalar.wgsl" with { type: "text" };
import gradientVec4 from "./attention_backward_vec4.wgsl" with { type: "text" };
import wide from "./attention_backward_wide.wgsl" with { type: "text" };
import held from "./attention_backward.wgsl" with { type: "text" };
import gradients from "./attention_gradients.wgsl" with { type: "text" };
import meansCode from "./attention_means.wgsl" with { type: "text" };
import memoryScalar from "./attention_memory_scalar.wgsl" with { type: "text" };
import memoryVec4 from "./attention_memory_vec4.wgsl" with { type: "text" };
import tile from "./attention_tile.wgsl" with { type: "text" };
import queryMeans from "./query_means.wgsl" with { type: "text" };
import { wholeReads } from "./row_reads.ts";
import { elementsOf, specialize } from "./shader_text.ts";
import spansCode from "./spans.wgsl" with { type: "text" };

/** What {@linkcode attentionBackward} writes. */
export interface AttentionGradients {
  /** The gradient with respect to the queries, [N, H, headSize] in f32; tokens outside the sequences are left as they are. */
  readonly gradQ: Tensor;
  /** The gradient with respect to the keys, [N, KV, headSize] in f32, likewise. */
  readonly gradK: Tensor;
  /** The gradient with respect to the values, [N, KV, headSize] in f32, likewise. */
  readonly gradV: Tensor;
}

/** What {@linkcode attentionBackward} takes: what the forward read and wrote, and the gradient of the result. */
export interface AttentionBackwardOptions extends AttentionInput, AttentionOutput {
  /** Gradient with respect to `attended`, [N, H, headSize] in f32. */
  readonly gradOut: Tensor;
  /** Where the gradients go. */
  readonly out: AttentionGradients;
}

/**
 * Gradients of {@linkcode attention}. Scores are made again from the log-sum-exp; sums run in an order that
 * depends on the shape and the spans alone. Reference: {@linkcode attentionBackwardReference}.
 *
 * @throws {ShapeError} if shapes or types do not fit, a tensor is larger than a binding, or the window is not
 * a positive whole number.
 */
export function attentionBackward(recorder: Recorder, options: AttentionBackwardOptions): void {
  const { q, k, v, spans, window, attended, logSumExp, gradOut, out } = options;
  const shape = attentionShape(options);
  expectTensor("attended", attended, "f32", q.shape);
  expectTensor("logSumExp", logSumExp, "f32", q.shape.slice(0, 2));
  expectTensor("gradOut", gradOut, "f32", q.shape);
  expectTensor("out.gradQ", out.gradQ, "f32", q.shape);
  expectTensor("out.gradK", out.gradK, "f32", k.shape);
  expectTensor("out.gradV", out.gradV, "f32", v.shape);
  const { gpu } = recorder;
  const { rows, longest, queryHeads, keyHeads, headSize } = shape;
  const { isHeld, constants, sizes, tiles } = attentionLayout(gpu, shape);
  const memory = headSize % 4 === 0 ? memoryVec4 + gradientVec4 : memoryScalar + gradientScalar;
  const read = { rows: q.size / headSize, width: headSize };
  const reads = wholeReads(gpu, read, { q, k, v, gradient: gradOut });
  const source = specialize(
    elementary + spansCode + queryMeans + tile + reads.code(memory) + gradients +
      (isHeld ? held : wide),
    { ...sizes, TILES: tiles.queries },
  );
  const program = (entryPoint: string) =>
    gpu.program({
      name: isHeld ? "attention_backward" : "attention_backward_wide",
      code: source,
      entryPoint,
      constants,
    });
  const elements = elementsOf(headSize);
  const meansReads = wholeReads(gpu, read, { attended, gradient: gradOut });
  const meansProgram = gpu.program({
    name: "attention_means",
    code: queryMeans + elements.code + meansReads.code(meansCode),
    constants: { LANES, CHUNKS: elements.chunks },
  });

  const vectors = q.size / headSize;
  const means = recorder.temporary([vectors, 2]);
  recorder.dispatch(meansProgram, {
    bindings: { ...meansReads.bind(recorder), log_sum_exp: logSumExp, means },
    params: { vectors },
    workgroups: grid(vectors, LANES),
  });
  const inputs = { ...reads.bind(recorder), spans, means };
  const params = attentionParams(shape, { rows, first: 0, window });
  const heads = queryHeads / constants.HEADS;
  recorder.dispatch(program("queries"), {
    bindings: { ...inputs, gradient_q: out.gradQ },
    params,
    workgroups: grid(
      rows * heads * Math.ceil((longest * constants.HEADS) / (4 * tiles.queries)),
      LANES,
    ),
  });
  recorder.dispatch(program("keys"), {
    bindings: { ...inputs, gradient_k: out.gradK, gradient_v: out.gradV },
    params,
    workgroups: grid(rows * keyHeads * Math.ceil(longest / (4 * tiles.keys)), LANES),
  });
  recorder.recycle(means);
}
