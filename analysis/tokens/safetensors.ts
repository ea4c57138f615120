import { ReadError } from "../../formats/errors.ts";
import { collectArrays, type StoredArray } from "./arrays.ts";
import type { TokenCollector } from "./collector.ts";
import { DTYPES } from "../../formats/dtype.ts";
import { faultOfKeys } from "../../formats/json_keys.ts";
import type { SeekableFile } from "../../formats/seekable.ts";

/** The longest header that the format allows. */
const LONGEST_HEADER = 100_000_000;
/** The longest that is read: that of a dump holds a few tensors, and JSON takes memory. */
const LONGEST_READ = 1 << 23;
const LENGTH_BYTES = 8;
/** An entry of the header's object holds lists. */
const DEEPEST = 3;

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
 * Reads the tensors of a safetensors file (https://huggingface.co/docs/safetensors) into a collector, piece
 * by piece. As the format demands, no name may stand twice in the header, and the tensors must cover the
 * data without overlap, holes or a rest.
 *
 * @throws {ReadError} if the file is damaged or cut off, its header has more than 8 MiB, or as
 * {@linkcode collectArrays} does.
 */
export async function readSafetensors(
  path: string,
  file: SeekableFile,
  collector: TokenCollector,
): Promise<void> {
  const arrays = readHeader(path, file);
  await collectArrays(path, Array.from(arrays.keys()), (name) => arrays.get(name)!, collector);
}

function readHeader(path: string, file: SeekableFile): Map<string, StoredArray> {
  const damaged = (what: string) =>
    new ReadError(`${path} is damaged or cut off: ${what} (safetensors).`);
  const length = headerLength(file.read(0, LENGTH_BYTES));
  if (length > LONGEST_READ) {
    throw new ReadError(
      `${path} has a header of ${length} bytes, expected at most ${LONGEST_READ} (safetensors).`,
    );
  }
  const header = parseHeader(file.read(LENGTH_BYTES, length), damaged);
  const dataStart = LENGTH_BYTES + length;
  const arrays = new Map<string, StoredArray>();
  const places: { name: string; begin: number; end: number }[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") {
      if (!isMetadata(entry)) throw damaged("its metadata are not texts");
      continue;
    }
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
    places.push({ name, begin, end });
    arrays.set(name, {
      dtype: known ?? dtype,
      shape,
      bytes: () => file.stream(dataStart + begin, end - begin),
    });
  }
  let covered = 0;
  for (const { name, begin, end } of places.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) {
      throw damaged(
        `${name} begins at byte ${begin} of the data, expected ${covered}, where the tensor before it ends`,
      );
    }
    covered = end;
  }
  if (dataStart + covered !== file.size) {
    throw damaged(
      `its tensors end at byte ${dataStart + covered}, the file at byte ${file.size}`,
    );
  }
  return arrays;
}

function parseHeader(
  bytes: Uint8Array,
  damaged: (what: string) => ReadError,
): Record<string, unknown> {
  const fault = faultOfKeys(bytes, DEEPEST);
  if (fault !== undefined) throw damaged(`in its header, ${fault}`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw damaged("its header is not JSON");
  }
  if (!isObject(header)) throw damaged("its header is no JSON object");
  return header;
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

function isEntry(value: unknown): value is Entry {
  if (!isObject(value)) return false;
  const { dtype, shape, data_offsets: offsets } = value;
  return typeof dtype === "string" && areSizes(shape) && areSizes(offsets) &&
    offsets.length === 2 && offsets[0]! <= offsets[1]!;
}

function isMetadata(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((text) => typeof text === "string");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function areSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
