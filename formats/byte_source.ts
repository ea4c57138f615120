import { createGunzip } from "node:zlib";
import { asReadError } from "./as_read_error.ts";
import { ReadError } from "./errors.ts";
import { inflated, INFLATED_BYTES } from "./inflate.ts";
import { seekable, type SeekableFile, spooled } from "./seekable.ts";
import { isStandardInput, STANDARD_INPUT } from "./standard_input.ts";

const CHUNK_BYTES = 1 << 18;
const GZIP_MAGIC: readonly number[] = [0x1f, 0x8b];

/** What is needed of an open file, pipe or standard input. */
export interface OpenFile {
  /** The path as it was given, or "standard input". */
  readonly name: string;
  /** The file as one that can be read at any place; undefined where it is none. */
  readonly file: SeekableFile | undefined;
  /** Reads on; null at the end. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Closes it. */
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
  #file: OpenFile;
  #stream: AsyncGenerator<Uint8Array<ArrayBuffer>>;
  #head: Uint8Array<ArrayBuffer>[] = [];
  #read = 0;
  #isGzipped = false;
  #end: "unknown" | "whole" | "cut off" = "unknown";
  #spooled: (SeekableFile & Disposable) | undefined;

  /** The bytes of what {@linkcode ByteSource.open} has opened. */
  constructor(file: OpenFile) {
    this.name = file.name;
    this.#file = file;
    this.#stream = this.#decompressed();
  }

  /**
   * Opens a path for reading, or standard input by one of its names, such as `-`; a FIFO waits for its
   * writer.
   *
   * @throws {ReadError} if the file does not exist, cannot be read, or is a directory.
   */
  static async open<Source extends ByteSource>(
    this: new (file: OpenFile) => Source,
    path: string,
  ): Promise<Source> {
    return new this(isStandardInput(path) ? standardInput() : await openFile(path));
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
   * @throws {ReadError} if reading fails, gzipped data is damaged, or {@linkcode ByteSource.countInflated}
   * refuses it.
   */
  async *chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const head = this.#head;
    this.#head = [];
    yield* head;
    yield* this.#stream;
  }

  /**
   * The bytes after decompression as a file, in place of the chunks: the source's own where it is a file
   * that is not compressed, else a temporary one. It is closed with this source.
   *
   * @throws {ReadError} as the chunks do.
   * @throws {UserError} if the temporary folder is full.
   */
  async seekable(): Promise<SeekableFile> {
    await this.head(1);
    if (this.#file.file !== undefined && !this.#isGzipped) return this.#file.file;
    this.#spooled ??= await spooled(this.chunks());
    return this.#spooled;
  }

  /** Bytes of the source as it is stored: the size of a file; of a pipe, what has come so far. */
  get stored(): number {
    return Math.max(this.#read, this.#file.file?.size ?? 0);
  }

  /** Whether the source was found to be gzipped. */
  get isGzipped(): boolean {
    return this.#isGzipped;
  }

  /** Whether the end of the chunks is known to be the end of what was written: a gzip trailer says so. */
  get isWhole(): boolean {
    return this.#end === "whole";
  }

  /** Whether gzipped data ended before its trailer. */
  get isCutOff(): boolean {
    return this.#end === "cut off";
  }

  /** Is told how many bytes each piece of gzipped data inflated to; a ReadError that it throws ends the reading. */
  protected countInflated(_bytes: number): void {}

  /** Closes the file; standard input stays open. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream.return(undefined);
    this.#spooled?.[Symbol.dispose]();
    this.#file.close();
  }

  async *#decompressed(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const stored = this.#stored();
    const first = await stored.next();
    if (first.done) return;
    if (!GZIP_MAGIC.every((byte, i) => first.value[i] === byte)) {
      yield first.value;
      yield* stored;
      return;
    }
    this.#isGzipped = true;
    async function* compressed() {
      yield first.value!;
      yield* stored;
    }
    try {
      const gunzip = createGunzip({ chunkSize: INFLATED_BYTES });
      yield* inflated(compressed(), gunzip, (bytes) => this.countInflated(bytes));
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

  /** The bytes as they are stored, in whole chunks however small the pieces of a pipe are. */
  async *#stored(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const buffer = new Uint8Array(CHUNK_BYTES);
    for (let isOver = false; !isOver;) {
      let length = 0;
      while (length < buffer.length && !isOver) {
        const count = await this.#file.read(buffer.subarray(length)).catch((error) => {
          throw asReadError(this.name, error);
        });
        isOver = count === null;
        length += count ?? 0;
      }
      this.#read += length;
      if (length > 0) yield buffer.subarray(0, length);
    }
  }
}

function standardInput(): OpenFile {
  return {
    name: STANDARD_INPUT,
    file: undefined,
    read: (buffer) => Deno.stdin.read(buffer),
    close: () => {},
  };
}

async function openFile(path: string): Promise<OpenFile> {
  let handle: Deno.FsFile | undefined;
  try {
    handle = await Deno.open(path);
    const { isDirectory, isFile, size } = await handle.stat();
    if (isDirectory) throw new ReadError(`${path} is a directory, expected a file.`);
    const opened = handle;
    return {
      name: path,
      // What the system makes up while it is read, as in /proc, has the size 0.
      file: isFile && size > 0 ? seekable(handle) : undefined,
      read: (buffer) => opened.read(buffer),
      close: () => opened.close(),
    };
  } catch (error) {
    handle?.close();
    throw asReadError(path, error);
  }
}
