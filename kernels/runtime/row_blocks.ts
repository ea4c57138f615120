import type { GpuContext } from "./context.ts";
import type { Slice } from "./recorder.ts";
import { rowsPerBinding, sliceRows } from "./rows.ts";
import { bytesOf, type Tensor } from "./tensor.ts";

/** Consecutive rows of several tensors. */
export interface RowBlock<Tensors extends readonly Tensor[]> {
  /** First row. */
  readonly first: number;
  /** Number of rows. */
  readonly count: number;
  /** What to bind of each tensor; it begins with the first row. */
  readonly slices: { readonly [I in keyof Tensors]: Slice };
}

/**
 * Cuts tensors of as many rows each into blocks that fit the adapter's bindings; mostly that is one block.
 * Blocks begin where bindings may begin, so that shaders need no offsets.
 *
 * @throws {ShapeError} if not even the smallest block fits, or a tensor is a part of another that begins where no
 * binding may.
 */
export function rowBlocks<const Tensors extends readonly Tensor[]>(
  gpu: GpuContext,
  rows: number,
  ...tensors: Tensors
): Generator<RowBlock<Tensors>> {
  return blocksWithin(gpu, rows, tensors, Infinity);
}

/**
 * {@linkcode rowBlocks} that also fit the stages through which they are read where the adapter has them
 * (stage.ts), unless not even the smallest block does: `rowReads` then reads from buffers.
 *
 * @throws {ShapeError} likewise.
 */
export function stagedRowBlocks<const Tensors extends readonly Tensor[]>(
  gpu: GpuContext,
  rows: number,
  ...tensors: Tensors
): Generator<RowBlock<Tensors>> {
  return blocksWithin(gpu, rows, tensors, gpu.tiles.stageBytes || Infinity);
}

/** Blocks of at most so many bytes of each tensor. */
function* blocksWithin<const Tensors extends readonly Tensor[]>(
  gpu: GpuContext,
  rows: number,
  tensors: Tensors,
  mostBytes: number,
): Generator<RowBlock<Tensors>> {
  if (rows === 0) return;
  const { minStorageBufferOffsetAlignment: alignment } = gpu.device.limits;
  const widths = tensors.map(({ size }) => size / rows);
  const bytes = tensors.map(({ type }, i) => widths[i]! * bytesOf(type));
  // The alignment is a power of two, so the largest of these divides all block sizes that will do.
  const step = Math.min(rows, Math.max(...bytes.map((count) => rowsPerMultiple(count, alignment))));
  const steps = bytes.map((count) => count * step);
  const most = step *
    Math.min(
      rowsPerBinding(gpu, Math.ceil(rows / step), steps),
      Math.floor(mostBytes / Math.max(...steps)) || Infinity,
    );
  for (let first = 0; first < rows; first += most) {
    const count = Math.min(most, rows - first);
    const slices = tensors.map((tensor, i) =>
      sliceRows(gpu, tensor, { width: widths[i]!, first, count })
    );
    yield { first, count, slices: slices as RowBlock<Tensors>["slices"] };
  }
}

/** How many rows of `bytes` bytes make a multiple of a power of two. */
function rowsPerMultiple(bytes: number, power: number): number {
  let rows = 1;
  while ((rows * bytes) % power !== 0) rows *= 2;
  return rows;
}
