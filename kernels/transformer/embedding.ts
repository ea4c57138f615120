import { ShapeError } from "../runtime/errors.ts";
import { grid } from "../runtime/grid.ts";
import type { Recorder } from "../runtime/recorder.ts";
import { rowBlocks } from "../runtime/row_blocks.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import { activeRows, type ActiveRowsOption } from "./active_rows.ts";
import backwardCode from "./embedding_backward.wgsl" with { type: "text" };
import code from "./embedding.wgsl" with { type: "text" };
import { elementsOf } from "./shader_text.ts";
import { tokenOrder } from "./token_order.ts";

/** Places of one list that are summed one after the other. */
const PART = 64;

/** What {@linkcode embedding} takes. */
export interface EmbeddingOptions extends ActiveRowsOption {
  /** The tokens, [N] in u32; any from V up is outside the vocabulary. */
  readonly tokens: Tensor;
  /** A row for each token of the vocabulary, [V, D] in f32. */
  readonly table: Tensor;
  /** The result, [N, D] in f32; by slots where `active` is given. */
  readonly out: Tensor;
}

/** What {@linkcode embeddingBackward} takes. */
export interface EmbeddingBackwardOptions {
  /** The tokens of the forward, [N] in u32. */
  readonly tokens: Tensor;
  /** Gradient with respect to the result, [N, D] in f32. */
  readonly gradOut: Tensor;
  /** The gradient with respect to the table, [V, D] in f32, is added to this. */
  readonly out: Tensor;
}

/**
 * The table's row of each token. A token outside the vocabulary has zeros, by definition and without an error, so
 * that padding needs no row of its own; who takes tokens from elsewhere checks them before. Reference:
 * {@linkcode embeddingReference}; matches `torch.nn.functional.embedding`, which refuses such tokens.
 *
 * @throws {ShapeError} if shapes or types do not fit, or the vocabulary is empty.
 */
export function embedding(recorder: Recorder, options: EmbeddingOptions): void {
  const { tokens, table, out } = options;
  const { rows, vocabulary, columns } = extents(tokens, "table", table);
  expectTensor("out", out, "f32", [rows, columns]);
  const { gpu } = recorder;
  const { lanes, perLane } = gpu.tiles.elements;
  const elements = elementsOf(columns);
  const active = activeRows(options.active, rows);
  const program = gpu.program({
    name: "embedding",
    code: active.code + elements.code + code,
    constants: { LANES: lanes, PER_LANE: perLane, CHUNKS: elements.chunks },
  });
  for (const { first, count, slices: [outRows] } of rowBlocks(gpu, rows, out)) {
    for (const bound of rowBlocks(gpu, vocabulary, table)) {
      recorder.dispatch(program, {
        bindings: { tokens, table: bound.slices[0], out: outRows, ...active.bindings },
        params: {
          rows: count,
          first_row: first,
          vocabulary,
          first_token: bound.first,
          tokens: bound.count,
        },
        workgroups: active.grid(count * elements.chunks, lanes * perLane),
      });
    }
  }
}

/**
 * Adds the gradient of each token to its row of the table's gradient, so that a tied output embedding can
 * add to the same; tokens outside the vocabulary have none. The tokens are sorted on the GPU, and sums run
 * in an order that depends on the tokens alone. Reference: {@linkcode embeddingBackwardReference}.
 *
 * @throws {ShapeError} if shapes or types do not fit, or the vocabulary is empty.
 */
export function embeddingBackward(recorder: Recorder, options: EmbeddingBackwardOptions): void {
  const { tokens, gradOut, out } = options;
  const { rows, vocabulary, columns } = extents(tokens, "out", out);
  expectTensor("gradOut", gradOut, "f32", [rows, columns]);
  const { gpu } = recorder;
  const { lanes } = gpu.tiles.elements;
  const { code: elements, chunks } = elementsOf(columns);
  const program = (entryPoint: string) =>
    gpu.program({
      name: "embedding_backward",
      code: elements + backwardCode,
      entryPoint,
      constants: { LANES: lanes, PART, CHUNKS: chunks },
    });
  for (const { first, count, slices: [gradient] } of rowBlocks(gpu, rows, gradOut)) {
    const { order, starts } = tokenOrder(recorder, { tokens, first, size: count, vocabulary });
    const parts = Math.ceil(count / PART);
    const edges = recorder.temporary([parts, 2, columns]);
    for (const bound of rowBlocks(gpu, vocabulary, out)) {
      const [gradTable] = bound.slices;
      const params = {
        parts,
        first_row: first,
        vocabulary,
        first_token: bound.first,
        tokens: bound.count,
      };
      recorder.dispatch(program("parts"), {
        bindings: { tokens, order, starts, gradient, edges, gradient_table: gradTable },
        params,
        workgroups: grid(parts * chunks, lanes),
      });
      recorder.dispatch(program("runs"), {
        bindings: { starts, edges, gradient_table: gradTable },
        params,
        workgroups: grid(bound.count * chunks, lanes),
      });
    }
    for (const temporary of [order, starts, edges]) recorder.recycle(temporary);
  }
}

function extents(tokens: Tensor, name: string, table: Tensor) {
  expectTensor("tokens", tokens, "u32", [-1]);
  expectTensor(name, table, "f32", [-1, -1]);
  const [vocabulary, columns] = table.shape as [number, number];
  if (vocabulary === 0) throw new ShapeError(`${name} has no rows, expected at least one.`);
  return { rows: tokens.size, vocabulary, columns };
}
