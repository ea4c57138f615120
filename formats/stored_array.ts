import { ByteReader } from "./byte_reader.ts";
import { type Dtype, DTYPES } from "./dtype.ts";
import { ReadError } from "./errors.ts";

/** One array of a file, row-major. */
export interface StoredArray {
  /** A name of {@linkcode DTYPES}, or what the file calls it if it is none. */
  readonly dtype: string;
  /** Its size in each dimension. */
  readonly shape: readonly number[];
  /** Its bytes from the first to the last. */
  bytes(): AsyncIterable<Uint8Array>;
}

/** Whether a value of a file's header can be a shape, or another list of sizes. */
export function areSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/** The arrays of a file. */
export interface NamedArrays {
  /** All that the file has. */
  readonly names: readonly string[];
  /**
   * The array of one of the names.
   *
   * @throws {ReadError} if it is damaged or cut off.
   */
  open(name: string): Promise<StoredArray>;
}

/** Reads the values of one array in their order. */
export class ArrayReader {
  #path: string;
  #name: string;
  #dtype: Dtype;
  #reader: ByteReader;

  /**
   * A reader of an array, by its name and its file's path in errors.
   *
   * @throws {ReadError} if values of its type cannot be read.
   */
  constructor(path: string, name: string, array: StoredArray) {
    const dtype = DTYPES.get(array.dtype);
    if (dtype === undefined) {
      throw new ReadError(
        `${path}: ${name} holds values of the type ${array.dtype}, which cannot be read.`,
      );
    }
    this.#path = path;
    this.#name = name;
    this.#dtype = dtype;
    this.#reader = new ByteReader(array.bytes());
  }

  /**
   * The next values, in a buffer of their own.
   *
   * @throws {ReadError} if there are not so many.
   */
  async read(count: number): Promise<Float64Array> {
    const bytes = await this.#reader.read(count * this.#dtype.bytes);
    if (bytes.length < count * this.#dtype.bytes) {
      throw new ReadError(`${this.#path} is cut off: ${this.#name} ends before its last value.`);
    }
    return this.#dtype.decode(bytes);
  }

  /**
   * Reads on to the end of the bytes, where an archive checks their sum.
   *
   * @throws {ReadError} if there are more.
   */
  async expectEnd(): Promise<void> {
    const rest = await this.#reader.read(1);
    if (rest.length > 0) {
      throw new ReadError(`${this.#path} is damaged: ${this.#name} goes on after its last value.`);
    }
  }

  /** Stops reading. */
  close(): Promise<void> {
    return this.#reader.close();
  }
}
