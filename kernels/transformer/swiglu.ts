import { grid } from "../runtime/grid.ts";
import { type Recorder, u32 } from "../runtime/recorder.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import elementary from "../softmax/elementary.wgsl" with { type: "text" };
import { rowBlocks } from "../runtime/row_blocks.ts";
import code from "./swiglu.wgsl" with { type: "text" };

/** The inputs and the output of {@linkcode swiglu}. */
export interface SwigluOptions {
  /** Goes through the sigmoid, [N, F] in f32. */
  readonly gate: Tensor;
  /** [N, F] in f32. */
  readonly up: Tensor;
  /** The result, [N, F] in f32. */
  readonly out: Tensor;
}

/** The inputs and the outputs of {@linkcode swigluBackward}. */
export interface SwigluBackwardOptions {
  /** The gate of the forward, [N, F] in f32. */
  readonly gate: Tensor;
  /** The other input of the forward, [N, F] in f32. */
  readonly up: Tensor;
  /** Gradient with respect to the result, [N, F] in f32. */
  readonly gradOut: Tensor;
  /** The gradient with respect to `gate`, [N, F] in f32. */
  readonly gradGate: Tensor;
  /** The gradient with respect to `up`, [N, F] in f32. */
  readonly gradUp: Tensor;
}

/**
 * out = silu(gate)·up with silu(x) = x·σ(x), the gated unit of Llama's feed-forward layer. Reference:
 * {@linkcode swigluReference}; matches Hugging Face's `LlamaMLP`.
 *
 * @throws {ShapeError} if shapes or types do not fit.
 */
export function swiglu(recorder: Recorder, { gate, up, out }: SwigluOptions): void {
  expectTensor("gate", gate, "f32", [-1, -1]);
  expectTensor("up", up, "f32", gate.shape);
  expectTensor("out", out, "f32", gate.shape);
  const [rows, columns] = gate.shape as [number, number];
  for (const { count, slices } of rowBlocks(recorder.gpu, rows, gate, up, out)) {
    const [gateRows, upRows, outRows] = slices;
    record(recorder, "forward", count * columns, [gateRows, upRows, undefined, outRows]);
  }
}

/**
 * Gradients of {@linkcode swiglu}. Reference: {@linkcode swigluBackwardReference}.
 *
 * @throws {ShapeError} if shapes or types do not fit.
 */
export function swigluBackward(recorder: Recorder, options: SwigluBackwardOptions): void {
  const { gate, up, gradOut, gradGate, gradUp } = options;
  expectTensor("gate", gate, "f32", [-1, -1]);
  expectTensor("up", up, "f32", gate.shape);
  expectTensor("gradOut", gradOut, "f32", gate.shape);
  expectTensor("gradGate", gradGate, "f32", gate.shape);
  expectTensor("gradUp", gradUp, "f32", gate.shape);
  const [rows, columns] = gate.shape as [number, number];
  const blocks = rowBlocks(recorder.gpu, rows, gate, up, gradOut, gradGate, gradUp);
  for (const { count, slices } of blocks) record(recorder, "backward", count * columns, slices);
}

type Bindings = Parameters<Recorder["dispatch"]>[1]["bindings"];

function record(recorder: Recorder, entryPoint: string, size: number, bindings: Bindings): void {
  const { lanes, perLane } = recorder.gpu.tiles.elements;
  const program = recorder.gpu.program({
    name: "swiglu",
    code: elementary + code,
    entryPoint,
    constants: { LANES: lanes, PER_LANE: perLane },
  });
  const chunks = Math.ceil(size / 4);
  recorder.dispatch(program, {
    bindings,
    params: [u32(chunks)],
    workgroups: grid(chunks, lanes * perLane),
  });
}
