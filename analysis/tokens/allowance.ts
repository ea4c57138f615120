import { ReadError } from "../errors.ts";

/** What any dump may take, however small it is. */
const FREE_BYTES = 2 ** 29;
/** Bytes that a dump of arrays may take for each byte that is stored of it. */
const ARRAY_TIMES = 250;
/** The same for text, which takes longer to read and compresses less. */
const TEXT_TIMES = 50;
/** Numbers that a line may hold, however small the dump is. */
const FREE_VALUES = 2 ** 24;
/** No number of a line takes less. */
const VALUE_BYTES = 2;

/**
 * What a dump may take, by the size that it is stored in: a small file can promise any number of tokens by
 * compression. Counted are the bytes that it inflates to and those of its tokens in the temporary file:
 * 250 times the stored size for arrays, 50 times for JSON lines, and 512 MiB in any case. What is not
 * compressed never comes near that.
 */
export class Allowance {
  /** Whether the dump holds text, and not arrays. */
  isText = false;
  #source: string;
  #stored = 0;
  #taken = 0;

  /** The allowance of a dump whose errors name `source`. */
  constructor(source: string) {
    this.#source = source;
  }

  /** Counts bytes of the dump as it is stored. */
  store(bytes: number): void {
    this.#stored += bytes;
  }

  /**
   * Counts bytes that the dump takes beyond those stored.
   *
   * @throws {ReadError} if they are too many.
   */
  take(bytes: number): void {
    this.#taken += bytes;
    const times = this.isText ? TEXT_TIMES : ARRAY_TIMES;
    if (this.#taken <= Math.max(FREE_BYTES, times * this.#stored)) return;
    throw new ReadError(
      `${this.#source} inflates to more than ${times} times its ${this.#stored} bytes, expected a token dump, which does not.`,
    );
  }

  /**
   * Holds the numbers of one line, which are in memory together, to what the stored bytes can spell out.
   *
   * @throws {ReadError} if they are too many.
   */
  checkLine(line: number, values: number): void {
    const most = Math.max(FREE_VALUES, this.#stored / VALUE_BYTES);
    if (values <= most) return;
    throw new ReadError(
      `${this.#source}: line ${line} inflates to more than ${
        Math.floor(most)
      } numbers, expected a sequence or a token per line.`,
    );
  }
}
