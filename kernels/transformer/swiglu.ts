import { ShapeError } from "../runtime/errors.ts";
import type { Recorder, Slice } from "../runtime/recorder.ts";
import { stagedRowBlocks } from "../runtime/row_blocks.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import elementary from "../softmax/elementary.wgsl" with { type: "text" };
import { activeRows, type ActiveRowsOption, type RowsInterface } from "./active_rows.ts";
import { rowReads } from "./row_reads.ts";
import code from "./swiglu.wgsl" with { type: "text" };

/** What {@linkcode swiglu} takes. */
export interface SwigluOptions extends ActiveRowsOption {
  /**
   * In each row what goes through the sigmoid, then what is multiplied with the outcome, [N, 2F] in f32; as the
   * result, by slots where `active` is given.
   */
  readonly gateUp: Tensor;
  /** The result, [N, F] in f32. */
  readonly out: Tensor;
}

/** What {@linkcode swigluBackward} takes. */
export interface SwigluBackwardOptions {
  /** The input of the forward, [N, 2F] in f32. */
  readonly gateUp: Tensor;
  /** Gradient with respect to the result, [N, F] in f32. */
  readonly gradOut: Tensor;
  /** The gradient with respect to `gateUp`, [N, 2F] in f32. */
  readonly out: Tensor;
}

/**
 * out = silu(gate)·up with silu(x) = x·σ(x), the gated unit of Llama's feed-forward layer. Reference:
 * {@linkcode swigluReference}; matches Hugging Face's `LlamaMLP`.
 *
 * @throws {ShapeError} if shapes or types do not fit.
 */
export function swiglu(recorder: Recorder, options: SwigluOptions): void {
  const { gateUp, out } = options;
  const { rows, columns } = extents(gateUp);
  expectTensor("out", out, "f32", [rows, columns]);
  const active = activeRows(options.active, rows);
  for (const { first, count, slices } of stagedRowBlocks(recorder.gpu, rows, gateUp, out)) {
    const [input, output] = slices;
    record(recorder, {
      entryPoint: "forward",
      active,
      columns,
      params: { rows: count, first_row: first },
      inputs: { gate_up: input },
      out: output,
    });
  }
}

/**
 * The gradient of {@linkcode swiglu}. Reference: {@linkcode swigluBackwardReference}.
 *
 * @throws {ShapeError} if shapes or types do not fit.
 */
export function swigluBackward(recorder: Recorder, options: SwigluBackwardOptions): void {
  const { gateUp, gradOut, out } = options;
  const { rows, columns } = extents(gateUp);
  expectTensor("gradOut", gradOut, "f32", [rows, columns]);
  expectTensor("out", out, "f32", gateUp.shape);
  const active = activeRows(undefined, rows);
  for (
    const { first, count, slices } of stagedRowBlocks(recorder.gpu, rows, gateUp, gradOut, out)
  ) {
    const [input, gradient, output] = slices;
    record(recorder, {
      entryPoint: "backward",
      active,
      columns,
      params: { rows: count, first_row: first },
      inputs: { gate_up: input, gradient },
      out: output,
    });
  }
}

function extents(gateUp: Tensor): { rows: number; columns: number } {
  expectTensor("gateUp", gateUp, "f32", [-1, -1]);
  const [rows, both] = gateUp.shape as [number, number];
  if (both % 2 !== 0) {
    throw new ShapeError(`gateUp has ${both} columns, expected two halves.`);
  }
  return { rows, columns: both / 2 };
}

interface Pass {
  readonly entryPoint: "forward" | "backward";
  readonly active: RowsInterface;
  readonly columns: number;
  readonly params: { readonly rows: number; readonly first_row: number };
  /** What it reads, by the names of the bindings. */
  readonly inputs: Readonly<Record<string, Slice>>;
  readonly out: Slice;
}

function record(
  recorder: Recorder,
  { entryPoint, active, columns, params, inputs, out }: Pass,
): void {
  const { lanes, perLane } = recorder.gpu.tiles.elements;
  const reads = rowReads(
    recorder.gpu,
    { rows: active.likely(params.rows), width: columns, widest: 2 * columns },
    ["gate_up", "gradient"],
  );
  const program = recorder.gpu.program({
    name: "swiglu",
    code: active.code + elementary + reads.code(code),
    entryPoint,
    constants: { LANES: lanes, PER_LANE: perLane, CHUNKS: reads.chunks },
  });
  recorder.dispatch(program, {
    bindings: { ...reads.bind(recorder, inputs), out, ...active.bindings },
    params,
    workgroups: active.grid(params.rows * reads.chunks, lanes * perLane),
  });
}
