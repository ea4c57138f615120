/** Small files that promise much, or are laid out so that a careless reader takes long. */
import { Buffer } from "node:buffer";
import { constants, deflateRawSync } from "node:zlib";
import * as write from "./write_dumps.ts";

/** The size up to which `cov` promises to need little memory and time, in bytes. */
export const SMALL = 5_000_000;

/** How a hostile dump is refused, or how many response tokens it has. */
export type Expected = RegExp | number;

const text = (value: string) => new TextEncoder().encode(value);
/** A part over and over, up to a length. */
const filled = (part: string, length: number) =>
  new Uint8Array(Buffer.alloc(length - length % part.length, part, "latin1"));

/** A start, a part over and over, and an end: as much as a small file may have. */
function stretched(start: string, part: string, end = ""): Uint8Array {
  return write.join([text(start), filled(part, SMALL - start.length - end.length), text(end)]);
}

/** Pieces, each so many times over, deflated: after a full flush, blocks may be repeated. */
function deflated(...pieces: [string | Uint8Array, number?][]): Uint8Array {
  const blocks = pieces.flatMap(([piece, times = 1]) => {
    const bytes = typeof piece === "string" ? text(piece) : piece;
    const options = { level: 9, finishFlush: constants.Z_FULL_FLUSH };
    const block = deflateRawSync(bytes, options);
    return Array.from({ length: times }, () => block);
  });
  return write.join([...blocks, Uint8Array.of(3, 0)]);
}

/** The same as a gzip file, cut off before its checksum. */
function gzipped(...pieces: Parameters<typeof deflated>): Uint8Array {
  return write.join([Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3), deflated(...pieces)]);
}

function safetensors(header: string | Uint8Array, data = 0): Uint8Array<ArrayBuffer> {
  const bytes = typeof header === "string" ? text(header) : header;
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(bytes.length), true);
  return write.join([length, bytes, new Uint8Array(data)]);
}

/** The header of a .npy file of any shape. */
function npyHeader(dtype: string, shape: readonly number[]): Uint8Array {
  return write.npy({ dtype, shape: [...shape], values: [] });
}

function npz(
  shape: readonly number[],
  file: (header: Uint8Array) => Uint8Array | write.Deflated,
  dtype = "f4",
): Uint8Array {
  const one = file(npyHeader(dtype, shape));
  return write.zip({ "log_prob.npy": one, "advantages.npy": one, "old_log_prob.npy": one });
}

const MEBIBYTE = new Uint8Array(1 << 20);
const ZEROS = 300;

