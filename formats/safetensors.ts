import { doubledKey } from "./doubled_key.ts";
import { UserError } from "./errors.ts";
import { shownName, shownValue } from "./shown.ts";

/** The values of a tensor, row-major. */
export interface TensorData {
  /** Its extents. */
  readonly shape: readonly number[];
  /** As many values as the product of the extents. */
  readonly data: Float32Array<ArrayBuffer>;
}

/** A tensor with its name. */
export interface NamedTensor extends TensorData {
  /** The name. */
  readonly name: string;
}

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

/** A safetensors file that cannot be read. */
export class SafetensorsError extends UserError {
  /** The class, as `Error.name`. */
  override name = "SafetensorsError";
}

/** Bytes that give the length of the header. */
const LENGTH_BYTES = 8;
/** The longest header that the format allows, in bytes. */
const LONGEST_HEADER = 100_000_000;
/** Bytes that are read at a time. */
const CHUNK_BYTES = 1 << 24;

type Bytes = Uint8Array<ArrayBuffer>;

/** What the values of the types are that can be read. */
const DECODERS: ReadonlyMap<string, (bytes: Bytes) => TensorData["data"]> = new Map([
  ["F32", ({ buffer }: Bytes) => new Float32Array(buffer)],
  ["F16", ({ buffer }: Bytes) => new Float32Array(new Float16Array(buffer))],
  ["BF16", ({ buffer }: Bytes) => {
    // bfloat16 is the upper half of a float32.
    const halves = new Uint16Array(buffer);
    const words = new Uint32Array(halves.length);
    // Array.from would make a list of the values first, which fails from 2^27 of them.
    for (let i = 0; i < halves.length; i++) words[i] = halves[i]! << 16;
    return new Float32Array(words.buffer);
  }],
]);

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

/** The key of the header that is no tensor. */
const METADATA = "__metadata__";

/**
 * Writes tensors in f32 and waits until they are on the disk. The file is whole only when this returns: write
 * it beside its place and rename it.
 *
 * @param metadata Text about the file; transformers wants its `format` to be `pt`, which is added.
 * @throws {SafetensorsError} if a tensor has not as many values as its shape says, or a name that the format
 * keeps for itself.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, TensorData>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  if (tensors.has(METADATA)) throw new SafetensorsError(`a tensor cannot be named ${METADATA}.`);
  const header: [string, unknown][] = [[METADATA, { format: "pt", ...metadata }]];
  let offset = 0;
  for (const [name, { shape, data }] of tensors) {
    if (data.length !== sizeOf(shape)) {
      throw new SafetensorsError(
        `${name} has ${data.length} values, its shape [${shape}] needs ${sizeOf(shape)}.`,
      );
    }
    const end = offset + data.byteLength;
    header.push([name, { dtype: "F32", shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  // Spaces fill the header so that the values begin at a multiple of 8 bytes.
  const unpadded = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const length = Math.ceil(unpadded.length / LENGTH_BYTES) * LENGTH_BYTES;
  const start = new Uint8Array(LENGTH_BYTES + length).fill(0x20);
  new DataView(start.buffer).setBigUint64(0, BigInt(length), true);
  start.set(unpadded, LENGTH_BYTES);

  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  await writeAll(file, start);
  for (const { data } of tensors.values()) {
    await writeAll(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  await file.sync();
}

/** Writes all bytes; a single write may take only some of them. */
async function writeAll(file: Deno.FsFile, bytes: Bytes): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
}

/**
 * Reads which tensors a file holds (https://huggingface.co/docs/safetensors), and checks all that the format
 * demands, as the safetensors crate does: the tensors lie one behind the other from the header's end to the
 * file's, without holes, and no key comes twice.
 *
 * @throws {SafetensorsError} if the file cannot be read, is damaged or cut off.
 */
