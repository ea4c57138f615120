import { gzipSync } from "node:zlib";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { among, chance, type RandomGenerator } from "../../experiments/lab/tasks/random.ts";
import { repairChecksums } from "./repair.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** No input is longer than this, in bytes: repeated chunks could else double without end. */
const LONGEST_INPUT = 1 << 18;

const NUMBERS = [
  ..."0 -0 1 -1 1e999 -1e999 1e308 -1e308 5e-324 1e-400 709 710 -745 0.1 1e15 1e21".split(" "),
  ..."9007199254740993 18446744073709551616 4294967296 2147483648 -2147483649 1000000000".split(
    " ",
  ),
  ..."NaN nan Infinity -Infinity inf null true false None 0x10 1_000 1,5 01 +1 . - 1e".split(" "),
  ...['""', '"1"', '"NaN"', "[]", "{}", "[1]", "np.float64(0.5)", "tensor(0.5)", ""],
].map(encode);

const WORDS = [
  ..."step data run config log_history _step _runtime global_step epoch entropy reward".split(" "),
  ..."actor/entropy actor/entropy_loss critic/score/mean val-core/math/acc/mean@1".split(" "),
  ..."accuracy score eval/accuracy response_length/mean training/global_step message log".split(
    " ",
  ),
  ..."log_prob advantages response_mask old_log_prob token_ids mask losses rl trainer_logprobs"
    .split(" "),
  ..."__metadata__ __proto__ constructor toString length dtype shape data_offsets descr".split(" "),
  ..."F32 F16 BF16 F64 I64 BOOL U8 <f4 <f8 |b1 fortran_order weight_map model_type".split(" "),
  ..."num_hidden_layers vocab_size hidden_size head_dim rope_scaling model.norm.weight".split(" "),
].map(encode);

const SNIPPETS = [
  ...['"', "'", "\\", "{", "}", "[", "]", "(", ")", ",", ":", "\n", "\r\n", "\0", " - ", "%"],
  ...["\ufeff", "\u202e", "\u2028", "\x1b[36m", "\ud83d\ude00", "é", "\\u0000", "\\ud800", '""'],
  ...["step:1 - ", "(TaskRunner pid=7) ", "key:1", "], [", "}, {", "}\n{", '{"a":', "[[", "nan, "],
].map(encode);

/** Integers at which formats break: lengths, offsets and counts. */
const INTEGERS = [0n, 1n, 2n, 7n, 8n, 127n, 128n, 255n, 65535n, 1n << 16n, (1n << 31n) - 1n]
  .concat([1n << 31n, (1n << 32n) - 1n, 1n << 32n, 1n << 53n, (1n << 63n) - 1n, (1n << 64n) - 1n]);

type Mutation = (random: RandomGenerator, bytes: Bytes, other: Bytes) => Bytes;

const MUTATIONS: readonly Mutation[] = [
  flipBits,
  setBytes,
  truncate,
  remove,
  insertBytes,
  (random, bytes) => insert(random, bytes, among(random, SNIPPETS)),
  repeatChunk,
  splice,
  replaceNumber,
  replaceNumber,
  replaceNumber,
  replaceWord,
  replaceWord,
  nest,
  longLine,
  moveLine,
  dropLine,
  setInteger,
  setInteger,
];

/**
 * Damages the content of a file in one to several ways; the same generator state gives the same bytes.
 *
 * @param bytes The content; it is not changed.
 * @param other Another file of the same kind, pieces of which may be taken.
 */
export function mutate(random: RandomGenerator, bytes: Bytes, other: Bytes): Bytes {
  let mutated: Bytes = bytes.slice();
  do {
    mutated = among(random, MUTATIONS)(random, mutated, other).slice(0, LONGEST_INPUT);
  } while (chance(random, 0.4));
  // Without this most damage would end at a checksum, and what is behind it would never be tried.
  if (chance(random, 0.7)) mutated = repairChecksums(mutated);
  if (!chance(random, 0.05)) return mutated;
  mutated = Uint8Array.from(gzipSync(mutated));
  return chance(random, 0.5) ? mutated : flipBits(random, mutated);
}

function encode(text: string): Bytes {
  return new TextEncoder().encode(text);
}

function place(random: RandomGenerator, bytes: Bytes): number {
  return uniformInt(random, 0, bytes.length);
}

/** Lengths are mostly small, so that what is left still looks like the format. */
function shortLength(random: RandomGenerator, longest: number): number {
  return Math.min(longest, uniformInt(random, 1, 2 ** uniformInt(random, 0, 12)));
}

/** The bytes with those from `from` to `to` replaced. */
function replaced(bytes: Bytes, from: number, to: number, ...parts: Uint8Array[]): Bytes {
  const middle = parts.reduce((sum, part) => sum + part.length, 0);
  const result = new Uint8Array(from + middle + bytes.length - to);
  result.set(bytes.subarray(0, from));
  let at = from;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  result.set(bytes.subarray(to), at);
  return result;
}

function insert(random: RandomGenerator, bytes: Bytes, part: Bytes): Bytes {
  const at = place(random, bytes);
  return replaced(bytes, at, at, part);
}

function flipBits(random: RandomGenerator, bytes: Bytes): Bytes {
  if (bytes.length === 0) return bytes;
  for (let i = uniformInt(random, 1, 8); i > 0; i--) {
    const at = uniformInt(random, 0, bytes.length - 1);
    bytes[at]! ^= 1 << uniformInt(random, 0, 7);
  }
  return bytes;
}

function setBytes(random: RandomGenerator, bytes: Bytes): Bytes {
  const from = place(random, bytes);
  const value = among(random, [0, 0x20, 0x0a, 0x2d, 0x30, 0x7f, 0x80, 0xc3, 0xff]);
  return bytes.fill(value, from, from + shortLength(random, 64));
}

