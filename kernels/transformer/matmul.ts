import { ShapeError } from "../runtime/errors.ts";
import type { GpuContext } from "../runtime/context.ts";
import type { Recorder } from "../runtime/recorder.ts";
import { bindRows, rowsPerBinding } from "../runtime/rows.ts";
import { fitStage, rowsPerStage, stagedCode, stageInputs } from "../runtime/staged_reads.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import type { Tiles } from "../runtime/tiles.ts";
import { activeRows, type ActiveRowsOption, type RowsInterface } from "./active_rows.ts";
import {
  checkSides,
  isSideBySide,
  NO_SIDES,
  type SideBySide,
  type Sides,
  sidesOf,
} from "./side_by_side.ts";
import loadAny from "./matmul_load_any.wgsl" with { type: "text" };
import loadVec4 from "./matmul_load_vec4.wgsl" with { type: "text" };
import reduceCode from "./matmul_reduce.wgsl" with { type: "text" };
import code from "./matmul.wgsl" with { type: "text" };
import sidesCode from "./side_by_side.wgsl" with { type: "text" };

/** A matrix, or consecutive rows of one. */
export interface MatrixRows {
  /** The matrix, [rows, columns] in f32. */
  readonly matrix: Tensor;
  /** First row. */
  readonly first: number;
  /** Number of rows. */
  readonly count: number;
}

/** What {@linkcode matmul} takes. */
export interface MatmulOptions extends ActiveRowsOption {
  /** A, [m, k] in f32, or [k, m] with `transposeA`; side by side only without `transposeB` and `active`. */
  readonly a: Tensor | MatrixRows | SideBySide;
  /** B, [k, n] in f32, or [n, k] with `transposeB`. */
  readonly b: Tensor | MatrixRows;
  /**
   * The result, [m, n] in f32, by slots where `active` is given, as op(a); it may not share memory with `a`, `b` or
   * `bias`. Side by side only with `transposeB`, and not where A is.
   */
  readonly out: Tensor | MatrixRows | SideBySide;
  /** Use Aᵀ. */
  readonly transposeA?: boolean;
  /** Use Bᵀ. */
  readonly transposeB?: boolean;
  /** Added to every row, [n] in f32. */
  readonly bias?: Tensor;
  /** Add to what is in `out` instead of replacing it. */
  readonly accumulate?: boolean;
}

/** More rows than this would need more workgroups than a dimension has. */
const MOST_ROWS = 1 << 18;
/** An inner dimension shorter than this is not split: the partial products would cost more than they help. */
const SHORTEST_SLICE = 256;

/**
 * Matrix product of any shape in f32: out = op(a)·op(b) + bias, each op the identity or the transpose.
 * Sums run in an order that depends on the shape alone, so the same call gives the same bits. Matrices
 * larger than a binding or a stage are split over rows. Reference: {@linkcode matmulReference}.
 *
 * @throws {ShapeError} if the shapes do not fit together.
 */
export function matmul(recorder: Recorder, options: MatmulOptions): void {
  if (isSideBySide(options.a)) return multiplySides(recorder, { ...options, a: options.a });
  if (isSideBySide(options.out)) {
    return multiplyIntoSides(recorder, { ...options, out: options.out });
  }
  const { transposeA = false, transposeB = false, bias, accumulate = false } = options;
  const [a, b, out] = [rowsOf("a", options.a), rowsOf("b", options.b), rowsOf("out", options.out)];
  const [m, k] = transposeA ? [columnsOf(a), a.count] : [a.count, columnsOf(a)];
  const n = transposeB ? b.count : columnsOf(b);
  checkProduct({ a: shapeOf(a), b: shapeOf(b), out: shapeOf(out) }, options);
  if (bias !== undefined) expectTensor("bias", bias, "f32", [n]);
  const active = activeRows(options.active, m);
  if (m === 0 || n === 0) return;
  const { gpu } = recorder;
  // Whatever is too large for one binding, or a stage, is cut into runs of rows: rows of A and of the result
  // together, rows of B as columns of the result or, where they are the inner dimension, one after the other.
  const aRows = transposeA
    ? rowsToRead(gpu, k, 4 * m)
    : Math.min(rowsToRead(gpu, m, 4 * Math.max(1, k)), rowsPerBinding(gpu, m, [4 * n]));
  const outRows = rowsPerBinding(gpu, m, [4 * n]);
  const bRows = transposeB ? rowsToRead(gpu, n, 4 * Math.max(1, k)) : rowsToRead(gpu, k, 4 * n);
  const kRows = Math.max(
    1,
    multipleOf4(Math.min(transposeA ? aRows : k, transposeB ? k : bRows), k),
  );
  const mRows = Math.min(transposeA ? multipleOf4(outRows, m) : aRows, MOST_ROWS);
  const nRows = transposeB ? multipleOf4(bRows, n) : n;
  for (let kFirst = 0; kFirst < Math.max(1, k); kFirst += kRows) {
    const kRange = { first: kFirst, count: Math.min(kRows, k - kFirst) };
    for (let mFirst = 0; mFirst < m; mFirst += mRows) {
      const mRange = { first: mFirst, count: Math.min(mRows, m - mFirst) };
      for (let nFirst = 0; nFirst < n; nFirst += nRows) {
        const nRange = { first: nFirst, count: Math.min(nRows, n - nFirst) };
        record(recorder, {
          a: part(a, transposeA, mRange, kRange),
          b: part(b, !transposeB, nRange, kRange),
          out: { ...out, first: out.first + mFirst, count: mRange.count },
          m: mRange.count,
          n: nRange.count,
          k: kRange.count,
          mFirst,
          nFirst,
          active,
          transposeA,
          transposeB,
          bias: kFirst === 0 ? bias : undefined,
          accumulate: accumulate || kFirst > 0,
        });
      }
    }
  }
}

