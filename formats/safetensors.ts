import { asReadError } from "./as_read_error.ts";
import { widenBfloat16 } from "./dtype.ts";
import { ReadError, UserError } from "./errors.ts";
import { writeAll } from "./file_bytes.ts";
import { shownName } from "./printable.ts";
import {
  headerOf,
  LENGTH_BYTES,
  METADATA,
  type SafetensorsHeader,
  sizeOf,
} from "./safetensors_header.ts";
import { seekable, type SeekableFile } from "./seekable.ts";
import type { NamedArrays } from "./stored_array.ts";

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

type Bytes = Uint8Array<ArrayBuffer>;

/** What the values of the types are that can be read as f32, from bytes in a buffer of their own. */
const DECODERS: ReadonlyMap<string, (bytes: Bytes) => TensorData["data"]> = new Map([
  ["F32", ({ buffer }: Bytes) => new Float32Array(buffer)],
  ["F16", ({ buffer }: Bytes) => new Float32Array(new Float16Array(buffer))],
  ["BF16", widenBfloat16],
]);

/** NumPy's names of the types that the two share, and bfloat16. */
const NUMPY_NAMES: ReadonlyMap<string, string> = new Map(Object.entries({
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

/**
 * Writes tensors in f32 and waits until they are on the disk. The file is whole only when this returns: write
 * it beside its place and rename it.
 *
 * @param metadata Text about the file; transformers wants its `format` to be `pt`, which is added.
 * @throws {UserError} if a tensor has not as many values as its shape says, or a name that the format
 * keeps for itself.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, TensorData>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  if (tensors.has(METADATA)) throw new UserError(`a tensor cannot be named ${METADATA}.`);
  const header: [string, unknown][] = [[METADATA, { format: "pt", ...metadata }]];
  let offset = 0;
  for (const [name, { shape, data }] of tensors) {
    if (data.length !== sizeOf(shape)) {
      throw new UserError(
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
  writeAll(file, start);
  for (const { data } of tensors.values()) {
    writeAll(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  await file.sync();
}

/**
 * Reads which tensors a file holds.
 *
 * @throws {ReadError} if the file cannot be read, or as {@linkcode headerOf} does.
 */
export async function readHeader(path: string): Promise<SafetensorsHeader> {
  using file = await openFile(path);
  return headerOf(path, seekable(file));
}

/**
 * Reads tensors one after another in the order of their bytes, as f32; only one is in memory at a time.
 * Values of type F16 and BF16 are converted, which is exact.
 *
 * @param wanted Which tensors to read; all where it is missing.
 * @throws {ReadError} as {@linkcode readHeader} does, or if a wanted tensor is of another type.
 */
export async function* readSafetensors(
  path: string,
  wanted: (name: string) => boolean = () => true,
): AsyncGenerator<NamedTensor> {
  using opened = await openFile(path);
  const file = seekable(opened);
  for (const [name, { dtype, shape, begin, end }] of headerOf(path, file).tensors) {
    if (!wanted(name)) continue;
    const decode = DECODERS.get(dtype);
    if (decode === undefined) {
      throw new ReadError(
        `${path}: ${shownName(name)} is of type ${shownName(dtype)}, expected one of ${
          [...DECODERS.keys()].join(", ")
        }.`,
      );
    }
    const bytes = file.read(begin, end - begin);
    if (bytes.length < end - begin) {
      throw new ReadError(`${path} was cut off within ${shownName(name)} while it was read.`);
    }
    yield { name, shape, data: decode(bytes) };
  }
}

/**
 * The tensors of a file as arrays of any type, whose values stream.
 *
 * @param longestHeader The most bytes of a header that are read.
 * @throws {ReadError} as {@linkcode headerOf} does.
 */
export function safetensorsArrays(
  path: string,
  file: SeekableFile,
  longestHeader: number,
): NamedArrays {
  const { tensors } = headerOf(path, file, longestHeader);
  return {
    names: Array.from(tensors.keys()),
    open(name) {
      const { dtype, shape, begin, end } = tensors.get(name)!;
      return Promise.resolve({
        dtype: NUMPY_NAMES.get(dtype) ?? dtype,
        shape,
        bytes: () => file.stream(begin, end - begin),
      });
    },
  };
}

async function openFile(path: string): Promise<Deno.FsFile> {
  try {
    // A FIFO would be waited for.
    if ((await Deno.stat(path)).isFile) return await Deno.open(path);
  } catch (error) {
    throw asReadError(path, error);
  }
  throw new ReadError(`${path} is no file, expected safetensors.`);
}
