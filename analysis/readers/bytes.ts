import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { ReadError } from "../errors.ts";

const CHUNK_BYTES = 1 << 18;

/**
 * The bytes of a file, chunk by chunk; a gzipped file (told by its first two bytes, not its name) is
 * decompressed on the way. A chunk is valid until the next one is asked for. A gzip stream that was cut
 * off ends where its data ends, as a cut-off plain file does.
 *
 * @throws {ReadError} if the file does not exist, cannot be read, or is a directory.
 */
export async function* readBytes(path: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const raw = readRawBytes(path);
  const first = await raw.next();
  if (first.done) return;
  if (!(first.value[0] === 0x1f && first.value[1] === 0x8b)) {
    yield first.value;
    yield* raw;
    return;
  }
  // gunzip keeps what it is given, so each chunk is copied out of the reused buffer.
  async function* compressed() {
    yield (first.value as Uint8Array).slice();
    for await (const chunk of raw) yield chunk.slice();
  }
  const gunzip = Readable.from(compressed()).pipe(createGunzip({ chunkSize: CHUNK_BYTES }));
  try {
    for await (const chunk of gunzip) yield chunk as Uint8Array<ArrayBuffer>;
  } catch (error) {
    if ((error as { code?: string }).code === "Z_BUF_ERROR") return;
    throw new ReadError(`${path}: the gzip data is damaged (${(error as Error).message}).`);
  }
}

async function* readRawBytes(path: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
    if ((await file.stat()).isDirectory) {
      file.close();
      throw new ReadError(`${path} is a directory, expected a file.`);
    }
  } catch (error) {
    throw openError(path, error);
  }
  try {
    const buffer = new Uint8Array(CHUNK_BYTES);
    while (true) {
      const count = await file.read(buffer);
      if (count === null) return;
      yield buffer.subarray(0, count);
    }
  } finally {
    file.close();
  }
}

function openError(path: string, error: unknown): Error {
  if (error instanceof ReadError) return error;
  if (error instanceof Deno.errors.NotFound) return new ReadError(`${path} does not exist.`);
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return new ReadError(`${path} cannot be read: permission denied.`);
  }
  return new ReadError(`${path} cannot be read: ${(error as Error).message}.`);
}

/** The first `limit` bytes of a file after decompression; all of it if it is shorter. */
export async function readHead(path: string, limit: number): Promise<Uint8Array> {
  const head = new Uint8Array(limit);
  let length = 0;
  for await (const chunk of readBytes(path)) {
    const part = chunk.subarray(0, limit - length);
    head.set(part, length);
    length += part.length;
    if (length === limit) break;
  }
  return head.subarray(0, length);
}

/** Reads a byte stream piece by piece: what the framed binary formats need. */
export class ByteReader {
  #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #offset = 0;

  /** A reader over the chunks of {@linkcode readBytes}. */
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

  /** Stops reading and closes the file. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
