import { ShapeError } from "./errors.ts";
import type { GpuContext } from "./context.ts";
import type { Slice } from "./recorder.ts";
import { bytesOf, type Tensor } from "./tensor.ts";

/** Consecutive rows of a tensor, bound so that they fit the adapter's binding limit. */
export interface Rows {
  /** First row. */
  readonly first: number;
  /** Number of rows. */
  readonly count: number;
  /** What to bind; it begins a little before the first row where the alignment of bindings asks for it. */
  readonly slice: Slice;
  /** The element of the binding at which the first row begins. */
  readonly offset: number;
}

/** Which rows of a tensor are bound. */
export interface RowRange {
  /** Elements of a row. */
  readonly width: number;
  /** First row. */
  readonly first: number;
  /** Number of rows. */
  readonly count: number;
}

/**
 * Binds some rows of a tensor.
 *
 * @throws {ShapeError} if they do not fit into one binding.
 */
export function bindRows(
  gpu: GpuContext,
  tensor: Tensor,
  { width, first, count }: RowRange,
): Rows {
  const { minStorageBufferOffsetAlignment: alignment, maxStorageBufferBindingSize: limit } =
    gpu.device.limits;
  const element = bytesOf(tensor.type);
  const start = tensor.offset + first * width * element;
  const offset = start - (start % alignment);
  // Shaders read whole 16-byte vectors, so the binding ends on one; buffers are padded to 256 bytes.
  const bytes = Math.max(16, Math.ceil((start - offset + count * width * element) / 16) * 16);
  if (bytes > limit) {
    throw new ShapeError(
      `${count} rows of ${width} ${tensor.type} need ${bytes} bytes in one binding, this adapter allows ${limit}.`,
    );
  }
  return { first, count, slice: { tensor, offset, bytes }, offset: (start - offset) / element };
}

/**
 * What to bind of some rows of a tensor for a shader that knows no offset.
 *
 * @throws {ShapeError} if they do not fit into one binding, or begin where none may, as a part of a tensor can.
 */
export function sliceRows(gpu: GpuContext, tensor: Tensor, range: RowRange): Slice {
  const { slice, offset } = bindRows(gpu, tensor, range);
  if (offset === 0) return slice;
  const start = slice.offset + offset * bytesOf(tensor.type);
  throw new ShapeError(
    `a part [${tensor.shape}] of a tensor is read from byte ${start}, where no binding begins.`,
  );
}

/**
 * The most rows of several tensors that can be bound at once, of `rows` in all.
 *
 * @param widths Bytes of a row of each tensor.
 * @throws {ShapeError} if not even one row fits.
 */
export function rowsPerBinding(gpu: GpuContext, rows: number, widths: readonly number[]): number {
  const { minStorageBufferOffsetAlignment: alignment, maxStorageBufferBindingSize: limit } =
    gpu.device.limits;
  const widest = Math.max(...widths);
  const most = Math.floor((limit - alignment - 16) / widest);
  if (widest * rows + alignment + 16 <= limit) return rows;
  if (most < 1) {
    throw new ShapeError(`a row of ${widest} bytes does not fit into a binding of ${limit} bytes.`);
  }
  return most;
}
