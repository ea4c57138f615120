import { grid } from "../runtime/grid.ts";
import type { Recorder, Slice } from "../runtime/recorder.ts";
import { rowBlocks } from "../runtime/row_blocks.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import code from "./column_sums.wgsl" with { type: "text" };
import { elementsOf } from "./shader_text.ts";

/** Rows that are summed one after the other; more become partial sums, which are summed in turn. */
const ROWS_PER_PART = 64;

/** What {@linkcode columnSums} takes. */
export interface ColumnSumsOptions {
  /** The rows, [N, D] in f32. */
  readonly x: Tensor;
  /** The sum of each column, [D] in f32. */
  readonly out: Tensor;
  /** Add to what is in `out` instead of replacing it. */
  readonly accumulate?: boolean;
}

/**
 * The sum of each column, such as the gradient of a bias. Sums run in an order that depends on the shape
 * alone. Reference: {@linkcode columnSumsReference}.
 *
 * @throws {ShapeError} if shapes or types do not fit.
 */
export function columnSums(recorder: Recorder, options: ColumnSumsOptions): void {
  const { x, out, accumulate = false } = options;
  expectTensor("x", x, "f32", [-1, -1]);
  const [rows, columns] = x.shape as [number, number];
  expectTensor("out", out, "f32", [columns]);
  if (rows === 0 && !accumulate) recorder.clear(out);
  for (const { first, count, slices: [block] } of rowBlocks(recorder.gpu, rows, x)) {
    sumBlock(recorder, {
      x: block,
      rows: count,
      columns,
      out,
      accumulate: accumulate || first > 0,
    });
  }
}

/** Rows that fit a binding. */
interface Block {
  x: Tensor | Slice;
  rows: number;
  columns: number;
  out: Tensor;
  accumulate: boolean;
}

function sumBlock(recorder: Recorder, { x, rows, columns, out, accumulate }: Block): void {
  const { gpu } = recorder;
  const { lanes } = gpu.tiles.elements;
  const parts = Math.ceil(rows / ROWS_PER_PART);
  const elements = elementsOf(columns);
  const sums = parts === 1 ? out : recorder.temporary([parts, columns]);
  const program = gpu.program({
    name: "column_sums",
    code: elements.code + code,
    constants: {
      LANES: lanes,
      PART: ROWS_PER_PART,
      CHUNKS: elements.chunks,
      ACCUMULATE: Number(accumulate && parts === 1),
    },
  });
  recorder.dispatch(program, {
    bindings: { x, sums },
    params: { rows },
    workgroups: grid(parts * elements.chunks, lanes),
  });
  if (parts === 1) return;
  sumBlock(recorder, { x: sums, rows: parts, columns, out, accumulate });
  recorder.recycle(sums);
}
