import { ByteReader } from "./byte_reader.ts";
import { DTYPES } from "./dtype.ts";
import { ReadError } from "./errors.ts";
import { parsePythonLiteral } from "./python_literal.ts";
import type { SeekableFile } from "./seekable.ts";
import { areSizes, type NamedArrays, type StoredArray } from "./stored_array.ts";
import { readZip, type ZipEntry } from "./zip.ts";

/** How a file begins that NumPy saved as one array. */
export const NPY_MAGIC: readonly number[] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

const LONGEST_HEADER = 1 << 20;

/**
 * The arrays of a file that `numpy.savez` or `savez_compressed` wrote (format versions 1 to 3 of
 * numpy.lib.format), whose values stream.
 *
 * @param path What errors call the file.
 * @param countInflated Is told the bytes of each piece that is decompressed; what it throws ends the reading.
 * @throws {ReadError} if the file holds no arrays, or two of one name, or as {@linkcode readZip} does.
 */
export function npzArrays(
  path: string,
  file: SeekableFile,
  countInflated: (bytes: number) => void,
): NamedArrays {
  const entries = new Map<string, ZipEntry>();
  for (const entry of readZip(path, file, countInflated)) {
    if (!entry.name.endsWith(".npy")) continue;
    const name = entry.name.slice(0, -".npy".length);
    if (entries.has(name)) throw new ReadError(`${path} is damaged: it holds ${entry.name} twice.`);
    entries.set(name, entry);
  }
  if (entries.size === 0) {
    throw new ReadError(`${path} is a zip archive without NumPy arrays, expected a .npz file.`);
  }
  return {
    names: Array.from(entries.keys()),
    open: (name) => readArray(path, entries.get(name)!),
  };
}

async function readArray(path: string, entry: ZipEntry): Promise<StoredArray> {
  const reader = new ByteReader(entry.bytes());
  try {
    const { text, dataStart } = await readHeader(path, entry.name, reader);
    const { descr, fortran_order: isFortran, shape } = (parsePythonLiteral(text) ?? {}) as Record<
      string,
      unknown
    >;
    if (!areSizes(shape) || typeof isFortran !== "boolean") throw notNpy(path, entry.name);
    if (isFortran && shape.filter((size) => size > 1).length > 1) {
      throw new ReadError(
        `${path}: ${entry.name} is stored column by column (Fortran order), expected row by row.`,
      );
    }
    const dtype = dtypeOf(descr);
    const length = shape.reduce((product, size) => product * size, DTYPES.get(dtype)?.bytes ?? 0);
    if (dataStart + length > entry.size) {
      throw new ReadError(
        `${path} is damaged or cut off: ${entry.name} has ${entry.size} bytes, too few for the shape [${shape}].`,
      );
    }
    return { dtype, shape, bytes: () => skip(entry.bytes(), dataStart) };
  } finally {
    await reader.close();
  }
}

async function readHeader(
  path: string,
  name: string,
  reader: ByteReader,
): Promise<{ text: string; dataStart: number }> {
  const start = await reader.read(8);
  const version = start[6]!;
  if (!NPY_MAGIC.every((byte, i) => start[i] === byte) || !(version >= 1 && version <= 3)) {
    throw notNpy(path, name);
  }
  const lengthBytes = version === 1 ? 2 : 4;
  const length = (await reader.read(lengthBytes)).reduceRight((sum, byte) => sum * 256 + byte, 0);
  if (length > LONGEST_HEADER) throw notNpy(path, name);
  const header = await reader.read(length);
  return { text: new TextDecoder().decode(header), dataStart: 8 + lengthBytes + length };
}

function notNpy(path: string, name: string): ReadError {
  return new ReadError(`${path}: ${name} is damaged or cut off, or no NumPy array.`);
}

/** NumPy's `<f4` or `|b1` without the byte order; what cannot be read keeps its whole name. */
function dtypeOf(description: unknown): string {
  if (typeof description !== "string") return JSON.stringify(description);
  return /^[<|]/.test(description) ? description.slice(1) : description;
}

/** The stream without its first bytes. */
async function* skip(
  chunks: AsyncIterable<Uint8Array>,
  count: number,
): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const chunk of chunks) {
    if (left < chunk.length) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}
