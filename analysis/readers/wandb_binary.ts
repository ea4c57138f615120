import { crc32 } from "node:zlib";
import protobuf from "protobufjs/minimal";
import { ByteReader } from "../../formats/byte_reader.ts";
import { ReadError } from "../../formats/errors.ts";
import { parseJsonObject } from "../../formats/json_object.ts";
import type { LogSource } from "./log_source.ts";
import { Malformed } from "./malformed.ts";
import { addMetrics } from "./metrics.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import { SeriesCollector } from "./series_collector.ts";
import { StepFinder } from "./step.ts";

/** The first seven bytes of a `.wandb` file: ":W&B", the magic number 0xBEE1, version 0. */
export const WANDB_HEADER: Uint8Array = new Uint8Array([0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0]);

const BLOCK = 1 << 15;
const DAMAGED = 0, FULL = 1, FIRST = 2, LAST = 4;
/** A row of metrics is a few kilobytes; past this a record, or the whole configuration, is left out. */
const LONGEST_RECORD = 1 << 24;

/**
 * Reads W&B's transaction log, the `run-*.wandb` in a `wandb/` folder: a header, then LevelDB log
 * blocks of 32 KiB whose fragments carry a CRC-32, then protobuf records, of which the history and the
 * configuration are used. Damaged fragments and records of more than 16 MiB are counted and skipped; a
 * file that was cut off is read up to there.
 *
 * @throws {ReadError} if the file cannot be read.
 */
export async function readWandbBinary(
  source: LogSource,
  options: ReaderOptions,
): Promise<LogRows[]> {
  const malformed = new Malformed();
  const run = new RecordedRun(source, new SeriesCollector(options.keep, "mean", malformed));
  for await (const record of readRecords(source, malformed)) {
    try {
      run.add(record);
    } catch (error) {
      if (error instanceof ReadError) throw error;
      malformed.add("record", (error as Error).message);
    }
  }
  const rows = { name: "", series: run.series, malformed, notes: run.notes };
  return [run.config.size === 0 ? rows : { ...rows, config: Object.fromEntries(run.config) }];
}

/** The protobuf records of the file: fragments that fit one block, or several put together. */
async function* readRecords(
  source: LogSource,
  malformed: Malformed,
): AsyncGenerator<Uint8Array> {
  const reader = new ByteReader(source.chunks());
  const record = new GrowingBytes();
  // Whether fragments are taken, or passed over until the next record.
  let isOpen = false;
  for (let block = 0;; block++) {
    const bytes = await reader.read(BLOCK);
    for (const { type, data, place } of fragmentsOf(bytes, block, malformed)) {
      source.spend(1);
      if (type === FULL || type === FIRST) {
        isOpen = true;
        record.length = 0;
      } else if (type === DAMAGED) isOpen = false;
      if (!isOpen) continue;
      if (record.length + data.length > LONGEST_RECORD) {
        malformed.add(place(), `a record of more than ${LONGEST_RECORD} bytes`);
        isOpen = false;
        continue;
      }
      if (type === FULL) yield data;
      else record.append(data);
      if (type === LAST) yield record.bytes();
      if (type === FULL || type === LAST) isOpen = false;
    }
    if (bytes.length < BLOCK) return;
  }
}

/** Bytes that fragments are put together in; it grows by doubling and is used again. */
class GrowingBytes {
  length = 0;
  #bytes = new Uint8Array(BLOCK);

