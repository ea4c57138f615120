import { readBytes } from "../readers/bytes.ts";
import { readAt, temporaryFile, writeAll } from "./temporary_file.ts";

/** A file that can be read at any place. */
export interface SeekableFile extends Disposable {
  /** Size in bytes. */
  readonly size: number;
  /** Up to `length` bytes from a place on; fewer at the file's end, none outside of the file. */
  read(offset: number, length: number): Uint8Array<ArrayBuffer>;
  /** The same in pieces, each valid until the next is asked for. */
  stream(offset: number, length: number): AsyncGenerator<Uint8Array<ArrayBuffer>>;
}

const PIECE_BYTES = 1 << 18;

/**
 * Opens a file for reading at any place; a gzipped one is decompressed into a temporary file first.
 *
 * @throws {UserError} if the gzip data is damaged, or the temporary folder is full.
 */
export async function openSeekable(path: string): Promise<SeekableFile> {
  const file = await Deno.open(path);
  const [first, second] = readPart(file, 0, 2);
  if (!(first === 0x1f && second === 0x8b)) return seekable(file, () => file.close());
  file.close();
  const temporary = temporaryFile();
  try {
    for await (const chunk of readBytes(path)) writeAll(temporary.file, chunk);
  } catch (error) {
    temporary.close();
    throw error;
  }
  return seekable(temporary.file, () => temporary.close());
}

function seekable(file: Deno.FsFile, close: () => void): SeekableFile {
  const { size } = file.statSync();
  const available = (offset: number, length: number) =>
    offset < 0 || offset >= size ? 0 : Math.min(length, size - offset);
  return {
    size,
    read: (offset, length) => readPart(file, offset, available(offset, length)),
    async *stream(offset, length) {
      const end = offset + available(offset, length);
      const piece = new Uint8Array(PIECE_BYTES);
      for (let at = offset; at < end;) {
        const count = readAt(file, at, piece.subarray(0, end - at));
        if (count === 0) return;
        yield piece.subarray(0, count);
        at += count;
      }
    },
    [Symbol.dispose]: close,
  };
}

function readPart(file: Deno.FsFile, offset: number, length: number): Uint8Array<ArrayBuffer> {
  if (length === 0) return new Uint8Array(0);
  const bytes = new Uint8Array(length);
  return bytes.subarray(0, readAt(file, offset, bytes));
}
