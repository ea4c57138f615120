import { constants, createGunzip } from "node:zlib";
import { ReadError } from "./errors.ts";
import { isStandardInput, STANDARD_INPUT } from "./standard_input.ts";
import { Allowance } from "./allowance.ts";
import { inflated, INFLATED_BYTES } from "./inflate.ts";
import { seekable, type SeekableFile, spooled } from "./seekable.ts";

const CHUNK_BYTES = 1 << 18;
const HEAD_BYTES = 1 << 12;

interface Handle {
  read(buffer: Uint8Array): Promise<number | null>;
  close(): void;
}

/**
 * A dump's file, pipe or standard input, opened once: its beginning can be looked at, and everything still
 * be read from the beginning. Gzipped data (told by its first two bytes) is decompressed on the way. To be
 * disposed of, which closes it.
 */
export class DumpSource implements AsyncDisposable {
  /** The path as it was given, or "standard input". */
  readonly name: string;
  /** The first bytes after decompression, 4096 or more where there are so many. */
  readonly head: Uint8Array;
  /** What the dump may take. */
  readonly allowance: Allowance;
  #stack: AsyncDisposableStack;
  #chunks: AsyncGenerator<Uint8Array<ArrayBuffer>>;
  #plain: SeekableFile | undefined;

  private constructor(
    name: string,
    head: Uint8Array,
    allowance: Allowance,
    stack: AsyncDisposableStack,
    chunks: AsyncGenerator<Uint8Array<ArrayBuffer>>,
    plain: SeekableFile | undefined,
  ) {
    this.name = name;
    this.head = head;
    this.allowance = allowance;
    this.#stack = stack;
    this.#chunks = chunks;
    this.#plain = plain;
  }

  /**
   * Opens a dump: a path, or one of the names of standard input, such as `-`. A FIFO waits for its writer.
   *
   * @throws {ReadError} if it does not exist, cannot be read, or is a directory, or its beginning is
   * damaged gzip data.
   */
  static async open(path: string): Promise<DumpSource> {
    await using stack = new AsyncDisposableStack();
    const isStandard = isStandardInput(path);
    const name = isStandard ? STANDARD_INPUT : path;
    const allowance = new Allowance(name);
    const { handle, file } = isStandard ? standardInput() : await openFile(path);
    stack.defer(() => handle.close());
    if (file !== undefined) allowance.store(file.size);
    const stored = file?.stream(0, file.size) ?? readThrough(name, handle, allowance);
    stack.defer(() => finish(stored));
    const first = await stored.next();
    const isGzipped = !first.done && first.value[0] === 0x1f && first.value[1] === 0x8b;
    const all = following(first, stored);
    const chunks = isGzipped ? gunzipped(name, all, allowance) : all;
    stack.defer(() => finish(chunks));
    const head = await takeHead(chunks);
    const plain = isGzipped ? undefined : file;
    return new DumpSource(name, head, allowance, stack.move(), chunks, plain);
  }

  /** All bytes after decompression, once; a chunk is valid until the next is asked for. */
  async *chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    if (this.head.length > 0) yield this.head.slice();
    yield* this.#chunks;
  }

  /**
   * The bytes after decompression as a file: the dump's own where it is one that is not compressed, else a
   * temporary one. It is closed with this source.
   *
   * @throws {ReadError} if the rest is damaged, or inflates to more than is allowed.
   * @throws {UserError} if the temporary folder is full.
   */
  async seekable(): Promise<SeekableFile> {
    return this.#plain ?? this.#stack.use(await spooled(this.chunks()));
  }

  /** Closes the file; standard input stays open. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function standardInput(): { handle: Handle; file?: undefined } {
  return { handle: { read: (buffer) => Deno.stdin.read(buffer), close: () => {} } };
}

/** Opens a path, as a seekable file where it is one. */
async function openFile(path: string): Promise<{ handle: Handle; file?: SeekableFile }> {
  let handle: Deno.FsFile | undefined;
  try {
    handle = await Deno.open(path);
    const { isDirectory, isFile, size } = await handle.stat();
    if (isDirectory) throw new ReadError(`${path} is a directory, expected a file.`);
    // What the system makes up while it is read, as in /proc, has the size 0.
    return isFile && size > 0 ? { handle, file: seekable(handle) } : { handle };
  } catch (error) {
    handle?.close();
    throw readError(path, error);
  }
}

/** The bytes of what cannot seek, in whole chunks however small the pieces of a pipe are. */
async function* readThrough(
  name: string,
  handle: Handle,
  allowance: Allowance,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (let isOver = false; !isOver;) {
    let length = 0;
    while (length < buffer.length && !isOver) {
      const count = await handle.read(buffer.subarray(length)).catch((error) => {
        throw readError(name, error);
      });
      isOver = count === null;
      length += count ?? 0;
    }
    allowance.store(length);
    if (length > 0) yield buffer.subarray(0, length);
  }
}

/** Ends a generator without waiting: it may wait for a pipe on which nothing comes any more. */
function finish(generator: AsyncGenerator<unknown>): void {
  generator.return(undefined).catch(() => {});
}

async function* following(
  first: IteratorResult<Uint8Array<ArrayBuffer>, unknown>,
  rest: AsyncGenerator<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}

/** Decompressed gzip data; where it was cut off it ends, as a plain file does. */
async function* gunzipped(
  name: string,
  chunks: AsyncGenerator<Uint8Array<ArrayBuffer>>,
  allowance: Allowance,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  // Without it, the last bytes before a cut would be lost, and an error come instead.
  const finishFlush = constants.Z_SYNC_FLUSH;
  try {
    const gunzip = createGunzip({ chunkSize: INFLATED_BYTES, finishFlush });
    yield* inflated(chunks, gunzip, allowance);
  } catch (error) {
    if (error instanceof ReadError) throw error;
    throw new ReadError(`${name}: the gzip data is damaged (${(error as Error).message}).`);
  }
}

async function takeHead(
  chunks: AsyncGenerator<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> {
  let head = new Uint8Array(0);
  while (head.length < HEAD_BYTES) {
    const next = await chunks.next();
    if (next.done) break;
    const longer = new Uint8Array(head.length + next.value.length);
    longer.set(head);
    longer.set(next.value, head.length);
    head = longer;
  }
  return head;
}

function readError(name: string, error: unknown): Error {
  if (error instanceof ReadError) return error;
  if (error instanceof Deno.errors.NotFound) return new ReadError(`${name} does not exist.`);
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return new ReadError(`${name} cannot be read: permission denied.`);
  }
  return new ReadError(`${name} cannot be read: ${(error as Error).message}.`);
}