/** The most rows of so many bytes that are bound, and staged where rows are, at once. */
function rowsToRead(gpu: GpuContext, rows: number, bytes: number): number {
  return Math.min(rowsPerBinding(gpu, rows, [bytes]), rowsPerStage(gpu, rows, bytes));
}

/** Rows to bind and the column at which to begin. */
interface Part extends MatrixRows {
  column: number;
}

/** Consecutive indices of a dimension. */
interface Range {
  first: number;
  count: number;
}

/** The part of an operand for some outer indices and some inner ones. */
function part(rows: MatrixRows, innerIsRows: boolean, outer: Range, inner: Range): Part {
  const [down, across] = innerIsRows ? [inner, outer] : [outer, inner];
  return { ...rows, first: rows.first + down.first, count: down.count, column: across.first };
}

interface Product {
  a: Part | Sides;
  b: Part;
  out: MatrixRows | Sides;
  m: number;
  n: number;
  k: number;
  mFirst: number;
  nFirst: number;
  active: RowsInterface;
  transposeA: boolean;
  transposeB: boolean;
  bias: Tensor | undefined;
  accumulate: boolean;
}

/** One product whose operands each fit a binding. */
function record(recorder: Recorder, product: Product): void {
  const { m, n, k, mFirst, nFirst, active, transposeA, transposeB, bias, accumulate } = product;
  const { gpu } = recorder;
  const bind = (operand: MatrixRows | Sides) => {
    if ("words" in operand) return { slice: operand.slice, offset: 0 };
    const { matrix, first, count } = operand;
    return bindRows(gpu, matrix, { width: matrix.shape[1]!, first, count });
  };
  const [a, b, out] = [bind(product.a), bind(product.b), bind(product.out)];
  const [aSides, outSides] = [product.a, product.out].map((operand) =>
    "words" in operand ? operand : undefined
  );
  const strideOf = (operand: MatrixRows | Sides) => "words" in operand ? 0 : columnsOf(operand);
  const strides = {
    a: strideOf(product.a),
    b: strideOf(product.b),
    out: strideOf(product.out),
  };
  const offsets = {
    a: a.offset + ("words" in product.a ? 0 : product.a.column),
    b: b.offset + product.b.column,
    out: out.offset + nFirst,
  };
  // Without a bias another matrix is bound in its place and not read.
  const added = bias === undefined ? b : bindRows(gpu, bias, { width: 1, first: nFirst, count: n });
  const aligned = [
    n,
    transposeA && !transposeB ? 0 : k,
    transposeA ? m : 0,
    added.offset,
    ...Object.values(strides),
    ...Object.values(offsets),
  ].every((number) => number % 4 === 0);

  const { rows, columns, lanesAcross, lanesDown, across, down } = tileOf(gpu.tiles.matmul, m, n);
  const slices = Math.max(
    1,
    Math.min(
      Math.ceil(gpu.tiles.matmul.busy / (across * down)),
      Math.floor(k / SHORTEST_SLICE),
      64,
    ),
  );
  const split = slices > 1;
  const partial = split ? recorder.temporary([slices, m, n]) : undefined;
  const inputs = { a: a.slice, b: b.slice };
  const isStaged = fitStage(gpu, inputs);
  const load = aligned ? loadVec4 : loadAny;
  const program = gpu.program({
    name: "matmul",
    code: active.code + sidesCode + (isStaged ? stagedCode(gpu, load, ["a", "b"]) : load) + code,
    constants: {
      ROWS: rows,
      COLUMNS: columns,
      LANES_ACROSS: lanesAcross,
      LANES: lanesAcross * lanesDown,
      TAIL: Number(aligned && k % 4 > 0),
      TRANSPOSE_A: Number(transposeA),
      TRANSPOSE_B: Number(transposeB),
      BIAS: Number(bias !== undefined && !split),
      ACCUMULATE: Number(accumulate && !split),
      A_SIDE_BY_SIDE: Number(aSides !== undefined),
      OUT_SIDE_BY_SIDE: Number(outSides !== undefined),
    },
  });
  recorder.dispatch(program, {
    bindings: {
      ...(isStaged ? stageInputs(recorder, inputs) : inputs),
      bias: added.slice,
      out: partial ?? out.slice,
      ...active.bindings,
    },
    params: {
      m,
      first_row: mFirst,
      n,
      k,
      k_slice: Math.ceil(k / slices / 4) * 4,
      a_stride: strides.a,
      a_offset: offsets.a,
      b_stride: strides.b,
      b_offset: offsets.b,
      out_stride: split ? n : strides.out,
      out_offset: split ? 0 : offsets.out,
      bias_offset: added.offset,
      ...((aSides ?? outSides)?.words ?? NO_SIDES),
    },
    workgroups: [across, active.workgroups(down), slices],
  });
  if (partial === undefined) return;
  const { lanes } = gpu.tiles.elements;
  const reduce = gpu.program({
    name: "matmul_reduce",
    code: active.code + reduceCode,
    constants: { LANES: lanes, BIAS: Number(bias !== undefined), ACCUMULATE: Number(accumulate) },
  });
  recorder.dispatch(reduce, {
    bindings: { partial, bias: added.slice, out: out.slice, ...active.bindings },
    params: {
      m,
      first_row: mFirst,
      n,
      slices,
      out_stride: strides.out,
      out_offset: offsets.out,
      bias_offset: added.offset,
    },
    workgroups: active.grid(m * n, lanes),
  });
  recorder.recycle(partial);
}

