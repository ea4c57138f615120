import type { ByteSource } from "../../formats/byte_source.ts";
import { ReadError } from "../../formats/errors.ts";

/** Bytes that a dump may take for each byte that is stored of it, and however small it is. */
interface Limit {
  times: number;
  free: number;
}

/** Padding of sequences to the longest, constant masks and advantages compress well. */
const ARRAYS: Limit = { times: 250, free: 2 ** 29 };
/** Text compresses less, and takes longer to read. */
const TEXT: Limit = { times: 50, free: 2 ** 27 };
/** Numbers that a line may hold, however small the dump is. */
const FREE_VALUES = 2 ** 24;
/** No number of a line takes less. */
const VALUE_BYTES = 2;

/**
 * What a dump may take, by the size that it is stored in: a small file can promise any number of tokens by
 * compression. Counted are the bytes that it inflates to and those of its tokens in the temporary file. What
 * is not compressed never comes near the limits.
 */
export class Allowance {
  /** Whether the dump holds text, and not arrays. */
  isText = false;
  #source: Pick<ByteSource, "name" | "stored">;
  #taken = 0;

  /** The allowance of a dump: what errors call it, and the size that it is stored in. */
  constructor(source: Pick<ByteSource, "name" | "stored">) {
    this.#source = source;
  }

  /**
   * Counts bytes that the dump takes beyond those stored.
   *
   * @throws {ReadError} if they are too many.
   */
  take(bytes: number): void {
    this.#taken += bytes;
    const { times, free } = this.isText ? TEXT : ARRAYS;
    const { name, stored } = this.#source;
    const most = Math.max(free, times * stored);
    if (this.#taken <= most) return;
    throw new ReadError(
      `${name} inflates from ${stored} to more than ${most} bytes, which no token dump does; store it uncompressed if it is one.`,
    );
  }

  /**
   * Holds the numbers of one line, which are in memory together, to what the stored bytes can spell out.
   *
   * @throws {ReadError} if they are too many.
   */
  checkLine(line: number, values: number): void {
    const { name, stored } = this.#source;
    const most = Math.max(FREE_VALUES, stored / VALUE_BYTES);
    if (values <= most) return;
    throw new ReadError(
      `${name}: line ${line} inflates to more than ${
        Math.floor(most)
      } numbers, expected a sequence or a token; store it uncompressed if it is one.`,
    );
  }
}
