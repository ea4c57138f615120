import crc32c from "crc-32/crc32c";
import protobuf from "protobufjs/minimal";
import { ByteReader } from "../../formats/byte_reader.ts";
import { ReadError } from "../../formats/errors.ts";
import type { LogSource } from "./log_source.ts";
import { Malformed } from "./malformed.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import { SeriesCollector } from "./series_collector.ts";
import { isStep } from "./step_value.ts";

/** A scalar event is under a kilobyte; longer ones hold pictures and are passed over. */
const LONGEST_RECORD = 1 << 24;

/**
 * Reads TensorBoard event files: TFRecord framing, both checksums checked, scalar summaries as
 * `simple_value` or as a tensor of one element. Several files are one run, in the order given. A record
 * whose data is damaged, or that is longer than 16 MiB, is counted and skipped; after a damaged length
 * nothing more of that file can be found.
 *
 * @throws {ReadError} if a file cannot be read.
 */
export async function readTensorBoard(
  sources: AsyncIterable<LogSource> | Iterable<LogSource>,
  options: ReaderOptions,
): Promise<LogRows[]> {
  const malformed = new Malformed();
  const collector = new SeriesCollector(options.keep, "last", malformed);
  for await (const source of sources) await readEventFile(source, collector, malformed);
  return [{ name: "", series: collector, malformed, notes: [] }];
}

async function readEventFile(
  source: LogSource,
  collector: SeriesCollector,
  malformed: Malformed,
): Promise<void> {
  const reader = new ByteReader(source.chunks());
  for (let record = 0;; record++) {
    const header = reader.atHand(12) ?? await reader.read(12);
    if (header.length === 0) return;
    const add = (text: string) => malformed.add(`${source.name} record ${record}`, text);
    if (header.length < 12) return add("cut off");
    if (!isFrameStart(header)) return add("damaged length; the rest of the file is lost");
    // What no file holds need not be counted exactly.
    const length = uint32(header, 0) + 2 ** 32 * uint32(header, 4);
    if (length > LONGEST_RECORD) {
      if (!await reader.skip(length + 4)) {
        return add("longer than the file; the rest of the file is lost");
      }
      add(`${length} bytes, at most ${LONGEST_RECORD} are read`);
      continue;
    }
    const framed = reader.atHand(length + 4) ?? await reader.read(length + 4);
    if (framed.length < length + 4) return add("cut off");
    const data = framed.subarray(0, length);
    if (maskedCrc32c(data) !== uint32(framed, length)) add("checksum does not match");
    else {
      const complaint = addEvent(data, collector, (pieces) => source.spend(pieces));
      if (complaint !== undefined) add(complaint);
    }
  }
}

/** Whether 12 bytes are a TFRecord header: a length and its checksum that agree. */
export function isFrameStart(header: Uint8Array): boolean {
  return header.length >= 12 && maskedCrc32c(header.subarray(0, 8)) === uint32(header, 8);
}

function uint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24) >>> 0;
}

/** The checksum of TFRecord: CRC-32C, rotated and offset (tensorflow/core/lib/hash/crc32c.h). */
export function maskedCrc32c(data: Uint8Array): number {
  const crc = crc32c.buf(data) >>> 0;
  return ((((crc >>> 15) | (crc << 17)) >>> 0) + 0xa282ead8) >>> 0;
}

/** Reads one tensorflow.Event, or says why not. Field numbers: event.proto, summary.proto. */
function addEvent(
  data: Uint8Array,
  collector: SeriesCollector,
  spend: (pieces: number) => void,
): string | undefined {
  spend(1);
  try {
    let step = 0;
    for (const event = protobuf.Reader.create(data); event.pos < event.len;) {
      const tag = event.uint32();
      if (tag >>> 3 === 2) step = Number(event.int64());
      else event.skipType(tag & 7);
    }
    // Read once more, as the step may stand after the values.
    for (const event = protobuf.Reader.create(data); event.pos < event.len;) {
      const tag = event.uint32();
      if (tag >>> 3 !== 5) {
        event.skipType(tag & 7);
        continue;
      }
      if (!isStep(step)) return `has the step ${step}, expected 0 to 2^53 − 1`;
      for (const summary = protobuf.Reader.create(event.bytes()); summary.pos < summary.len;) {
        const tag = summary.uint32();
        if (tag >>> 3 === 1) {
          spend(1);
          addValue(summary.bytes(), step, collector);
        } else summary.skipType(tag & 7);
      }
    }
    return undefined;
  } catch (error) {
    if (error instanceof ReadError) throw error;
    return "not an event";
  }
}

function addValue(data: Uint8Array, step: number, collector: SeriesCollector): void {
  const reader = protobuf.Reader.create(data);
  let key = "";
  let value: number | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) key = reader.string();
    else if (tag >>> 3 === 2) value = reader.float();
    else if (tag >>> 3 === 8) value = tensorScalar(reader.bytes());
    else reader.skipType(tag & 7);
  }
  if (key !== "" && value !== undefined) collector.add(step, key, value);
}

const DT_FLOAT = 1, DT_DOUBLE = 2, DT_INT32 = 3, DT_INT64 = 9;

/** The value of a TensorProto of one element; undefined for larger tensors, text and images. */
function tensorScalar(data: Uint8Array): number | undefined {
  const reader = protobuf.Reader.create(data);
  let type = 0;
  let count = 0;
  let first = 0;
  let content: Uint8Array | undefined;
  // A repeated number is packed (wire type 2) or one field per element.
  const numbers = (wire: number, read: () => number) => {
    const end = wire === 2 ? reader.uint32() + reader.pos : reader.pos + 1;
    while (reader.pos < end) {
      const value = read();
      if (count++ === 0) first = value;
    }
  };
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const wire = tag & 7;
    switch (tag >>> 3) {
      case 1:
        type = reader.int32();
        break;
      case 4:
        content = reader.bytes();
        break;
      case 5:
        numbers(wire, () => reader.float());
        break;
      case 6:
        numbers(wire, () => reader.double());
        break;
      case 7:
      case 10:
        numbers(wire, () => Number(reader.int64()));
        break;
      default:
        reader.skipType(wire);
    }
  }
  if (count === 1) return first;
  if (content === undefined || count > 0) return undefined;
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  if (type === DT_FLOAT && content.length === 4) return view.getFloat32(0, true);
  if (type === DT_DOUBLE && content.length === 8) return view.getFloat64(0, true);
  if (type === DT_INT32 && content.length === 4) return view.getInt32(0, true);
  if (type === DT_INT64 && content.length === 8) return Number(view.getBigInt64(0, true));
  return undefined;
}
