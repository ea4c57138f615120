import { ShapeError } from "./errors.ts";
import type { Gpu } from "./gpu.ts";

/** The type of an element. f16 and bf16 are packed two to a word and are input only. */
export type DataType = "f32" | "u32" | "f16" | "bf16";

const BYTES: ReadonlyMap<DataType, number> = new Map(
  [["f32", 4], ["u32", 4], ["f16", 2], ["bf16", 2]],
);

/**
 * Bytes of an element.
 *
 * @throws {ShapeError} if there is no such type.
 */
export function bytesOf(type: DataType): number {
  const bytes = BYTES.get(type);
  if (bytes !== undefined) return bytes;
  throw new ShapeError(
    `there is no type ${type}, expected one of ${[...BYTES.keys()].join(", ")}.`,
  );
}

/** A GPU buffer and the bytes that were asked of the pool for it. */
export interface Allocation {
  /** The buffer, at least as large as was asked. */
  readonly buffer: GPUBuffer;
  /** Size of the buffer in bytes. */
  readonly bytes: number;
}

/**
 * An array on the GPU, row-major. Its memory is not seen by the garbage collector: call `destroy`, or
 * declare it with `using`. Destroying a tensor that a recorder still needs is safe, its memory is given
 * back after the submission.
 */
export class Tensor {
  /** Extent of each dimension; `[]` is a scalar. */
  readonly shape: readonly number[];
  /** Type of the elements. */
  readonly type: DataType;
  /** Number of elements. */
  readonly size: number;
  #gpu: Gpu;
  #allocation: Allocation | undefined;
  #recorders = 0;
  #destroyed = false;
  /** Whose memory this is, if it is not its own. */
  #base: Tensor | undefined;

  /**
   * Made by `Gpu`, not directly.
   *
   * @throws {ShapeError} if an extent is not a whole number.
   */
  constructor(
    gpu: Gpu,
    shape: readonly number[],
    type: DataType,
    allocation: Allocation | undefined,
  ) {
    expectShape(shape);
    this.#gpu = gpu;
    this.shape = shape;
    this.type = type;
    this.size = sizeOf(shape);
    this.#allocation = allocation;
  }

  /** Bytes of the elements, without the padding of the buffer. */
  get bytes(): number {
    return this.size * bytesOf(this.type);
  }

  /**
   * The buffer.
   *
   * @throws {ShapeError} if the tensor was destroyed and no recorder holds it any more.
   */
  get buffer(): GPUBuffer {
    if (this.#base !== undefined) return this.#base.buffer;
    if (this.#allocation === undefined) {
      throw new ShapeError(`a tensor of shape [${this.shape}] is used after it was destroyed.`);
    }
    return this.#allocation.buffer;
  }

  /**
   * The same elements in another shape. It has no memory of its own: destroying it does nothing, and it can
   * be used as long as this tensor can.
   *
   * @throws {ShapeError} if the number of elements is another, or an extent is not a whole number.
   */
  reshape(shape: readonly number[]): Tensor {
    if (sizeOf(shape) !== this.size) {
      throw new ShapeError(`a tensor of shape [${this.shape}] cannot be seen as [${shape}].`);
    }
    const view = new Tensor(this.#gpu, shape, this.type, undefined);
    view.#base = this.#base ?? this;
    return view;
  }

  /** Whether it belongs to this GPU. */
  isOn(gpu: Gpu): boolean {
    return this.#gpu === gpu;
  }

  /** Gives the memory back to the pool; twice is as good as once. */
  destroy(): void {
    if (this.#destroyed || this.#base !== undefined) return;
    this.#destroyed = true;
    this.#gpu.countBytes(-this.#allocation!.bytes);
    this.#release();
  }

  /** Destroys it at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.destroy();
  }

  /** Called by a recorder that lends this memory only: it is counted nowhere. */
  disown(): void {
    this.#destroyed = true;
  }

  /** Called by a recorder that passes the memory of a temporary on to another. */
  surrender(): Allocation {
    const allocation = this.#allocation;
    if (allocation === undefined) throw new ShapeError("only a temporary itself can be recycled.");
    this.#allocation = undefined;
    return allocation;
  }

  /** Called by a recorder that needs the memory until it is submitted. */
  hold(): void {
    if (this.#base !== undefined) return this.#base.hold();
    this.#recorders++;
  }

  /** Called by that recorder after the submission. */
  letGo(): void {
    if (this.#base !== undefined) return this.#base.letGo();
    this.#recorders--;
    this.#release();
  }

  #release(): void {
    if (!this.#destroyed || this.#recorders > 0 || this.#allocation === undefined) return;
    this.#gpu.pool.give(this.#allocation);
    this.#allocation = undefined;
  }
}

/** @throws {ShapeError} if an extent is not a whole number. */
export function expectShape(shape: readonly number[]): void {
  if (shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) return;
  throw new ShapeError(`a tensor cannot have shape [${shape}], expected whole numbers.`);
}

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, extent) => size * extent, 1);
}

/**
 * Checks a tensor that a kernel was given.
 *
 * @param shape The shape that it must have; -1 stands for any extent.
 * @throws {ShapeError} naming the tensor, what it is, and what was expected.
 */
export function expectTensor(
  name: string,
  tensor: Tensor,
  type: DataType | readonly DataType[],
  shape: readonly number[],
): void {
  const types = typeof type === "string" ? [type] : type;
  if (!types.includes(tensor.type)) {
    throw new ShapeError(`${name} is ${tensor.type}, expected ${types.join(" or ")}.`);
  }
  const fits = tensor.shape.length === shape.length &&
    shape.every((extent, i) => extent === -1 || extent === tensor.shape[i]);
  if (!fits) {
    const expected = shape.map((extent) => extent === -1 ? "any" : extent).join(", ");
    throw new ShapeError(`${name} has shape [${tensor.shape}], expected [${expected}].`);
  }
}
