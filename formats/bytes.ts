import { createGunzip } from "node:zlib";
import { ReadError } from "./errors.ts";
import { isStandardInput, STANDARD_INPUT } from "./standard_input.ts";
import { through } from "./through.ts";

const CHUNK_BYTES = 1 << 18;
/** What a gzipped source may always inflate to, whatever its size. */
const FREE_INFLATION = 1 << 26;
/** Rows and values that a source may always have, whatever its size. */
const FREE_PIECES = 1 << 22;

/** What is needed of an open file. */
interface Handle {
  read(buffer: Uint8Array): Promise<number | null>;
  close(): void;
}

/**
 * The bytes of a file, a pipe or standard input, by one handle: {@linkcode ByteSource.head} looks at the
 * beginning, and {@linkcode ByteSource.chunks} still gives everything from the beginning. Gzipped data
 * (told by its first two bytes, not the name) is decompressed on the way. To be disposed of, which
 * closes the file.
 */
export class ByteSource implements AsyncDisposable {
  /** The path as it was given, or "standard input". */
  readonly name: string;
  /**
   * How many bytes a gzipped source may inflate to for each byte that it has; what inflates further (and
   * to more than 64 MiB) is refused.
   */
  mostInflation = Infinity;
  #handle: Handle;
  #stream: AsyncGenerator<Uint8Array<ArrayBuffer>>;
  #head: Uint8Array<ArrayBuffer>[] = [];
  #taken = 0;
  #pieces = 0;
  #isGzipped = false;
  #end: "unknown" | "whole" | "cut off" = "unknown";

  private constructor(name: string, handle: Handle) {
    this.name = name;
    this.#handle = handle;
    this.#stream = this.#decompressed();
  }

  /**
   * Opens a file for reading; a FIFO waits for its writer.
   *
   * @throws {ReadError} if the file does not exist, cannot be read, or is a directory.
   */
  static async open(path: string): Promise<ByteSource> {
    if (isStandardInput(path)) {
      const read = (buffer: Uint8Array) => Deno.stdin.read(buffer);
      return new ByteSource(STANDARD_INPUT, { read, close: () => {} });
    }
    let file: Deno.FsFile | undefined;
    try {
      file = await Deno.open(path);
      if ((await file.stat()).isDirectory) {
        throw new ReadError(`${path} is a directory, expected a file.`);
      }
      return new ByteSource(path, file);
    } catch (error) {
      file?.close();
      throw readError(path, error);
    }
  }

  /**
   * The first `limit` bytes after decompression; all of it if it is shorter. To be asked for before the
   * chunks.
   *
   * @throws {ReadError} as the chunks do.
   */
  async head(limit: number): Promise<Uint8Array<ArrayBuffer>> {
    let length = this.#head.reduce((sum, { length }) => sum + length, 0);
    while (length < limit) {
      const next = await this.#stream.next();
      if (next.done) break;
      this.#head.push(next.value.slice());
      length += next.value.length;
    }
    const head = new Uint8Array(length);
    let at = 0;
    for (const chunk of this.#head) {
      head.set(chunk, at);
      at += chunk.length;
    }
    this.#head = [head];
    return head.subarray(0, limit);
  }

