import { ReadError } from "../errors.ts";
import { collectArrays, type StoredArray } from "./arrays.ts";
import type { TokenCollector } from "./collector.ts";
import { DTYPES } from "./dtype.ts";
import { openSeekable, type SeekableFile } from "./seekable.ts";

/** The longest header that the format allows. */
const LONGEST_HEADER = 100_000_000;
const LENGTH_BYTES = 8;

const DTYPE_NAMES: ReadonlyMap<string, string> = new Map(Object.entries({
  F16: "f2",
  BF16: "bf16",
  F32: "f4",
  F64: "f8",
  BOOL: "b1",
  U8: "u1",
  I8: "i1",
  U16: "u2",
  I16: "i2",
  U32: "u4",
  I32: "i4",
  U64: "u8",
  I64: "i8",
}));

/** Whether a file begins as safetensors do: the length of a header, and a header. */
export function isSafetensorsStart(head: Uint8Array): boolean {
  if (head.length <= LENGTH_BYTES || head[LENGTH_BYTES] !== 0x7b) return false;
  return headerLength(head) <= LONGEST_HEADER;
}

function headerLength(head: Uint8Array): number {
  return Number(new DataView(head.buffer, head.byteOffset).getBigUint64(0, true));
}

/**
 * Reads the tensors of a safetensors file (https://huggingface.co/docs/safetensors), gzipped or not, into
 * a collector, piece by piece.
 *
 * @throws {ReadError} if the file is damaged or cut off, or as {@linkcode collectArrays} does.
 */
export async function readSafetensors(path: string, collector: TokenCollector): Promise<void> {
  using file = await openSeekable(path);
  await collectArrays(path, readHeader(path, file), collector);
}

function readHeader(path: string, file: SeekableFile): Map<string, StoredArray> {
  const damaged = (what: string) =>
    new ReadError(`${path} is damaged or cut off: ${what} (safetensors).`);
  if (file.size < LENGTH_BYTES) throw damaged("it has no header");
  const length = headerLength(file.read(0, LENGTH_BYTES));
  const bytes = file.read(LENGTH_BYTES, length);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw damaged("its header is not JSON");
  }
  const dataStart = LENGTH_BYTES + length;
  const arrays = new Map<string, StoredArray>();
  for (const [name, entry] of Object.entries(header as Record<string, unknown>)) {
    if (name === "__metadata__") continue;
    if (!isEntry(entry)) throw damaged(`its header describes ${name} wrongly`);
    const { dtype, shape, data_offsets: [begin, end] } = entry;
    const known = DTYPE_NAMES.get(dtype);
    const size = shape.reduce((product, extent) => product * extent, 1);
    if (known !== undefined && end - begin !== size * DTYPES.get(known)!.bytes) {
      throw damaged(`${name} has ${end - begin} bytes for the shape [${shape}] of ${dtype}`);
    }
    if (dataStart + end > file.size) {
      throw damaged(`${name} ends at byte ${dataStart + end}, the file at byte ${file.size}`);
    }
    arrays.set(name, {
      dtype: known ?? dtype,
      shape,
      bytes: () => file.stream(dataStart + begin, end - begin),
    });
  }
  return arrays;
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

function isEntry(value: unknown): value is Entry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Partial<Entry>;
  return typeof dtype === "string" && areSizes(shape) && areSizes(offsets) &&
    offsets.length === 2 && offsets[0]! <= offsets[1]!;
}

function areSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
