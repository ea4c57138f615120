import type { Dispatch, Recorder } from "../runtime/recorder.ts";
import { rowBlocks } from "../runtime/row_blocks.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import elementary from "../softmax/elementary.wgsl" with { type: "text" };
import { activeRows, type ActiveRowsOption, type RowsInterface } from "./active_rows.ts";
import code from "./swiglu.wgsl" with { type: "text" };

/** What {@linkcode swiglu} takes. */
export interface SwigluOptions extends ActiveRowsOption {
  /**
   * Goes through the sigmoid, [N, F] in f32; as the others, by slots where `active` is given, of which what follows
   * the last is computed, too, up to a multiple of four numbers.
   */
  readonly gate: Tensor;
  /** Multiplies what comes out of it, [N, F] in f32. */
  readonly up: Tensor;
  /** The result, [N, F] in f32. */
  readonly out: Tensor;
}

/** What {@linkcode swigluBackward} writes. */
export interface SwigluGradients {
  /** The gradient with respect to `gate`, [N, F] in f32. */
  readonly gradGate: Tensor;
  /** The gradient with respect to `up`, [N, F] in f32. */
  readonly gradUp: Tensor;
}

/** What {@linkcode swigluBackward} takes. */
export interface SwigluBackwardOptions {
  /** The gate of the forward, [N, F] in f32. */
  readonly gate: Tensor;
  /** The other input of the forward, [N, F] in f32. */
  readonly up: Tensor;
  /** Gradient with respect to the result, [N, F] in f32. */
  readonly gradOut: Tensor;
  /** Where the gradients go. */
  readonly out: SwigluGradients;
}

/**
 * out = silu(gate)·up with silu(x) = x·σ(x), the gated unit of Llama's feed-forward layer. Reference:
 * {@linkcode swigluReference}; matches Hugging Face's `LlamaMLP`.
 *
 * @throws {ShapeError} if shapes or types do not fit.
 */
export function swiglu(recorder: Recorder, options: SwigluOptions): void {
  const { gate, up, out } = options;
  expectTensor("gate", gate, "f32", [-1, -1]);
  expectTensor("up", up, "f32", gate.shape);
  expectTensor("out", out, "f32", gate.shape);
  const [rows, columns] = gate.shape as [number, number];
  const active = activeRows(options.active, rows);
  for (const { first, count, slices } of rowBlocks(recorder.gpu, rows, gate, up, out)) {
    const [gate, up, out] = slices;
    record(recorder, {
      entryPoint: "forward",
      active,
      params: { rows: count, first_row: first, columns },
      bindings: { gate, up, out, ...active.bindings },
    });
  }
}

/**
 * Gradients of {@linkcode swiglu}. Reference: {@linkcode swigluBackwardReference}.
 *
 * @throws {ShapeError} if shapes or types do not fit.
 */
export function swigluBackward(recorder: Recorder, options: SwigluBackwardOptions): void {
  const { gate, up, gradOut, out } = options;
  expectTensor("gate", gate, "f32", [-1, -1]);
  expectTensor("up", up, "f32", gate.shape);
  expectTensor("gradOut", gradOut, "f32", gate.shape);
  expectTensor("out.gradGate", out.gradGate, "f32", gate.shape);
  expectTensor("out.gradUp", out.gradUp, "f32", gate.shape);
  const [rows, columns] = gate.shape as [number, number];
  const tensors = [gate, up, gradOut, out.gradGate, out.gradUp] as const;
  const active = activeRows(undefined, rows);
  for (const { first, count, slices } of rowBlocks(recorder.gpu, rows, ...tensors)) {
    const [gate, up, gradient, gradGate, gradUp] = slices;
    record(recorder, {
      entryPoint: "backward",
      active,
      params: { rows: count, first_row: first, columns },
      bindings: { gate, up, gradient, out: gradGate, gradient_up: gradUp },
    });
  }
}

interface Pass {
  readonly entryPoint: "forward" | "backward";
  readonly active: RowsInterface;
  readonly params: { readonly rows: number; readonly first_row: number; readonly columns: number };
  readonly bindings: Dispatch["bindings"];
}

function record(recorder: Recorder, { entryPoint, active, params, bindings }: Pass): void {
  const { lanes, perLane } = recorder.gpu.tiles.elements;
  const program = recorder.gpu.program({
    name: "swiglu",
    code: active.code + elementary + code,
    entryPoint,
    constants: { LANES: lanes, PER_LANE: perLane },
  });
  recorder.dispatch(program, {
    bindings,
    params,
    workgroups: active.grid(Math.ceil(params.rows * params.columns / 4), lanes * perLane),
  });
}
