import { grid } from "../runtime/grid.ts";
import type { Recorder, Slice } from "../runtime/recorder.ts";
import { rowBlocks } from "../runtime/row_blocks.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import code from "./column_sums.wgsl" with { type: "text" };
import { sliceOf, wholeReads } from "./row_reads.ts";
import { elementsOf } from "./shader_text.ts";
import sidesCode from "./side_by_side.wgsl" with { type: "text" };
import {
  checkSides,
  isSideBySide,
  NO_SIDES,
  type SideBySide,
  type Sides,
  sidesOf,
} from "./side_by_side.ts";

/** Rows that are summed one after the other; more become partial sums, which are summed in turn. */
const ROWS_PER_PART = 64;

/** What {@linkcode columnSums} takes. */
export interface ColumnSumsOptions {
  /** The rows, [N, D] in f32. */
  readonly x: Tensor | SideBySide;
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
  if (isSideBySide(options.x)) return sumSides(recorder, { ...options, x: options.x });
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

function sumSides(recorder: Recorder, options: ColumnSumsOptions & { x: SideBySide }): void {
  const { x, out, accumulate = false } = options;
  const { rows, starts } = checkSides("x", x);
  const columns = starts.at(-1)!;
  expectTensor("out", out, "f32", [columns]);
  const sides = sidesOf(recorder.gpu, x);
  if (sides !== undefined && rows > 0) {
    sumBlock(recorder, { x: sides.slice, rows, columns, out, accumulate, sides });
    return;
  }
  for (const [i, matrix] of x.entries()) {
    // A part of the result may begin where none can be bound.
    const [first, count] = [starts[i]!, matrix.shape[1]!];
    const own = recorder.temporary([count]);
    if (accumulate) recorder.copy(out, own, { from: first, count });
    columnSums(recorder, { x: matrix, out: own, accumulate });
    recorder.copy(own, out, { to: first });
    recorder.recycle(own);
  }
}

/** Rows that fit a binding. */
interface Block {
  x: Slice;
  rows: number;
  columns: number;
  out: Tensor;
  accumulate: boolean;
  sides?: Sides;
}

function sumBlock(recorder: Recorder, { x, rows, columns, out, accumulate, sides }: Block): void {
  const { gpu } = recorder;
  const { lanes } = gpu.tiles.elements;
  const parts = Math.ceil(rows / ROWS_PER_PART);
  const inFours = sides === undefined || sides.isInFours;
  const elements = elementsOf(inFours ? columns : 1);
  const width = columns % 4 === 0 && inFours ? 4 : 1;
  const chunks = columns / width;
  const reads = wholeReads(gpu, { rows, width: inFours ? columns : 1 }, { x });
  const sums = parts === 1 ? out : recorder.temporary([parts, columns]);
  const program = gpu.program({
    name: "column_sums",
    code: elements.code + sidesCode + reads.code(code),
    constants: {
      LANES: lanes,
      PART: ROWS_PER_PART,
      CHUNKS: chunks,
      ACCUMULATE: Number(accumulate && parts === 1),
      SIDE_BY_SIDE: Number(sides !== undefined),
    },
  });
  recorder.dispatch(program, {
    bindings: { ...reads.bind(recorder), sums },
    params: { rows, ...inChunks(sides?.words ?? NO_SIDES, width) },
    workgroups: grid(parts * chunks, lanes),
  });
  if (parts === 1) return;
  sumBlock(recorder, { x: sliceOf(sums), rows: parts, columns, out, accumulate });
  recorder.recycle(sums);
}

function inChunks(words: typeof NO_SIDES, width: number): typeof NO_SIDES {
  return Object.fromEntries(
    Object.entries(words).map(([name, word]) => [name, word / width]),
  ) as typeof NO_SIDES;
}
