import { readAt } from "./file_bytes.ts";
import { temporaryFile } from "./temporary_file.ts";

/** A file that can be read at any place. */
export interface SeekableFile {
  /** Size in bytes. */
  readonly size: number;
  /** Up to `length` bytes from a place on; fewer at the file's end, none outside of the file. */
  read(offset: number, length: number): Uint8Array<ArrayBuffer>;
  /** The same in pieces, each valid until the next is asked for. */
  stream(offset: number, length: number): AsyncGenerator<Uint8Array<ArrayBuffer>>;
}

const PIECE_BYTES = 1 << 18;

/** Reads an open file. */
export function seekable(file: Deno.FsFile): SeekableFile {
  const { size } = file.statSync();
  const available = (offset: number, length: number) =>
    offset < 0 || offset >= size ? 0 : Math.min(length, size - offset);
  return {
    size,
    read(offset, length) {
      const bytes = new Uint8Array(available(offset, length));
      return bytes.length === 0 ? bytes : bytes.subarray(0, readAt(file, offset, bytes));
    },
    async *stream(offset, length) {
      const end = offset + available(offset, length);
      const piece = new Uint8Array(Math.min(PIECE_BYTES, end - offset));
      for (let at = offset; at < end;) {
        const count = readAt(file, at, piece.subarray(0, end - at));
        if (count === 0) return;
        yield piece.subarray(0, count);
        at += count;
      }
    },
  };
}

/**
 * Puts bytes that come once into a temporary file, which is gone when it is disposed of.
 *
 * @throws {UserError} if the temporary folder is full, and whatever the chunks throw.
 */
export async function spooled(
  chunks: AsyncIterable<Uint8Array>,
): Promise<SeekableFile & Disposable> {
  const temporary = temporaryFile();
  try {
    for await (const chunk of chunks) temporary.append(chunk);
    return { ...seekable(temporary.file), [Symbol.dispose]: () => temporary.close() };
  } catch (error) {
    temporary.close();
    throw error;
  }
}
