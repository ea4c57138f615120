import { ShapeError } from "./errors.ts";
import type { TensorMemory } from "./memory.ts";

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

/** The memory of a tensor: for the runtime, which hides it from everybody else. */
export let memoryOf: (tensor: Tensor) => TensorMemory;

/** Whether a tensor shows another's memory, or a part of it. */
export let isView: (tensor: Tensor) => boolean;

/**
 * An array on the GPU, row-major. Its memory is not seen by the garbage collector: call `destroy`, or
 * declare it with `using`. Destroying a tensor that a recorder still needs is safe, its memory is given
 * back after the submission.
 */
export class Tensor<Type extends DataType = DataType> {
  /** Extent of each dimension; `[]` is a scalar. */
  readonly shape: readonly number[];
  /** Type of the elements. */
  readonly type: Type;
  /** Number of elements. */
  readonly size: number;
  #memory: TensorMemory;
  /** Where it begins in another tensor's memory; undefined if it has memory of its own. */
  #viewOffset: number | undefined;

  static {
    memoryOf = (tensor) => tensor.#memory;
    isView = (tensor) => tensor.#viewOffset !== undefined;
  }

  /**
   * Made by a `Gpu` or a `Recorder`, not directly.
   *
   * @throws {ShapeError} if an extent is not a whole number.
   * @ignore
   */
  constructor(shape: readonly number[], type: Type, memory: TensorMemory, viewOffset?: number) {
    expectShape(shape);
    this.shape = shape;
    this.type = type;
    this.size = sizeOf(shape);
    this.#memory = memory;
    this.#viewOffset = viewOffset;
  }

  /** Bytes of the elements, without the padding of the buffer. */
  get bytes(): number {
    return this.size * bytesOf(this.type);
  }

  /** The first byte in the buffer: 0 but for a part of another tensor. */
  get offset(): number {
    return this.#viewOffset ?? 0;
  }

  /**
   * The buffer.
   *
   * @throws {ShapeError} if the tensor was destroyed and no recorder holds it any more.
   */
  get buffer(): GPUBuffer {
    const { buffer } = this.#memory;
    if (buffer !== undefined) return buffer;
    throw new ShapeError(`a tensor of shape [${this.shape}] is used after it was destroyed.`);
  }

  /**
   * The same elements in another shape. It has no memory of its own: destroying it does nothing, and it can
   * be used as long as this tensor can.
   *
   * @throws {ShapeError} if the number of elements is another, or an extent is not a whole number.
   */
  reshape(shape: readonly number[]): Tensor<Type> {
    if (sizeOf(shape) !== this.size) {
      throw new ShapeError(`a tensor of shape [${this.shape}] cannot be seen as [${shape}].`);
    }
    return new Tensor(shape, this.type, this.#memory, this.offset);
  }

  /**
   * Some of the elements, from `first` on, in a shape of their own. Like {@linkcode reshape} it has no memory of its
   * own. Most kernels take it only where bindings may begin, such as at a multiple of 256 bytes.
   *
   * @throws {ShapeError} if it is not within the tensor, begins within a word, ends within one that other elements
   * share, or an extent is not a whole number.
   */
  part(first: number, shape: readonly number[]): Tensor<Type> {
    const start = first * bytesOf(this.type);
    const end = first + sizeOf(shape);
    const isWithin = Number.isSafeInteger(first) && first >= 0 && end <= this.size;
    const endsWord = end === this.size || (end * bytesOf(this.type)) % 4 === 0;
    if (!isWithin || start % 4 !== 0 || !endsWord) {
      throw new ShapeError(
        `a tensor of shape [${this.shape}] in ${this.type} has no part [${shape}] at ${first}.`,
      );
    }
    return new Tensor(shape, this.type, this.#memory, this.offset + start);
  }

  /** Gives the memory back to the pool; twice is as good as once. */
  destroy(): void {
    if (!isView(this)) this.#memory.destroy();
  }

  /** Destroys it at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.destroy();
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

/**
 * Checks a tensor whose shape does not matter.
 *
 * @param size The number of elements that it must have.
 * @throws {ShapeError} naming the tensor, what it is, and what was expected.
 */
export function expectElements(name: string, tensor: Tensor, type: DataType, size: number): void {
  expectTensor(name, tensor, type, tensor.shape);
  if (tensor.size === size) return;
  throw new ShapeError(`${name} has ${tensor.size} elements, expected ${size}.`);
}
