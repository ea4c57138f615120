import { crc32, createInflateRaw } from "node:zlib";
import { ReadError } from "./errors.ts";
import { inflated, INFLATED_BYTES } from "./inflate.ts";
import type { SeekableFile } from "./seekable.ts";

/** A file within a zip archive. */
export interface ZipEntry {
  /** Its path in the archive. */
  readonly name: string;
  /** How many bytes it has, decompressed. */
  readonly size: number;
  /** Its bytes, decompressed on the way; those who read on to the end learn whether they are intact. */
  bytes(): AsyncGenerator<Uint8Array>;
}

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
const END64_LOCATOR_SIGNATURE = 0x07064b50;
const END64_LOCATOR_BYTES = 20;
const END64_SIGNATURE = 0x06064b50;
const END64_BYTES = 56;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const ZIP64_EXTRA = 1;
/** A 32-bit field that says: the number stands in the zip64 extra field. */
const IN_EXTRA = 0xffffffff;
/** The longest directory that is read: that of an npz holds a few files. */
const LONGEST_DIRECTORY = 1 << 24;
const STORED = 0;
const DEFLATED = 8;

/**
 * The files of a zip archive (APPNOTE 6.3.10, zip64 included), by its directory.
 *
 * @param path What errors call the archive.
 * @param countInflated Is told the bytes of each piece that is decompressed; what it throws ends the reading.
 * @throws {ReadError} if the archive is damaged or cut off, encrypted, or compressed by other means than
 * deflate, or its directory has more than 16 MiB.
 */
export function readZip(
  path: string,
  file: SeekableFile,
  countInflated: (bytes: number) => void,
): ZipEntry[] {
  const { offset, length } = findDirectory(path, file);
  if (length > LONGEST_DIRECTORY) {
    throw new ReadError(
      `${path} has a directory of ${length} bytes, expected at most ${LONGEST_DIRECTORY} (zip).`,
    );
  }
  const directory = file.read(offset, length);
  const view = viewOf(directory);
  const entries: ZipEntry[] = [];
  for (let at = 0; at < directory.length;) {
    if (at + ENTRY_BYTES > directory.length || view.getUint32(at, true) !== ENTRY_SIGNATURE) {
      throw damaged(path, "its directory ends in the middle");
    }
    const nameEnd = at + ENTRY_BYTES + view.getUint16(at + 28, true);
    const extraEnd = nameEnd + view.getUint16(at + 30, true);
    const name = new TextDecoder().decode(directory.subarray(at + ENTRY_BYTES, nameEnd));
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    if ((flags & 1) !== 0) throw new ReadError(`${path}: ${name} is encrypted.`);
    if (method !== STORED && method !== DEFLATED) {
      throw new ReadError(
        `${path}: ${name} is compressed by method ${method}, expected none or deflate.`,
      );
    }
    const [size, compressed, header] = widened(
      [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)],
      viewOf(directory.subarray(nameEnd, extraEnd)),
    );
    const entry = { name, method, header: header!, compressed: compressed!, size: size! };
    const sum = view.getUint32(at + 16, true);
    entries.push({
      name,
      size: entry.size,
      bytes: () => checked(path, entry, sum, readEntry(path, file, entry, countInflated)),
    });
    at = extraEnd + view.getUint16(at + 32, true);
  }
  return entries;
}

function findDirectory(path: string, file: SeekableFile): { offset: number; length: number } {
  const start = Math.max(0, file.size - END_BYTES - LONGEST_COMMENT);
  const view = viewOf(file.read(start, file.size - start));
  let end = view.byteLength - END_BYTES;
  while (end >= 0 && view.getUint32(end, true) !== END_SIGNATURE) end--;
  if (end < 0) throw damaged(path, "there is no directory at its end");
  let directory = {
    length: view.getUint32(end + 12, true),
    offset: view.getUint32(end + 16, true),
  };
  const locator = viewOf(file.read(start + end - END64_LOCATOR_BYTES, END64_LOCATOR_BYTES));
  if (
    locator.byteLength === END64_LOCATOR_BYTES &&
    locator.getUint32(0, true) === END64_LOCATOR_SIGNATURE
  ) {
    const wide = viewOf(file.read(number64(locator, 8), END64_BYTES));
    if (wide.byteLength < END64_BYTES || wide.getUint32(0, true) !== END64_SIGNATURE) {
      throw damaged(path, "its zip64 directory is not where it should be");
    }
    directory = { length: number64(wide, 40), offset: number64(wide, 48) };
  }
  if (directory.offset + directory.length > file.size) {
    throw damaged(path, "its directory lies behind its end");
  }
  return directory;
}

/** Replaces the fields that are too small for their numbers by those of the zip64 extra field. */
function widened(fields: number[], extra: DataView): number[] {
  for (let at = 0; at + 4 <= extra.byteLength;) {
    const [kind, length] = [extra.getUint16(at, true), extra.getUint16(at + 2, true)];
    at += 4;
    if (kind !== ZIP64_EXTRA) {
      at += length;
      continue;
    }
    return fields.map((field) => {
      if (field !== IN_EXTRA || at + 8 > extra.byteLength) return field;
      at += 8;
      return number64(extra, at - 8);
    });
  }
  return fields;
}

interface Place {
  name: string;
  method: number;
  /** Where its local header begins. */
  header: number;
  compressed: number;
  size: number;
}

async function* readEntry(
  path: string,
  file: SeekableFile,
  { name, method, header, compressed }: Place,
  countInflated: (bytes: number) => void,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const local = viewOf(file.read(header, LOCAL_BYTES));
  if (local.byteLength < LOCAL_BYTES || local.getUint32(0, true) !== LOCAL_SIGNATURE) {
    throw damaged(path, `${name} is not where its directory says`);
  }
  const nameLength = local.getUint16(26, true);
  if (new TextDecoder().decode(file.read(header + LOCAL_BYTES, nameLength)) !== name) {
    throw damaged(path, `${name} has another name where its directory says`);
  }
  const start = header + LOCAL_BYTES + nameLength + local.getUint16(28, true);
  const stored = file.stream(start, compressed);
  if (method === STORED) {
    yield* stored;
    return;
  }
  try {
    yield* inflated(stored, createInflateRaw({ chunkSize: INFLATED_BYTES }), countInflated);
  } catch (error) {
    if (error instanceof ReadError) throw error;
    throw damaged(path, `${name} cannot be decompressed, ${(error as Error).message}`);
  }
}

/** The bytes of a file of an archive, held to the size and the checksum of the directory. */
async function* checked(
  path: string,
  { name, size }: Place,
  expected: number,
  pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let [length, sum] = [0, 0];
  for await (const piece of pieces) {
    length += piece.length;
    if (length > size) throw damaged(path, `${name} has more than its ${size} bytes`);
    sum = crc32(piece, sum);
    yield piece;
  }
  if (length < size) throw damaged(path, `${name} has ${length} of its ${size} bytes`);
  if (sum !== expected) throw damaged(path, `the checksum of ${name} is wrong`);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function number64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function damaged(path: string, what: string): ReadError {
  return new ReadError(`${path} is damaged or cut off: ${what} (zip).`);
}