/** The tile of a workgroup that makes all of them together cheapest, and the numbers of them. */
function tileOf({ tiles, lanes }: Tiles["matmul"], m: number, n: number) {
  const all = lanes.flatMap(([lanesAcross, lanesDown]) =>
    tiles.map(({ rows, columns, cost }) => {
      const across = Math.ceil(n / (4 * columns * lanesAcross));
      const down = Math.ceil(m / (4 * rows * lanesDown));
      return { rows, columns, lanesAcross, lanesDown, across, down, cost: cost * across * down };
    })
  );
  return all.reduce((best, tile) => tile.cost < best.cost ? tile : best);
}

/**
 * Whether a product fits bindings, in chunks of four. It is then not cut: operands of more bytes than a stage has are
 * read from buffers, which is many times slower on llvmpipe.
 */
function fitsAtOnce(gpu: GpuContext, extents: readonly number[], operands: MatrixRows[]): boolean {
  return extents.every((extent) => extent > 0 && extent % 4 === 0) &&
    operands.every(({ matrix, first, count }) => {
      const width = matrix.shape[1]!;
      return width % 4 === 0 && (matrix.offset / 4 + first * width) % 4 === 0 &&
        rowsPerBinding(gpu, count, [4 * width]) === count;
    });
}

/** A product whose A is side by side. */
function multiplySides(recorder: Recorder, options: MatmulOptions & { a: SideBySide }): void {
  const { transposeA = false, transposeB = false, bias, accumulate = false } = options;
  const { rows, starts } = checkSides("a", options.a);
  const columns = starts.at(-1)!;
  if (transposeB || isSideBySide(options.out) || options.active !== undefined) {
    throw new ShapeError(
      "a is side by side, expected b without transposeB, one out, and all rows active.",
    );
  }
  const [b, out] = [rowsOf("b", options.b), rowsOf("out", options.out)];
  checkProduct({ a: [rows, columns], b: shapeOf(b), out: shapeOf(out) }, options);
  const [m, k, n] = [transposeA ? columns : rows, transposeA ? rows : columns, columnsOf(b)];
  const sides = sidesOf(recorder.gpu, options.a);
  const extents = [transposeA ? m : k, n];
  if (
    sides !== undefined && sides.isInFours && m <= MOST_ROWS && k > 0 && bias === undefined &&
    fitsAtOnce(recorder.gpu, extents, [b, out])
  ) {
    record(recorder, {
      a: sides,
      b: { ...b, column: 0 },
      out,
      m,
      n,
      k,
      mFirst: 0,
      nFirst: 0,
      active: activeRows(undefined, m),
      transposeA,
      transposeB,
      bias,
      accumulate,
    });
    return;
  }
  for (const [i, a] of options.a.entries()) {
    const range = { first: starts[i]!, count: a.shape[1]! };
    if (transposeA) {
      matmul(recorder, {
        ...options,
        a,
        out: { ...out, first: out.first + range.first, count: range.count },
      });
    } else {
      const { bias: _, ...rest } = options;
      matmul(recorder, {
        ...(i === 0 ? options : rest),
        a,
        b: { ...b, first: b.first + range.first, count: range.count },
        accumulate: accumulate || i > 0,
      });
    }
  }
}

