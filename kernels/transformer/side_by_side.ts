import type { GpuContext } from "../runtime/context.ts";
import { ShapeError } from "../runtime/errors.ts";
import type { Slice } from "../runtime/recorder.ts";
import { type DataType, expectTensor, type Tensor } from "../runtime/tensor.ts";

/**
 * Matrices [N, Wᵢ] read as one [N, ΣWᵢ]. Three cut from one tensor by {@linkcode sideBySide} take one dispatch, others
 * one each.
 */
export type SideBySide = readonly Tensor[];

/** Elements of f32 at a multiple of which a part of a tensor may be bound on every adapter. */
const ALIGNMENT = 64;

/** So many elements of f32, and those up to where the next part of a tensor may be bound on every adapter. */
export function alignedSize(elements: number): number {
  return Math.ceil(elements / ALIGNMENT) * ALIGNMENT;
}

/** The elements that matrices of these numbers of columns take as parts of one tensor. */
export function sideBySideSize(rows: number, widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + alignedSize(rows * width), 0);
}

/** The matrices that a tensor of {@linkcode sideBySideSize} holds, one after the other. */
export function sideBySide<Type extends DataType>(
  tensor: Tensor<Type>,
  rows: number,
  widths: readonly number[],
): Tensor<Type>[] {
  let first = 0;
  return widths.map((width) => {
    const part = tensor.part(first, [rows, width]);
    first += alignedSize(rows * width);
    return part;
  });
}

/** Three matrices side by side, as one binding holds them. */
export interface Sides {
  /** The binding; it begins with the first. */
  readonly slice: Slice;
  /** What side_by_side.wgsl is told of them, in elements. */
  readonly words: typeof NO_SIDES;
  /** Whether each has, and begins at, a multiple of four. */
  readonly isInFours: boolean;
}

/** What side_by_side.wgsl is told where there is one matrix. */
export const NO_SIDES = { second: 0, third: 0, columns: 0, to_second: 0, to_third: 0 };

/** Whether an operand is matrices side by side. */
export function isSideBySide(operand: unknown): operand is SideBySide {
  return Array.isArray(operand);
}

/**
 * Checks matrices side by side, of which there is one at least, and gives their rows and the columns at which each
 * begins and the last ends.
 *
 * @throws {ShapeError} if shapes or types do not fit.
 */
export function checkSides(
  name: string,
  matrices: SideBySide,
): { readonly rows: number; readonly starts: readonly number[] } {
  const rows = matrices[0]?.shape[0];
  if (rows === undefined) throw new ShapeError(`${name} is no matrices, expected one or more.`);
  const starts = [0];
  for (const matrix of matrices) {
    expectTensor(name, matrix, "f32", [rows, -1]);
    starts.push(starts.at(-1)! + matrix.shape[1]!);
  }
  return { rows, starts };
}

/** Three matrices in one binding; undefined where there are not three, or they are not in one. */
export function sidesOf(gpu: GpuContext, matrices: SideBySide): Sides | undefined {
  const [x, y, z, ...more] = matrices;
  if (x === undefined || y === undefined || z === undefined || more.length > 0) return undefined;
  const { minStorageBufferOffsetAlignment: alignment, maxStorageBufferBindingSize: limit } =
    gpu.device.limits;
  // Shaders read whole chunks of four.
  const bytes = Math.ceil((z.offset + z.bytes - x.offset) / 16) * 16;
  const isOneBinding = y.buffer === x.buffer && z.buffer === x.buffer &&
    y.offset >= x.offset + x.bytes && z.offset >= y.offset + y.bytes &&
    x.offset % alignment === 0 && bytes <= limit;
  if (!isOneBinding) return undefined;
  const [second, columns] = [x.shape[1]!, x.shape[1]! + y.shape[1]! + z.shape[1]!];
  const words = {
    second,
    third: second + y.shape[1]!,
    columns,
    to_second: (y.offset - x.offset) / 4,
    to_third: (z.offset - x.offset) / 4,
  };
  return {
    slice: { tensor: x, offset: x.offset, bytes },
    words,
    isInFours: Object.values(words).every((word) => word % 4 === 0),
  };
}