export async function readHeader(path: string): Promise<SafetensorsHeader> {
  using file = await openFile(path);
  const { size } = await file.stat();
  const broken = (what: string) =>
    new SafetensorsError(`${path} is no whole safetensors file: ${what}.`);
  if (size < LENGTH_BYTES) throw broken(`it has ${size} bytes`);
  const lengthBytes = new DataView((await readBytes(file, 0, LENGTH_BYTES)).buffer);
  const length = Number(lengthBytes.getBigUint64(0, true));
  const dataStart = LENGTH_BYTES + length;
  if (length > LONGEST_HEADER || dataStart > size) {
    throw broken(`its header would end at byte ${dataStart}, the file ends at byte ${size}`);
  }
  const text = decodeText(await readBytes(file, LENGTH_BYTES, length));
  const json = text === undefined ? undefined : parseObject(text);
  if (json === undefined) throw broken("its header is not a JSON object");
  const doubled = doubledKey(text!);
  if (doubled !== undefined) throw broken(`its header has the key ${shownName(doubled)} twice`);
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

/**
 * Adds the tensors of a file to those of others that make up one model.
 *
 * @throws {SafetensorsError} if one of the same name is there already.
 */
export function addTensors(
  all: Map<string, TensorEntry>,
  path: string,
  tensors: ReadonlyMap<string, TensorEntry>,
): void {
  for (const [name, entry] of tensors) {
    if (all.has(name)) {
      throw new SafetensorsError(
        `${path} has the tensor ${shownName(name)}, which another file of the model has as well.`,
      );
    }
    all.set(name, entry);
  }
}

/**
 * Reads tensors one after another in the order of their bytes, as f32; only one is in memory at a time.
 * Values of type F16 and BF16 are converted, which is exact.
 *
 * @param wanted Which tensors to read; all where it is missing.
 * @throws {SafetensorsError} as {@linkcode readHeader} does, or if a wanted tensor is of another type.
 */
export async function* readSafetensors(
  path: string,
  wanted: (name: string) => boolean = () => true,
): AsyncGenerator<NamedTensor> {
  const { tensors } = await readHeader(path);
  using file = await openFile(path);
  for (const [name, { dtype, shape, begin, end }] of tensors) {
    if (!wanted(name)) continue;
    const decode = DECODERS.get(dtype);
    if (decode === undefined) {
      throw new SafetensorsError(
        `${path}: ${shownName(name)} is of type ${shownName(dtype)}, expected one of ${
          [...DECODERS.keys()].join(", ")
        }.`,
      );
    }
    const bytes = await readBytes(file, begin, end - begin);
    if (bytes.length < end - begin) {
      throw new SafetensorsError(
        `${path} was cut off within ${shownName(name)} while it was read.`,
      );
    }
    yield { name, shape, data: decode(bytes) };
  }
}

async function openFile(path: string): Promise<Deno.FsFile> {
  try {
    if ((await Deno.stat(path)).isFile) return await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new SafetensorsError(`${path} does not exist.`);
    }
    throw new SafetensorsError(`${path} cannot be read: ${(error as Error).message}.`);
  }
  throw new SafetensorsError(`${path} is no file, expected safetensors.`);
}

/** Bytes in a buffer of their own; fewer than asked for where the file ends. */
async function readBytes(file: Deno.FsFile, from: number, count: number): Promise<Bytes> {
  const bytes = new Uint8Array(count);
  await file.seek(from, Deno.SeekMode.Start);
  let done = 0;
  while (done < count) {
    const got = await file.read(bytes.subarray(done, done + CHUNK_BYTES));
    if (got === null) return bytes.slice(0, done);
    done += got;
  }
  return bytes;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** The text that begins with a brace, as the format demands, or undefined if the bytes are none. */
function decodeText(bytes: Bytes): string | undefined {
  if (bytes[0] !== 0x7b) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? value as Record<string, unknown> : undefined;
}

function isMetadata(value: unknown): value is Readonly<Record<string, string>> | undefined {
  return value === undefined ||
    typeof value === "object" && value !== null && !Array.isArray(value) &&
      Object.values(value).every((text) => typeof text === "string");
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

function areSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