/** A product whose result is side by side. */
function multiplyIntoSides(recorder: Recorder, options: MatmulOptions & { out: SideBySide }): void {
  const { transposeA = false, transposeB = false, bias, accumulate = false } = options;
  const { rows: m, starts } = checkSides("out", options.out);
  const n = starts.at(-1)!;
  if (!transposeB) throw new ShapeError("out is side by side, expected b with transposeB.");
  const [a, b] = [rowsOf("a", options.a as Tensor | MatrixRows), rowsOf("b", options.b)];
  checkProduct({ a: shapeOf(a), b: shapeOf(b), out: [m, n] }, options);
  const k = columnsOf(b);
  if (bias !== undefined) expectTensor("bias", bias, "f32", [n]);
  const sides = sidesOf(recorder.gpu, options.out);
  const extents = [transposeA ? m : 4, k, n, bias === undefined ? 4 : 4 + bias.offset / 4];
  // A longer k may be split, and what adds the partial products writes one matrix.
  if (
    sides !== undefined && sides.isInFours && m <= MOST_ROWS && k < 2 * SHORTEST_SLICE &&
    fitsAtOnce(recorder.gpu, extents, [a, b])
  ) {
    const active = activeRows(options.active, m);
    record(recorder, {
      a: { ...a, column: 0 },
      b: { ...b, column: 0 },
      out: sides,
      m,
      n,
      k,
      mFirst: 0,
      nFirst: 0,
      active,
      transposeA,
      transposeB,
      bias,
      accumulate,
    });
    return;
  }
  for (const [i, out] of options.out.entries()) {
    const range = { first: starts[i]!, count: out.shape[1]! };
    const own = bias === undefined ? {} : { bias: bias.part(range.first, [range.count]) };
    matmul(recorder, {
      ...options,
      b: { ...b, first: b.first + range.first, count: range.count },
      out,
      ...own,
    });
  }
}

function rowsOf(name: string, operand: Tensor | MatrixRows): MatrixRows {
  const rows = "matrix" in operand
    ? operand
    : { matrix: operand, first: 0, count: operand.shape[0]! };
  expectTensor(name, rows.matrix, "f32", [-1, -1]);
  if (rows.first + rows.count > rows.matrix.shape[0]!) {
    throw new ShapeError(
      `${name} has no rows ${rows.first} to ${
        rows.first + rows.count - 1
      }, its shape is [${rows.matrix.shape}].`,
    );
  }
  return rows;
}

/** Rows and columns. */
type MatrixShape = readonly [rows: number, columns: number];

function shapeOf({ matrix, count }: MatrixRows): MatrixShape {
  return [count, matrix.shape[1]!];
}

/** @throws {ShapeError} unless op(a)·op(b) has the shape of `out`. */
function checkProduct(
  { a, b, out }: Readonly<Record<"a" | "b" | "out", MatrixShape>>,
  { transposeA = false, transposeB = false }: Pick<MatmulOptions, "transposeA" | "transposeB">,
): void {
  const [m, k] = transposeA ? [a[1], a[0]] : a;
  const [kOfB, n] = transposeB ? [b[1], b[0]] : b;
  if (k === kOfB && out[0] === m && out[1] === n) return;
  const text = ([rows, columns]: MatrixShape, isTransposed = false) =>
    `[${rows}, ${columns}]${isTransposed ? "ᵀ" : ""}`;
  throw new ShapeError(
    `a ${text(a, transposeA)} times b ${text(b, transposeB)} does not give out ${text(out)}.`,
  );
}

function columnsOf({ matrix }: MatrixRows): number {
  return matrix.shape[1]!;
}

/** `count` rounded down to a multiple of 4 unless it is all there is, or less. */
function multipleOf4(count: number, all: number): number {
  return count >= all ? all : count < 4 ? count : count - (count % 4);
}
