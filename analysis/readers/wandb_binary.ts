import { crc32 } from "node:zlib";
import protobuf from "protobufjs/minimal";
import { ByteReader, readBytes } from "./bytes.ts";
import { addMetrics, parseJsonObject } from "./jsonl.ts";
import { Malformed } from "./malformed.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import { SeriesCollector } from "./series.ts";
import { StepFinder } from "./step.ts";

/** The first seven bytes of a `.wandb` file: ":W&B", the magic number 0xBEE1, version 0. */
export const WANDB_HEADER: Uint8Array = new Uint8Array([0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0]);

const BLOCK = 1 << 15;
const DAMAGED = 0, FULL = 1, FIRST = 2, LAST = 4;

/**
 * Reads W&B's transaction log, the `run-*.wandb` in a `wandb/` folder: a header, then LevelDB log
 * blocks of 32 KiB whose fragments carry a CRC-32, then protobuf records, of which the history and the
 * configuration are used. Damaged fragments are counted and skipped; a file that was cut off is read
 * up to there.
 *
 * @throws {ReadError} if the file cannot be read.
 */
export async function readWandbBinary(path: string, options: ReaderOptions): Promise<LogRows[]> {
  const collector = new SeriesCollector(options.keep, "mean");
  const malformed = new Malformed();
  const config: Record<string, unknown> = {};
  const steps = new StepFinder();
  for await (const record of readRecords(path, malformed)) {
    try {
      addRecord(record, collector, steps, config);
    } catch (error) {
      malformed.add("record", (error as Error).message);
    }
  }
  const hasConfig = Object.keys(config).length > 0;
  return [{ name: "", series: collector, malformed, ...(hasConfig ? { config } : {}) }];
}

/** The protobuf records of the file: fragments that fit one block, or several put together. */
async function* readRecords(path: string, malformed: Malformed): AsyncGenerator<Uint8Array> {
  const reader = new ByteReader(readBytes(path));
  let parts: Uint8Array[] = [];
  try {
    for (let block = 0;; block++) {
      const bytes = await reader.read(BLOCK);
      for (const { type, data } of fragmentsOf(bytes, block, malformed)) {
        if (type === FULL || type === FIRST) parts = [];
        else if (type === DAMAGED || parts.length === 0) {
          parts = [];
          continue;
        }
        parts.push(data);
        if (type === FULL || type === LAST) yield concatenated(parts);
      }
      if (bytes.length < BLOCK) return;
    }
  } finally {
    await reader.close();
  }
}

/** The fragments of one block; those whose checksum fails come as DAMAGED. */
function* fragmentsOf(
  bytes: Uint8Array,
  block: number,
  malformed: Malformed,
): Generator<{ type: number; data: Uint8Array }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = block === 0 ? WANDB_HEADER.length : 0;
  while (at + 7 <= bytes.length) {
    const checksum = view.getUint32(at, true);
    const length = view.getUint16(at + 4, true);
    const type = bytes[at + 6]!;
    if (checksum === 0 && length === 0 && type === 0) return; // Zeros fill the rest of the block.
    const data = bytes.subarray(at + 7, at + 7 + length);
    const place = `byte ${block * BLOCK + at}`;
    at += 7 + length;
    if (data.length < length) return malformed.add(place, "cut off");
    const intact = crc32(data, crc32(new Uint8Array([type]))) === checksum;
    if (!intact) malformed.add(place, "checksum does not match");
    yield { type: intact ? type : DAMAGED, data };
  }
}

function concatenated(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Reads one wandb_internal.Record: 2 is the history, 5 the configuration, 17 the run with its own. */
function addRecord(
  data: Uint8Array,
  collector: SeriesCollector,
  steps: StepFinder,
  config: Record<string, unknown>,
): void {
  for (const [field, record] of submessages(data)) {
    if (field === 2) addHistory(record, collector, steps);
    else if (field === 5) Object.assign(config, items(record, 1));
    else if (field === 17) {
      for (const [inner, value] of submessages(record)) {
        if (inner === 4) Object.assign(config, items(value, 1));
      }
    }
  }
}

function addHistory(data: Uint8Array, collector: SeriesCollector, steps: StepFinder): void {
  const row = items(data, 1);
  for (const [field, message] of submessages(data)) {
    // HistoryStep, for writers that do not repeat it as the item `_step`.
    if (field === 2) row["_step"] ??= protoStep(message);
  }
  const step = steps.find((key) => row[key]);
  if (step !== undefined) addMetrics(collector, step, row);
}

function protoStep(data: Uint8Array): number {
  const reader = protobuf.Reader.create(data);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) return Number(reader.int64());
    reader.skipType(tag & 7);
  }
  return 0;
}

/** The key/value items of a record: key 1 or nested_key 2 (its parts joined by `/`), value_json 16. */
function items(data: Uint8Array, itemField: number): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [field, message] of submessages(data)) {
    if (field !== itemField) continue;
    const names: string[] = [];
    let json = "";
    for (const [inner, bytes] of submessages(message)) {
      if (inner === 1 || inner === 2) names.push(text(bytes));
      else if (inner === 16) json = text(bytes);
    }
    const name = names.filter((part) => part !== "").join("/");
    found[name] = parseJsonObject(`{"value":${json}}`)?.["value"];
  }
  return found;
}

function* submessages(data: Uint8Array): Generator<[number, Uint8Array]> {
  const reader = protobuf.Reader.create(data);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if ((tag & 7) === 2) yield [tag >>> 3, reader.bytes()];
    else reader.skipType(tag & 7);
  }
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