function truncate(random: RandomGenerator, bytes: Bytes): Bytes {
  return chance(random, 0.8)
    ? bytes.slice(0, place(random, bytes))
    : bytes.slice(place(random, bytes));
}

function remove(random: RandomGenerator, bytes: Bytes): Bytes {
  const from = place(random, bytes);
  return replaced(bytes, from, from + shortLength(random, bytes.length - from));
}

function insertBytes(random: RandomGenerator, bytes: Bytes): Bytes {
  const length = shortLength(random, 64);
  const part = Uint8Array.from({ length }, () => uniformInt(random, 0, 255));
  return insert(random, bytes, part);
}

function repeatChunk(random: RandomGenerator, bytes: Bytes): Bytes {
  if (bytes.length === 0) return bytes;
  const from = uniformInt(random, 0, bytes.length - 1);
  const chunk = bytes.slice(from, from + shortLength(random, bytes.length - from));
  const most = Math.max(1, Math.floor(LONGEST_INPUT / 4 / chunk.length));
  const times = Math.min(most, 2 ** uniformInt(random, 0, 14));
  return replaced(bytes, from, from, ...Array<Bytes>(times).fill(chunk));
}

function splice(random: RandomGenerator, bytes: Bytes, other: Bytes): Bytes {
  const [to, from] = [place(random, bytes), place(random, other)];
  if (chance(random, 0.5)) return replaced(bytes, to, bytes.length, other.subarray(from));
  const part = other.slice(from, from + shortLength(random, other.length - from));
  return replaced(bytes, to, to, part);
}

/** The stretch of bytes of a kind at or after a random place, going round at the end. */
function stretch(
  random: RandomGenerator,
  bytes: Bytes,
  isPart: (byte: number) => boolean,
): [number, number] | undefined {
  if (bytes.length === 0) return undefined;
  let from = uniformInt(random, 0, bytes.length - 1);
  for (let looked = 0; !isPart(bytes[from]!); looked++) {
    if (looked === bytes.length) return undefined;
    from = (from + 1) % bytes.length;
  }
  while (from > 0 && isPart(bytes[from - 1]!)) from--;
  let to = from;
  while (to < bytes.length && isPart(bytes[to]!)) to++;
  return [from, to];
}

/** A digit, or one of the signs within numbers. */
function isOfNumber(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39 || byte === 0x2e || byte === 0x2d;
}

function isOfWord(byte: number): boolean {
  return byte >= 0x61 && byte <= 0x7a || byte === 0x5f || byte === 0x2f;
}

function replaceNumber(random: RandomGenerator, bytes: Bytes): Bytes {
  const found = stretch(random, bytes, isOfNumber);
  return found === undefined ? bytes : replaced(bytes, ...found, among(random, NUMBERS));
}

function replaceWord(random: RandomGenerator, bytes: Bytes): Bytes {
  const found = stretch(random, bytes, isOfWord);
  return found === undefined ? bytes : replaced(bytes, ...found, among(random, WORDS));
}

function nest(random: RandomGenerator, bytes: Bytes): Bytes {
  const [open, close] = among(random, [["[", "]"], ['{"a":', "}"], ["(", ")"], ["{'a': ", "}"]]);
  const depth = 2 ** uniformInt(random, 1, 15);
  const at = place(random, bytes);
  const end = chance(random, 0.5) ? close!.repeat(depth) : "";
  return replaced(bytes, at, at, encode(open!.repeat(depth)), encode(end));
}

function longLine(random: RandomGenerator, bytes: Bytes): Bytes {
  if (chance(random, 0.3)) return bytes.filter((byte) => byte !== 0x0a);
  const text = among(random, [
    " ",
    "a",
    "0",
    '"',
    "\\",
    "'",
    "-",
    ":",
    "a,",
    "a:1 - ",
    "1,",
    "\x1b[",
  ]);
  const times = 2 ** uniformInt(random, 6, 16);
  return insert(random, bytes, encode(text.repeat(Math.ceil(times / text.length))));
}

function lineAt(random: RandomGenerator, bytes: Bytes): [number, number] {
  const at = place(random, bytes);
  const end = bytes.indexOf(0x0a, at);
  return [bytes.lastIndexOf(0x0a, Math.max(0, at - 1)) + 1, end < 0 ? bytes.length : end + 1];
}

function moveLine(random: RandomGenerator, bytes: Bytes): Bytes {
  const [from, to] = lineAt(random, bytes);
  const line = bytes.slice(from, Math.max(from, to));
  const rest = chance(random, 0.5) ? bytes : replaced(bytes, from, Math.max(from, to));
  const [at] = lineAt(random, rest);
  return replaced(rest, at, at, line);
}

function dropLine(random: RandomGenerator, bytes: Bytes): Bytes {
  const [from, to] = lineAt(random, bytes);
  return replaced(bytes, from, Math.max(from, to));
}

function setInteger(random: RandomGenerator, bytes: Bytes): Bytes {
  const size = among(random, [1, 2, 4, 8]);
  if (bytes.length < size) return bytes;
  const at = uniformInt(random, 0, bytes.length - size);
  let value = among(random, INTEGERS);
  if (chance(random, 0.5)) {
    value = 0n;
    for (let i = size; i-- > 0;) value = value << 8n | BigInt(bytes[at + i]!);
    value += BigInt(uniformInt(random, -9, 9));
  }
  for (let i = 0; i < size; i++) bytes[at + i] = Number(value >> BigInt(8 * i) & 255n);
  return bytes;
}