  append(part: Uint8Array): void {
    if (this.length + part.length > this.#bytes.length) {
      const grown = new Uint8Array(2 * (this.length + part.length));
      grown.set(this.#bytes.subarray(0, this.length));
      this.#bytes = grown;
    }
    this.#bytes.set(part, this.length);
    this.length += part.length;
  }

  /** What was appended, valid until the next is. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
}

/** A fragment of a record. */
interface Fragment {
  type: number;
  data: Uint8Array;
  /** Where it stands, in words. */
  place: () => string;
}

/** The checksum of each type alone, which a fragment's checksum goes on from. */
const TYPE_CHECKSUMS = Uint32Array.from({ length: 256 }, (_, type) => crc32(Uint8Array.of(type)));

/** The fragments of one block; those whose checksum fails come as DAMAGED. */
function* fragmentsOf(
  bytes: Uint8Array,
  block: number,
  malformed: Malformed,
): Generator<Fragment> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = block === 0 ? WANDB_HEADER.length : 0;
  while (at + 7 <= bytes.length) {
    const checksum = view.getUint32(at, true);
    const length = view.getUint16(at + 4, true);
    const type = bytes[at + 6]!;
    if (checksum === 0 && length === 0 && type === 0) return; // Zeros fill the rest of the block.
    const data = bytes.subarray(at + 7, at + 7 + length);
    const start = block * BLOCK + at;
    const place = () => `byte ${start}`;
    at += 7 + length;
    if (data.length < length) return malformed.add(place(), "cut off");
    const intact = crc32(data, TYPE_CHECKSUMS[type]!) === checksum;
    if (!intact) malformed.add(place(), "checksum does not match");
    yield { type: intact ? type : DAMAGED, data, place };
  }
}

/** The run as its records come in. Field numbers: wandb_internal.proto. */
class RecordedRun {
  readonly series: SeriesCollector;
  readonly config: Map<string, unknown> = new Map();
  #source: LogSource;
  #steps: StepFinder;
  #configBytes = 0;
  /** The names of the items that were read last. */
  readonly #names: string[] = [];

  constructor(source: LogSource, series: SeriesCollector) {
    this.#source = source;
    this.series = series;
    this.#steps = new StepFinder(series);
  }

  /** What was decided about the steps, one sentence each. */
  get notes(): readonly string[] {
    return this.#steps.notes;
  }

  /** Adds one Record: 2 is the history, 5 the configuration, 17 the run with its own. */
  add(data: Uint8Array): void {
    for (const [field, record] of submessages(data)) {
      if (field === 2) this.#addHistory(record);
      else if (field === 5) this.#addConfig(record);
      else if (field === 17) {
        for (const [inner, value] of submessages(record)) {
          if (inner === 4) this.#addConfig(value);
        }
      }
    }
  }

  #addHistory(data: Uint8Array): void {
    const row: Record<string, unknown> = Object.fromEntries(this.#items(data));
    for (const [field, message] of submessages(data)) {
      // HistoryStep, for writers that do not repeat it as the item `_step`.
      if (field === 2) row["_step"] ??= protoStep(message);
    }
    const step = this.#steps.find((key) => row[key]);
    if (step === undefined) throw new Error(this.#steps.complaint);
    const { own } = this.#steps;
    const place = () => `the record of step ${step}`;
    addMetrics(row, { collector: this.series, step, own, place });
  }

  #addConfig(data: Uint8Array): void {
    this.#configBytes += data.length;
    if (this.#configBytes > LONGEST_RECORD) {
      throw new Error(`the configuration has more than ${LONGEST_RECORD} bytes`);
    }
    for (const [name, value] of this.#items(data)) this.config.set(name, value);
  }

  /** The key/value items of a record: key 1 or nested_key 2 (its parts joined by `/`), value_json 16. */
  #items(data: Uint8Array): Map<string, unknown> {
    const found = new Map<string, unknown>();
    for (const [field, message] of submessages(data)) {
      if (field !== 1) continue;
      let name = "";
      let json = "";
      const item = protobuf.Reader.create(message);
      while (item.pos < item.len) {
        const tag = item.uint32();
        if (tag === KEY || tag === NESTED_KEY) {
          const part = item.string();
          name += name === "" || part === "" ? part : `/${part}`;
        } else if (tag === VALUE_JSON) json = item.string();
        else item.skipType(tag & 7);
      }
      // The same string as in the row before is hashed already.
      const known = this.#names[found.size];
      if (known === name) name = known;
      else this.#names[found.size] = name;
      // Nearly all values are numbers, and there are millions of them.
      if (JSON_NUMBER.test(json)) {
        this.#source.spend(1);
        found.set(name, Number(json));
        continue;
      }
      const value = parseJsonObject(`{"value":${json}}`);
      this.#source.spend(value === undefined ? 16 : 1);
      found.set(name, value?.["value"]);
    }
    return found;
  }
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

/** Tags of an item's fields: number and wire type 2. */
const KEY = 1 << 3 | 2, NESTED_KEY = 2 << 3 | 2, VALUE_JSON = 16 << 3 | 2;

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/;

function* submessages(data: Uint8Array): Generator<[number, Uint8Array]> {
  const reader = protobuf.Reader.create(data);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if ((tag & 7) === 2) yield [tag >>> 3, reader.bytes()];
    else reader.skipType(tag & 7);
  }
}