  /**
   * All bytes after decompression, once; a chunk is valid until the next one is asked for. Gzipped data
   * that was cut off ends where it was cut, as a cut-off plain file does.
   *
   * @throws {ReadError} if reading fails, or gzipped data is damaged or inflates too far.
   */
  async *chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const head = this.#head;
    this.#head = [];
    yield* head;
    yield* this.#stream;
  }

  /**
   * Counts rows and values that a reader found, each of which costs it time and memory. More than the
   * source has bytes (before decompression) and than 2^22 are refused: gzipped repetition, no log.
   *
   * @throws {ReadError} if there are more.
   */
  spend(pieces: number): void {
    this.#pieces += pieces;
    if (this.#pieces <= FREE_PIECES || this.#pieces <= this.#taken) return;
    throw new ReadError(
      `${this.name} has more rows, values or unreadable lines than a log of its size can have${
        this.#isGzipped ? "; to read it all the same, unpack it first" : ""
      }.`,
    );
  }

  /** Whether the end of the chunks is known to be the end of what was written: a gzip trailer says so. */
  get isWhole(): boolean {
    return this.#end === "whole";
  }

  /** Whether gzipped data ended before its trailer. */
  get isCutOff(): boolean {
    return this.#end === "cut off";
  }

  /** Closes the file; standard input stays open. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream.return(undefined);
    this.#handle.close();
  }

  async *#decompressed(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const raw = this.#raw();
    // A pipe may give its first bytes one by one.
    let first = new Uint8Array(0);
    while (first.length < 2) {
      const next = await raw.next();
      if (next.done) break;
      const longer = new Uint8Array(first.length + next.value.length);
      longer.set(first);
      longer.set(next.value, first.length);
      first = longer;
    }
    if (first.length === 0) return;
    if (!(first[0] === 0x1f && first[1] === 0x8b)) {
      yield first;
      yield* raw;
      return;
    }
    async function* compressed() {
      yield first;
      // gunzip keeps what it is given, so each chunk is copied out of the reused buffer.
      for await (const chunk of raw) yield chunk.slice();
    }
    this.#isGzipped = true;
    let inflated = 0;
    try {
      const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
      for await (
        const chunk of through<Uint8Array, Uint8Array<ArrayBuffer>>(compressed(), gunzip)
      ) {
        inflated += chunk.length;
        if (inflated > Math.max(FREE_INFLATION, this.mostInflation * this.#taken)) {
          throw new ReadError(
            `${this.name} inflates to more than ${this.mostInflation} times its size and 64 MiB, which such files do not; to read it all the same, unpack it first.`,
          );
        }
        // As an array of the kind that plain files give: code that meets two kinds is slow.
        yield new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
      }
      this.#end = "whole";
    } catch (error) {
      if (error instanceof ReadError) throw error;
      if ((error as { code?: string }).code !== "Z_BUF_ERROR") {
        throw new ReadError(
          `${this.name}: the gzip data is damaged (${(error as Error).message}).`,
        );
      }
      this.#end = "cut off";
    }
  }

  async *#raw(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const buffer = new Uint8Array(CHUNK_BYTES);
    while (true) {
      let count: number | null;
      try {
        count = await this.#handle.read(buffer);
      } catch (error) {
        throw readError(this.name, error);
      }
      if (count === null) return;
      this.#taken += count;
      yield buffer.subarray(0, count);
    }
  }
}

function readError(name: string, error: unknown): ReadError {
  if (error instanceof ReadError) return error;
  if (error instanceof Deno.errors.NotFound) return new ReadError(`${name} does not exist.`);
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return new ReadError(`${name} cannot be read: permission denied.`);
  }
  return new ReadError(`${name} cannot be read: ${(error as Error).message}.`);
}

/** Reads a byte stream piece by piece: what the framed binary formats need. */
export class ByteReader {
  #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #offset = 0;

  /** A reader over chunks, such as those of a {@linkcode ByteSource}. */
  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next `count` bytes as a copy, or fewer where the stream ends. */
  async read(count: number): Promise<Uint8Array<ArrayBuffer>> {
    const out = new Uint8Array(Math.min(count, CHUNK_BYTES));
    let bytes = out;
    let length = 0;
    while (length < count) {
      if (this.#offset === this.#chunk.length) {
        const next = await this.#chunks.next();
        if (next.done) return bytes.subarray(0, length);
        this.#chunk = next.value;
        this.#offset = 0;
        continue;
      }
      const part = this.#chunk.subarray(this.#offset, this.#offset + count - length);
      // A damaged length field can ask for gigabytes: grow only as bytes arrive.
      if (length + part.length > bytes.length) {
        const grown = new Uint8Array(Math.min(count, 2 * (length + part.length)));
        grown.set(bytes.subarray(0, length));
        bytes = grown;
      }
      bytes.set(part, length);
      length += part.length;
      this.#offset += part.length;
    }
    return bytes.subarray(0, length);
  }

  /** Passes over the next `count` bytes; false if the stream ends before. */
  async skip(count: number): Promise<boolean> {
    for (let left = count; left > 0;) {
      const part = Math.min(left, this.#chunk.length - this.#offset);
      this.#offset += part;
      left -= part;
      if (left === 0) break;
      const next = await this.#chunks.next();
      if (next.done) return false;
      this.#chunk = next.value;
      this.#offset = 0;
    }
    return true;
  }

  /** Stops reading and closes the file. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
