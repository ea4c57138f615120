import { ShapeError } from "../runtime/errors.ts";
import type { Recorder } from "../runtime/recorder.ts";
import { rowBlocks } from "../runtime/row_blocks.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import { activeRows, type ActiveRowsOption } from "./active_rows.ts";
import code from "./rope.wgsl" with { type: "text" };
import { elementsOf } from "./shader_text.ts";

/** What {@linkcode rope} takes: queries and keys may be parts of one tensor; by slots where `active` is given. */
export interface RopeOptions extends ActiveRowsOption {
  /** Queries, or the gradient with respect to them, [N, H, headSize] in f32; rotated in place. */
  readonly q: Tensor;
  /** Keys, or the gradient with respect to them, [N, KV, headSize] in f32; rotated in place. */
  readonly k: Tensor;
  /** The position of each token, [N] in u32. */
  readonly positions: Tensor;
  /** Cosines and sines, of {@linkcode ropeTable}; a position past its end is taken for the last. */
  readonly table: Tensor;
  /** Added to every position; 0 by default. */
  readonly step?: number;
}

/**
 * Rotary position embedding in place: component i of a head is paired with i + headSize/2. Reference:
 * {@linkcode ropeReference}; matches Hugging Face's `apply_rotary_pos_emb`.
 *
 * @throws {ShapeError} if shapes or types do not fit.
 */
export function rope(recorder: Recorder, options: RopeOptions): void {
  rotate(recorder, options, 1);
}

/**
 * The gradient with respect to what {@linkcode rope} rotated, in place of the gradient with respect to its
 * result: a rotation by the negative angles.
 *
 * @throws {ShapeError} if shapes or types do not fit.
 */
export function ropeBackward(recorder: Recorder, options: RopeOptions): void {
  rotate(recorder, options, -1);
}

function rotate(
  recorder: Recorder,
  { q, k, positions, table, step = 0, active: listed }: RopeOptions,
  direction: number,
): void {
  expectTensor("q", q, "f32", [-1, -1, -1]);
  const [rows, queryHeads, headSize] = q.shape as [number, number, number];
  expectTensor("k", k, "f32", [rows, -1, headSize]);
  expectTensor("positions", positions, "u32", [rows]);
  expectTensor("table", table, "f32", [-1, 2, headSize / 2]);
  if (table.size === 0) throw new ShapeError("table has no positions, expected at least one.");
  const { gpu } = recorder;
  const { lanes } = gpu.tiles.elements;
  const elements = elementsOf(headSize / 2);
  const active = activeRows(listed, rows);
  const program = gpu.program({
    name: "rope",
    code: active.code + elements.code + code,
    constants: {
      LANES: lanes,
      QUERY_HEADS: queryHeads,
      KEY_HEADS: k.shape[1]!,
      CHUNKS: elements.chunks,
    },
  });
  for (const { first, count, slices: [qRows, kRows] } of rowBlocks(gpu, rows, q, k)) {
    recorder.dispatch(program, {
      bindings: { positions, table, q: qRows, k: kRows, ...active.bindings },
      params: { rows: count, first_row: first, step, most: table.shape[0]!, direction },
      workgroups: active.grid(count * elements.chunks, lanes),
    });
  }
}
