import { ReadError } from "./errors.ts";
import { faultOfKeys } from "./json_keys.ts";
import { isObject } from "./json_object.ts";
import { shownName, shownValue } from "./printable.ts";
import type { SeekableFile } from "./seekable.ts";
import { areSizes } from "./stored_array.ts";

/** Where a tensor lies in a file. */
export interface TensorEntry {
  /** The type of its values, as safetensors names it. */
  readonly dtype: string;
  /** Its extents. */
  readonly shape: readonly number[];
  /** Its first byte in the file. */
  readonly begin: number;
  /** The byte after its last. */
  readonly end: number;
}

/** What a file holds. */
export interface SafetensorsHeader {
  /** Text about the file. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The tensors by name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

/** Bytes that give the length of the header. */
export const LENGTH_BYTES = 8;
/** The longest header that the format allows, in bytes. */
export const LONGEST_HEADER = 100_000_000;
/** The key of the header that is no tensor. */
export const METADATA = "__metadata__";
/** An entry of the header's object holds lists. */
const DEEPEST = 3;

/** Bits of a value of each type that the format knows. */
const BITS: ReadonlyMap<string, number> = new Map(
  ([
    [4, ["F4"]],
    [6, ["F6_E2M3", "F6_E3M2"]],
    [8, ["BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"]],
    [16, ["I16", "U16", "F16", "BF16"]],
    [32, ["I32", "U32", "F32"]],
    [64, ["I64", "U64", "F64", "C64"]],
  ] as const).flatMap(([bits, dtypes]) => dtypes.map((dtype) => [dtype, bits] as const)),
);

/** Whether a file begins as safetensors do: the length of a header, and a header. */
export function isSafetensorsStart(head: Uint8Array): boolean {
  return head.length > LENGTH_BYTES && head[LENGTH_BYTES] === 0x7b &&
    lengthOf(head) <= LONGEST_HEADER;
}

function lengthOf(head: Uint8Array): number {
  return Number(new DataView(head.buffer, head.byteOffset).getBigUint64(0, true));
}

/**
 * Which tensors a file holds (https://huggingface.co/docs/safetensors). All that the format demands is
 * checked, as the safetensors crate does: the tensors lie one behind the other from the header's end to
 * the file's, without holes, and no key comes twice.
 *
 * @param path What errors call the file.
 * @param longest The most bytes of a header that are read, as JSON takes several times the memory.
 * @throws {ReadError} if the file is damaged or cut off, or its header is longer.
 */
export function headerOf(
  path: string,
  file: SeekableFile,
  longest = LONGEST_HEADER,
): SafetensorsHeader {
  const { size } = file;
  const broken = (what: string) => new ReadError(`${path} is no whole safetensors file: ${what}.`);
  if (size < LENGTH_BYTES) throw broken(`it has ${size} bytes`);
  const length = lengthOf(file.read(0, LENGTH_BYTES));
  const dataStart = LENGTH_BYTES + length;
  if (dataStart > size) {
    throw broken(`its header would end at byte ${dataStart}, the file ends at byte ${size}`);
  }
  if (length > longest) throw broken(`its header has ${length} bytes, expected at most ${longest}`);
  const json = parseHeader(file.read(LENGTH_BYTES, length), broken);
  const { [METADATA]: metadata, ...entries } = json;
  if (!isMetadata(metadata)) {
    throw broken(`its ${METADATA} is ${shownValue(metadata)}, expected an object of texts`);
  }
  const tensors = Object.entries(entries).map(([name, entry]): [string, TensorEntry] => {
    if (!isEntry(entry)) throw broken(`its header describes ${shownName(name)} wrongly`);
    const { dtype, shape, data_offsets: [begin, end] } = entry;
    const bits = BITS.get(dtype);
    if (bits !== undefined && 8 * (end - begin) !== bits * sizeOf(shape)) {
      const bytes = bits * sizeOf(shape) / 8;
      const needed = bytes <= Number.MAX_SAFE_INTEGER ? bytes : "more than a file can have";
      throw broken(
        `${shownName(name)} has ${end - begin} bytes, its shape ${
          shownValue(shape)
        } needs ${needed}`,
      );
    }
    return [name, { dtype, shape, begin: dataStart + begin, end: dataStart + end }];
  });
  tensors.sort(([, left], [, right]) => left.begin - right.begin || left.end - right.end);
  let [last, lastName] = [dataStart, "the header"];
  for (const [name, { begin, end }] of tensors) {
    const shown = shownName(name);
    if (begin !== last) {
      throw broken(
        `${shown} begins at byte ${begin}, expected byte ${last}, where ${lastName} ends`,
      );
    }
    if (end > size) throw broken(`${shown} ends at byte ${end}, the file at byte ${size}`);
    [last, lastName] = [end, shown];
  }
  if (last !== size) throw broken(`${lastName} ends at byte ${last}, the file at byte ${size}`);
  return { metadata: metadata ?? {}, tensors: new Map(tensors) };
}

/** The number of values of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

function parseHeader(
  bytes: Uint8Array,
  broken: (what: string) => ReadError,
): Record<string, unknown> {
  const fault = faultOfKeys(bytes, DEEPEST);
  if (fault !== undefined) throw broken(`its header ${fault}`);
  const header = bytes[0] === 0x7b ? parse(bytes) : undefined;
  if (!isObject(header)) throw broken("its header is not a JSON object");
  return header;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function isMetadata(value: unknown): value is Readonly<Record<string, string>> | undefined {
  return value === undefined ||
    isObject(value) && Object.values(value).every((text) => typeof text === "string");
}

interface StoredEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

function isEntry(value: unknown): value is StoredEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Partial<StoredEntry>;
  return typeof dtype === "string" && areSizes(shape) && areSizes(offsets) &&
    offsets.length === 2 && offsets[0]! <= offsets[1]!;
}
