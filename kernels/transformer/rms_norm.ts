import { ShapeError } from "../runtime/errors.ts";
import type { GpuContext } from "../runtime/context.ts";
import { grid } from "../runtime/grid.ts";
import type { Recorder } from "../runtime/recorder.ts";
import { stagedRowBlocks } from "../runtime/row_blocks.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import { lanesFor } from "../softmax/token_statistics.ts";
import { activeRows, type ActiveRowsOption } from "./active_rows.ts";
import { columnSums } from "./column_sums.ts";
import backwardCode from "./rms_norm_backward.wgsl" with { type: "text" };
import plain from "./rms_norm_plain.wgsl" with { type: "text" };
import residualCode from "./rms_norm_residual.wgsl" with { type: "text" };
import code from "./rms_norm.wgsl" with { type: "text" };
import { type RowReads, rowReads, sliceOf } from "./row_reads.ts";
import { specialize } from "./shader_text.ts";

/** What {@linkcode rmsNorm} writes. */
export interface RmsNormOutput {
  /** The result, [N, D] in f32. */
  readonly normalized: Tensor;
  /** One over the root mean square of each row, for the backward, [N] in f32. */
  readonly inverseRms: Tensor;
  /** `residual` + x, [N, D] in f32; given with `residual` and only then. */
  readonly residual?: Tensor;
}

/** What {@linkcode rmsNorm} takes. */
export interface RmsNormOptions extends ActiveRowsOption {
  /** The input, [N, D] in f32; as all else with rows, by slots where `active` is given. */
  readonly x: Tensor;
  /** The residual stream, [N, D] in f32; `residual` + x is written and normalized instead of x. */
  readonly residual?: Tensor;
  /** Multiplies each column, [D] in f32. */
  readonly weight: Tensor;
  /** Added to the mean square. */
  readonly epsilon: number;
  /** Where the results go. */
  readonly out: RmsNormOutput;
}

/** What {@linkcode rmsNormBackward} writes. */
export interface RmsNormGradients {
  /** The gradient with respect to `x`, [N, D] in f32. */
  readonly gradX: Tensor;
  /** The gradient with respect to the weight, [D] in f32, is added to this. */
  readonly gradWeight: Tensor;
}

/** What {@linkcode rmsNormBackward} takes. */
export interface RmsNormBackwardOptions {
  /** What the forward normalized, [N, D] in f32: its `x`, or its `out.residual`. */
  readonly x: Tensor;
  /** The weight of the forward, [D] in f32. */
  readonly weight: Tensor;
  /** What the forward wrote, [N] in f32. */
  readonly inverseRms: Tensor;
  /** Gradient with respect to the result, [N, D] in f32. */
  readonly gradOut: Tensor;
  /** Add to what is in `out.gradX`, such as the gradient of the residual stream, instead of replacing it. */
  readonly accumulate?: boolean;
  /** Where the gradients go. */
  readonly out: RmsNormGradients;
}

/**
 * out = x / √(mean(x²) + ε)·weight for each row x. Reference: {@linkcode rmsNormReference}; matches
 * Hugging Face's `LlamaRMSNorm`.
 *
 * @throws {ShapeError} if shapes or types do not fit, one residual stream is without the other, or ε is negative.
 */
export function rmsNorm(recorder: Recorder, options: RmsNormOptions): void {
  const { x, residual, weight, epsilon, out } = options;
  expectTensor("x", x, "f32", [-1, -1]);
  const [rows, columns] = x.shape as [number, number];
  expectTensor("weight", weight, "f32", [columns]);
  expectTensor("out.normalized", out.normalized, "f32", x.shape);
  expectTensor("out.inverseRms", out.inverseRms, "f32", [rows]);
  if ((residual === undefined) !== (out.residual === undefined)) {
    const [given, missing] = residual === undefined
      ? ["out.residual", "residual"]
      : ["residual", "out.residual"];
    throw new ShapeError(`${given} is given without ${missing}, expected both or neither.`);
  }
  if (residual !== undefined) expectTensor("residual", residual, "f32", x.shape);
  if (out.residual !== undefined) expectTensor("out.residual", out.residual, "f32", x.shape);
  if (!(epsilon >= 0)) throw new ShapeError(`epsilon is ${epsilon}, expected 0 or more.`);
  const { gpu } = recorder;
  const active = activeRows(options.active, rows);
  const read = { rows: active.likely(rows), width: columns };
  const reads = rowReads(gpu, read, ["x", "before", "weight"]);
  const { constants, perLane } = layoutOf(gpu, columns, reads);
  const load = residual === undefined ? plain : residualCode;
  const program = gpu.program({
    name: "rms_norm",
    code: specialize(active.code + reads.code(load + code), perLane),
    constants,
  });
  const tensors = [x, residual ?? x, out.residual ?? x, out.normalized] as const;
  for (const { first, count, slices } of stagedRowBlocks(gpu, rows, ...tensors)) {
    const [xRows, before, after, normalized] = slices;
    recorder.dispatch(program, {
      bindings: {
        ...reads.bind(recorder, {
          x: xRows,
          ...(residual === undefined ? {} : { before }),
          weight: sliceOf(weight),
        }),
        ...(residual === undefined ? {} : { after }),
        out: normalized,
        inverse_rms: out.inverseRms,
        ...active.bindings,
      },
      params: { rows: count, first_row: first, epsilon },
      workgroups: active.grid(count, constants.ROWS),
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
  const { x, weight, inverseRms, gradOut, accumulate = false, out } = options;
  expectTensor("x", x, "f32", [-1, -1]);
  const [rows, columns] = x.shape as [number, number];
  expectTensor("weight", weight, "f32", [columns]);
  expectTensor("inverseRms", inverseRms, "f32", [rows]);
  expectTensor("gradOut", gradOut, "f32", x.shape);
  expectTensor("out.gradX", out.gradX, "f32", x.shape);
  expectTensor("out.gradWeight", out.gradWeight, "f32", [columns]);
  const { gpu } = recorder;
  const { least, most, busy } = gpu.tiles.normBackward;
  const reads = rowReads(gpu, { rows, width: columns }, ["x", "gradient"]);
  const { constants, perLane } = layoutOf(gpu, columns, reads);
  const program = gpu.program({
    name: "rms_norm_backward",
    code: specialize(reads.code(backwardCode), perLane),
    constants: { ...constants, ACCUMULATE: Number(accumulate) },
  });
  for (const { first, count, slices } of stagedRowBlocks(gpu, rows, x, gradOut, out.gradX)) {
    const [xRows, gradient, gradX] = slices;
    const fair = Math.ceil(count / (busy * constants.ROWS));
    const times = Math.max(least, Math.min(most, fair));
    const sums = recorder.temporary([Math.ceil(count / times), columns]);
    recorder.dispatch(program, {
      bindings: {
        ...reads.bind(recorder, { x: xRows, gradient }),
        weight,
        inverse_rms: inverseRms,
        gradient_x: gradX,
        weight_sums: sums,
      },
      params: { rows: count, times, first_row: first },
      workgroups: grid(count, constants.ROWS * times),
    });
    columnSums(recorder, { x: sums, out: out.gradWeight, accumulate: true });
    recorder.recycle(sums);
  }
}

/** How rows of `columns` numbers are shared by the invocations of a workgroup. */
function layoutOf(gpu: GpuContext, columns: number, { chunks }: RowReads) {
  const lanes = lanesFor(gpu, columns);
  return {
    constants: { LANES: lanes, ROWS: gpu.tiles.statistics.group / lanes, CHUNKS: chunks },
    perLane: { PER_LANE: Math.ceil(chunks / lanes) },
  };
}
