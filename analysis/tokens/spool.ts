import { readAt } from "../../formats/file_bytes.ts";
import { type TemporaryFile, temporaryFile } from "../../formats/temporary_file.ts";
import type { Allowance } from "./allowance.ts";
import type { TokenBlock } from "./dump.ts";

/** Tokens of a block. */
const BLOCK = 1 << 15;

/** The columns in the order in which a block of the file holds them. */
const COLUMNS = [
  ["logProb", Float64Array],
  ["advantage", Float64Array],
  ["oldLogProb", Float64Array],
  ["sequence", Uint32Array],
  ["position", Uint32Array],
  ["token", Int32Array],
] as const;
const TOKEN_BYTES = COLUMNS.reduce((sum, [, array]) => sum + array.BYTES_PER_ELEMENT, 0);
const BLOCK_BYTES = BLOCK * TOKEN_BYTES;
/** The bytes of a block that logProb and advantage fill. */
const VALUE_BYTES = BLOCK * 2 * Float64Array.BYTES_PER_ELEMENT;

/** The first `count` tokens of the block that lies in a buffer. */
function blockOf(buffer: ArrayBuffer, count = BLOCK): TokenBlock {
  let at = 0;
  return Object.fromEntries(COLUMNS.map(([name, Column]) => {
    const column = new Column(buffer, at, count);
    at += BLOCK * Column.BYTES_PER_ELEMENT;
    return [name, column];
  })) as unknown as TokenBlock;
}

/**
 * Response tokens in a temporary file, in blocks of columns, so that passes over any number of them
 * need the memory of one block and read only the columns that they use.
 */
export class TokenSpool implements Disposable {
  #allowance: Allowance | undefined;
  #temporary: TemporaryFile = temporaryFile();
  #buffer = new ArrayBuffer(BLOCK_BYTES);
  #block = blockOf(this.#buffer);
  /** Tokens in the block that is being filled. */
  #filled = 0;
  #length = 0;

  /** An empty one; what it takes on disk is counted in an allowance. */
  constructor(allowance?: Allowance) {
    this.#allowance = allowance;
  }

  /** Number of tokens. */
  get length(): number {
    return this.#length;
  }

  /** The block that is being filled. */
  get block(): TokenBlock {
    return this.#block;
  }

  /**
   * Makes room for one more token and says where in {@linkcode TokenSpool.block} its values are to be put.
   *
   * @throws {ReadError} if the dump inflates to more than is allowed.
   * @throws {UserError} if the temporary folder is full.
   */
  next(): number {
    if (this.#filled === BLOCK) this.finish();
    this.#length++;
    return this.#filled++;
  }

  /** Writes what is left, after the last token. */
  finish(): void {
    if (this.#filled === 0) return;
    this.#allowance?.take(BLOCK_BYTES);
    this.#temporary.append(new Uint8Array(this.#buffer));
    this.#filled = 0;
  }

  /** All tokens, block by block; a block is valid until the next one is asked for. */
  *blocks(): Generator<TokenBlock> {
    yield* this.#read(BLOCK_BYTES);
  }

  /** The same, but only `logProb` and `advantage` are filled in. */
  *values(): Generator<Pick<TokenBlock, "logProb" | "advantage">> {
    yield* this.#read(VALUE_BYTES);
  }

  *#read(bytes: number): Generator<TokenBlock> {
    const buffer = new ArrayBuffer(BLOCK_BYTES);
    const wanted = new Uint8Array(buffer, 0, bytes);
    const whole = blockOf(buffer);
    for (let start = 0; start < this.#length; start += BLOCK) {
      readAt(this.#temporary.file, (start / BLOCK) * BLOCK_BYTES, wanted);
      const count = Math.min(BLOCK, this.#length - start);
      yield count === BLOCK ? whole : blockOf(buffer, count);
    }
  }

  /** Removes the temporary file. */
  [Symbol.dispose](): void {
    this.#temporary.close();
  }
}