/** Each with its name, which is that of its file, too. */
export const HOSTILE: Record<string, () => [Uint8Array, Expected]> = {
  "zeros.npz": () => [
    npz([ZEROS << 18], (header) => ({
      deflated: deflated([header], [MEBIBYTE, ZEROS]),
      size: header.length + ZEROS * MEBIBYTE.length,
    })),
    /inflates from \d+ to more than 536870912 bytes/,
  ],
  "zeros.safetensors.gz": () => [
    gzipped([safetensors('{"a":{}}')], [MEBIBYTE, 600]),
    /inflates from \d+ to more than 536870912 bytes/,
  ],
  "promise.npz": () => [
    npz([1e9, 1e6], (header) => header),
    /log_prob\.npy has \d+ bytes, too few for the shape \[1000000000,1000000\]/,
  ],
  "lying-directory.npz": () => [
    npz([1e9], (header) => ({ deflated: deflateRawSync(header), size: header.length + 4e9 })),
    /has \d+ of its 4000000\d+ bytes/,
  ],
  "no-columns.npz": () => [npz([1e9, 0], (header) => header), /holds no tokens\./],
  "no-rows.npz": () => [npz([0, 1e9], (header) => header), /holds no tokens\./],
  "no-columns.safetensors": () => [
    safetensors(JSON.stringify({
      log_prob: { dtype: "F32", shape: [1e9, 0], data_offsets: [0, 0] },
      advantages: { dtype: "F32", shape: [1e9, 0], data_offsets: [0, 0] },
    })),
    /holds no tokens\./,
  ],
  "many-files.npz": () => [
    write.zip(Object.fromEntries(
      Array.from({ length: 20_000 }, (_, i) => [`${i}.npy`, new Uint8Array(0)]),
    )),
    /has no column of the names log_prob, .*; it has 0, 1, 2, /,
  ],
  "dimensions.npz": () => [
    npz(Array.from({ length: 4000 }, () => 1), (header) => header),
    /is damaged or cut off/,
  ],
  "deep-header.npz": () => {
    const header = new TextDecoder("latin1").decode(npyHeader("f4", [1]));
    const at = header.indexOf("'shape'");
    const deep = header.slice(0, at) + "(".repeat(header.length - at - 1) + "\n";
    return [
      npz([1], () => Uint8Array.from(deep, (one) => one.charCodeAt(0))),
      /log_prob\.npy is damaged or cut off, or no NumPy array/,
    ];
  },
  "long-header.safetensors.gz": () => [
    gzipped(
      [Uint8Array.of(0, 0xe1, 0xf5, 5, 0, 0, 0, 0)],
      ['{"a":['],
      [filled("[],", 3 << 18), 130],
    ),
    /its header has 100000000 bytes, expected at most 8388608/,
  ],
  "deep.safetensors": () => [
    safetensors(stretched('{"a":', "[").subarray(0, SMALL - 8)),
    /its header is nested more than 3 levels deep/,
  ],
  "many-tensors.safetensors": () => {
    const entry = { dtype: "F32", shape: [0], data_offsets: [0, 0] };
    const header = Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [i, entry]));
    return [safetensors(JSON.stringify(header)), /has no column of the names/];
  },
  "long-name.safetensors": () => [
    safetensors(stretched('{"', "n", '":{}}        ').subarray(0, SMALL - 8)),
    /its header describes .* wrongly/,
  ],
  "numbers.jsonl.gz": () => [
    gzipped(['{"advantages":1,"log_prob":[0'], [filled(",0", MEBIBYTE.length), 300], ["]}\n"]),
    /line 1 inflates to more than 16777216 numbers/,
  ],
  "columns.jsonl.gz": () => [
    gzipped(
      ...["log_prob", "advantages", "mask"].flatMap((name): [string | Uint8Array, number?][] => [
        [`{"${name}":[0`],
        [filled(",0", MEBIBYTE.length), 32],
        ["]}\n"],
      ]),
    ),
    /has no column of the names advantages/,
  ],
  "texts.jsonl.gz": () => {
    const token = (i: number) => `"${i}${"lorem ipsum ".repeat(5000)}",`;
    const tokens = Array.from({ length: 2000 }, (_, i) => token(i)).join("");
    return [
      gzipped([`{"advantages":1,"log_prob":1,"token":"x"}\n{"tokens":[${tokens}""]}\n`]),
      1,
    ];
  },
  "long-text.jsonl.gz": () => [
    gzipped(
      ['{"log_prob":[-1,-2],"advantages":[1,2],"x":"'],
      [filled("lorem ipsum ", MEBIBYTE.length), 200],
      ['"}'],
    ),
    /inflates from \d+ to more than 134217728 bytes/,
  ],
  "numbers.jsonl": () => [
    stretched('{"advantages":1,"log_prob":[0', ",0", "]}"),
    2_499_985,
  ],
  "damaged-lines.jsonl": () => [stretched('{"a":1}\n', "x\n"), /has no column of the names/],
  "empty-objects.jsonl": () => [
    stretched("", "{}\n"),
    /holds no tokens that can be used: line 1/,
  ],
  "empty-lines.jsonl": () => [stretched('{"a":1}', "\n"), /has no column of the names/],
  "empty-sequences.jsonl": () => [
    stretched("", '{"log_prob":[],"advantages":[]}\n'),
    /holds no tokens/,
  ],
  "deep.jsonl": () => [stretched('{"a":', "["), /holds no tokens that can be used: line 1/],
  "deep-objects.jsonl": () => [
    stretched("", '{"a":'),
    /holds no tokens that can be used: line 1/,
  ],
  "names.jsonl": () => {
    const names = Array.from({ length: 250_000 }, (_, i) => `"name of ${i}":0`);
    return [text(`{${names.join()}}\n`), /has no column of the names .*; it has name of 0, /];
  },
  "escapes.jsonl": () => [stretched('{"log_prob":1,"advantages":2,"x":"', '\\"', '"}'), 1],
  "long-token.jsonl": () => [
    stretched('{"log_prob":1,"advantages":2,"token":"', "\\u0000", '"}'),
    /holds no tokens that can be used: line 1/,
  ],
  "tokens.jsonl": () => {
    const count = 80_000;
    const line = (i: number) =>
      `{"log_prob":${-i % 7},"advantages":${i % 5},"token":"token ${i}"}\n`;
    return [text(Array.from({ length: count }, (_, i) => line(i)).join("")), count];
  },
};
