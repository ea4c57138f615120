import { ShapeError } from "../runtime/errors.ts";
import type { Gpu } from "../runtime/gpu.ts";
import { grid } from "../runtime/grid.ts";
import { f32, type Recorder, u32 } from "../runtime/recorder.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import { lanesFor } from "../softmax/token_statistics.ts";
import { columnSums } from "./column_sums.ts";
import backwardCode from "./rms_norm_backward.wgsl" with { type: "text" };
import plain from "./rms_norm_plain.wgsl" with { type: "text" };
import residualCode from "./rms_norm_residual.wgsl" with { type: "text" };
import code from "./rms_norm.wgsl" with { type: "text" };
import { rowBlocks } from "../runtime/row_blocks.ts";
import { elementsOf, specialize } from "./shader_text.ts";

/** Rows that an invocation of the backward goes through. */
const TIMES = 16;

/** The inputs and the outputs of {@linkcode rmsNorm}. */
export interface RmsNormOptions {
  /** The input, [N, D] in f32. */
  readonly x: Tensor;
  /** The residual stream, [N, D] in f32 each: `after` = `before` + x is written and normalized instead of x. */
  readonly residual?: { readonly before: Tensor; readonly after: Tensor };
  /** Multiplies each column, [D] in f32. */
  readonly weight: Tensor;
  /** Added to the mean square. */
  readonly epsilon: number;
  /** The result, [N, D] in f32. */
  readonly out: Tensor;
  /** One over the root mean square of each row, for the backward, [N] in f32. */
  readonly inverseRms: Tensor;
}

/** The inputs and the outputs of {@linkcode rmsNormBackward}. */
export interface RmsNormBackwardOptions {
  /** What the forward normalized, [N, D] in f32: its `x`, or its `residual.after`. */
  readonly x: Tensor;
  /** The weight of the forward, [D] in f32. */
  readonly weight: Tensor;
  /** What the forward wrote, [N] in f32. */
  readonly inverseRms: Tensor;
  /** Gradient with respect to the result, [N, D] in f32. */
  readonly gradOut: Tensor;
  /** The gradient with respect to `x`, [N, D] in f32. */
  readonly gradX: Tensor;
  /** Add to what is in `gradX`, such as the gradient of the residual stream, instead of replacing it. */
  readonly accumulate?: boolean;
  /** The gradient with respect to the weight, [D] in f32, is added to this. */
  readonly gradWeight: Tensor;
}

/**
 * out = x / √(mean(x²) + ε)·weight for each row x. Reference: {@linkcode rmsNormReference}; matches
 * Hugging Face's `LlamaRMSNorm`.
 *
 * @throws {ShapeError} if shapes or types do not fit, or ε is negative.
 */
export function rmsNorm(recorder: Recorder, options: RmsNormOptions): void {
  const { x, residual, weight, epsilon, out, inverseRms } = options;
  expectTensor("x", x, "f32", [-1, -1]);
  const [rows, columns] = x.shape as [number, number];
  expectTensor("weight", weight, "f32", [columns]);
  expectTensor("out", out, "f32", x.shape);
  expectTensor("inverseRms", inverseRms, "f32", [rows]);
  if (residual !== undefined) {
    expectTensor("residual.before", residual.before, "f32", x.shape);
    expectTensor("residual.after", residual.after, "f32", x.shape);
  }
  if (!(epsilon >= 0)) throw new ShapeError(`epsilon is ${epsilon}, expected 0 or more.`);
  const { gpu } = recorder;
  const { elements, constants, perLane } = layoutOf(gpu, columns);
  const program = gpu.program({
    name: "rms_norm",
    code: specialize(elements + (residual === undefined ? plain : residualCode) + code, perLane),
    constants,
  });
  const { before, after } = residual ?? { before: x, after: out };
  for (const { first, count, slices } of rowBlocks(gpu, rows, x, before, after, out)) {
    const [xRows, beforeRows, afterRows, outRows] = slices;
    const added = residual === undefined ? [undefined, undefined] : [beforeRows, afterRows];
    recorder.dispatch(program, {
      bindings: [xRows, ...added, weight, outRows, inverseRms],
      params: [u32(count), u32(first), f32(epsilon)],
      workgroups: grid(count, constants.ROWS),
    });
  }
}

/**
 * Gradients of {@linkcode rmsNorm}. Sums over rows run in an order that depends on the shape alone.
 * Reference: {@linkcode rmsNormBackwardReference}.
 *
 * @throws {ShapeError} if shapes or types do not fit.
 */
export function rmsNormBackward(recorder: Recorder, options: RmsNormBackwardOptions): void {
  const { x, weight, inverseRms, gradOut, gradX, accumulate = false, gradWeight } = options;
  expectTensor("x", x, "f32", [-1, -1]);
  const [rows, columns] = x.shape as [number, number];
  expectTensor("weight", weight, "f32", [columns]);
  expectTensor("inverseRms", inverseRms, "f32", [rows]);
  expectTensor("gradOut", gradOut, "f32", x.shape);
  expectTensor("gradX", gradX, "f32", x.shape);
  expectTensor("gradWeight", gradWeight, "f32", [columns]);
  const { gpu } = recorder;
  const { elements, constants, perLane } = layoutOf(gpu, columns);
  const program = gpu.program({
    name: "rms_norm_backward",
    code: specialize(elements + backwardCode, perLane),
    constants: { ...constants, ACCUMULATE: Number(accumulate) },
  });
  for (const { first, count, slices } of rowBlocks(gpu, rows, x, gradOut, gradX)) {
    const [xRows, gradOutRows, gradXRows] = slices;
    const sums = recorder.temporary([Math.ceil(count / TIMES), columns]);
    recorder.dispatch(program, {
      bindings: [xRows, weight, inverseRms, gradOutRows, gradXRows, sums],
      params: [u32(count), u32(TIMES), u32(first)],
      workgroups: grid(count, constants.ROWS * TIMES),
    });
    columnSums(recorder, { x: sums, out: gradWeight, accumulate: true });
    recorder.recycle(sums);
  }
}

/** How rows of `columns` numbers are shared by the invocations of a workgroup. */
function layoutOf(gpu: Gpu, columns: number) {
  const { code, chunks } = elementsOf(columns);
  const lanes = lanesFor(gpu, columns);
  return {
    elements: code,
    constants: { LANES: lanes, ROWS: gpu.tiles.statistics.group / lanes, CHUNKS: chunks },
    perLane: { PER_LANE: Math.ceil(chunks / lanes) },
  };
}
