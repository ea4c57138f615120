/** Writers of every format of token dumps, from the formats' own descriptions. */
import { crc32, deflateRawSync } from "node:zlib";

/** A token of a dump. */
export interface Token {
  logProb: number;
  advantage: number;
  mask: 0 | 1;
  oldLogProb?: number;
  id?: number;
}

/** An array to be stored. */
export interface Stored {
  /** NumPy's name: f4, i8, b1, …, or bf16. */
  dtype: string;
  shape: number[];
  /** Row-major. */
  values: readonly number[];
}

const SETTERS: Record<string, [number, (view: DataView, at: number, value: number) => void]> = {
  f2: [2, (view, at, value) => view.setFloat16(at, value, true)],
  f4: [4, (view, at, value) => view.setFloat32(at, value, true)],
  f8: [8, (view, at, value) => view.setFloat64(at, value, true)],
  b1: [1, (view, at, value) => view.setUint8(at, value)],
  u1: [1, (view, at, value) => view.setUint8(at, value)],
  i1: [1, (view, at, value) => view.setInt8(at, value)],
  u2: [2, (view, at, value) => view.setUint16(at, value, true)],
  i2: [2, (view, at, value) => view.setInt16(at, value, true)],
  u4: [4, (view, at, value) => view.setUint32(at, value, true)],
  i4: [4, (view, at, value) => view.setInt32(at, value, true)],
  u8: [8, (view, at, value) => view.setBigUint64(at, BigInt(value), true)],
  i8: [8, (view, at, value) => view.setBigInt64(at, BigInt(value), true)],
  bf16: [2, (view, at, value) => {
    const wide = new DataView(new ArrayBuffer(4));
    wide.setFloat32(0, value, true);
    view.setUint16(at, wide.getUint16(2, true), true);
  }],
};

function bytesOf({ dtype, values }: Stored): Uint8Array<ArrayBuffer> {
  const [size, set] = SETTERS[dtype]!;
  const bytes = new Uint8Array(size * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => set(view, i * size, value));
  return bytes;
}

export function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const text = (value: string) => new TextEncoder().encode(value);

function little(bytes: number, value: number): Uint8Array {
  return Uint8Array.from(
    { length: bytes },
    (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 255n),
  );
}

const SAFETENSORS_NAMES: Record<string, string> = {
  f2: "F16",
  f4: "F32",
  f8: "F64",
  bf16: "BF16",
  b1: "BOOL",
  u1: "U8",
  i1: "I8",
  u2: "U16",
  i2: "I16",
  u4: "U32",
  i4: "I32",
  u8: "U64",
  i8: "I64",
};

export function safetensors(arrays: Record<string, Stored>): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  const data: Uint8Array[] = [];
  let at = 0;
  for (const [name, array] of Object.entries(arrays)) {
    const bytes = bytesOf(array);
    header[name] = {
      dtype: SAFETENSORS_NAMES[array.dtype],
      shape: array.shape,
      data_offsets: [at, at + bytes.length],
    };
    data.push(bytes);
    at += bytes.length;
  }
  const head = text(JSON.stringify(header));
  return join([little(8, head.length), head, ...data]);
}

/** The .npy format; `version` 1 to 3. */
export function npy(
  array: Stored,
  { version = 1, isFortran = false } = {},
): Uint8Array<ArrayBuffer> {
  const order = array.dtype.endsWith("1") ? "|" : "<";
  const shape = `(${array.shape.join(", ")}${array.shape.length === 1 ? "," : ""})`;
  const description = `{'descr': '${order}${array.dtype}', 'fortran_order': ${
    isFortran ? "True" : "False"
  }, 'shape': ${shape}, }`;
  const start = version === 1 ? 10 : 12;
  const header = description.padEnd(
    Math.ceil((start + description.length + 1) / 64) * 64 - start - 1,
  );
  return join([
    Uint8Array.of(0x93),
    text("NUMPY"),
    Uint8Array.of(version, 0),
    little(version === 1 ? 2 : 4, header.length + 1),
    text(header + "\n"),
    bytesOf(array),
  ]);
}

/** How a zip archive is written. */
export interface ZipOptions {
  deflate?: boolean;
  /** `local`: as NumPy does; `all`: sizes and places in 64 bits everywhere. */
  zip64?: "none" | "local" | "all";
}

/** A file that was deflated elsewhere, and what the archive says of it. */
export interface Deflated {
  deflated: Uint8Array;
  size: number;
}

export function zip(
  files: Record<string, Uint8Array | Deflated>,
  { deflate = false, zip64 = "none" }: ZipOptions = {},
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  const add = (...pieces: Uint8Array[]) => {
    parts.push(...pieces);
    at += pieces.reduce((sum, piece) => sum + piece.length, 0);
  };
  const IN_EXTRA = 0xffffffff;
  for (const [name, file] of Object.entries(files)) {
    const isDeflated = "deflated" in file;
    const [size, sum] = isDeflated ? [file.size, 0] : [file.length, crc32(file)];
    const stored: Uint8Array = isDeflated ? file.deflated : deflate ? deflateRawSync(file) : file;
    const shared = [
      little(2, isDeflated || deflate ? 8 : 0),
      little(4, 0),
      little(4, sum),
    ];
    const sizes = [size, stored.length];
    const offset = at;
    const localExtra = zip64 === "none"
      ? new Uint8Array(0)
      : join([little(2, 1), little(2, 16), ...sizes.map((size) => little(8, size))]);
    const narrow = (size: number) => little(4, zip64 === "none" ? size : IN_EXTRA);
    add(
      little(4, 0x04034b50),
      little(2, zip64 === "none" ? 20 : 45),
      little(2, 0),
      ...shared,
      narrow(stored.length),
      narrow(size),
      little(2, name.length),
      little(2, localExtra.length),
      text(name),
      localExtra,
      stored,
    );
    const isWide = zip64 === "all";
    const other = join([little(2, 0x9999), little(2, 3), text("abc")]);
    const extra = isWide
      ? join([
        other,
        little(2, 1),
        little(2, 24),
        ...[...sizes, offset].map((one) => little(8, one)),
      ])
      : other;
    directory.push(
      little(4, 0x02014b50),
      little(2, 20),
      little(2, 20),
      little(2, 0),
      ...shared,
      little(4, isWide ? IN_EXTRA : stored.length),
      little(4, isWide ? IN_EXTRA : size),
      little(2, name.length),
      little(2, extra.length),
      little(2, 0),
      little(2, 0),
      little(2, 0),
      little(4, 0),
      little(4, isWide ? IN_EXTRA : offset),
      text(name),
      extra,
    );
  }
  const [start, central, count] = [at, join(directory), Object.keys(files).length];
  add(central);
  if (zip64 === "all") {
    const end64 = at;
    add(
      little(4, 0x06064b50),
      little(8, 44),
      little(2, 45),
      little(2, 45),
      little(4, 0),
      little(4, 0),
      little(8, count),
      little(8, count),
      little(8, central.length),
      little(8, start),
    );
    add(little(4, 0x07064b50), little(4, 0), little(8, end64), little(4, 1));
  }
  const end = (value: number, bytes: number) =>
    little(bytes, zip64 === "all" ? 2 ** (8 * bytes) - 1 : value);
  add(
    little(4, 0x06054b50),
    little(2, 0),
    little(2, 0),
    end(count, 2),
    end(count, 2),
    end(central.length, 4),
    end(start, 4),
    little(2, 7),
    text("comment"),
  );
  return join(parts);
}

export function npz(
  arrays: Record<string, Stored>,
  options: ZipOptions & { version?: number } = {},
): Uint8Array<ArrayBuffer> {
  const files = Object.entries(arrays).map(([name, array]) =>
    [`${name}.npy`, npy(array, options)] as const
  );
  return zip(Object.fromEntries(files), options);
}

/** Sequences of any lengths as arrays of one shape: what is missing is padding. */
export function toArrays(sequences: readonly Token[][]): Record<string, Stored> {
  const columns = Math.max(...sequences.map(({ length }) => length));
  const shape = [sequences.length, columns];
  const padding: Token = { logProb: NaN, advantage: 7, mask: 0, oldLogProb: 0, id: 0 };
  const all = sequences.flatMap((sequence) =>
    Array.from({ length: columns }, (_, i) => sequence[i] ?? padding)
  );
  const column = (dtype: string, value: (token: Token) => number): Stored => ({
    dtype,
    shape,
    values: all.map(value),
  });
  return {
    log_prob: column("f4", ({ logProb }) => logProb),
    advantages: column("f8", ({ advantage }) => advantage),
    response_mask: column("b1", ({ mask }) => mask),
    old_log_prob: column("f4", ({ oldLogProb }) => oldLogProb ?? NaN),
    token_ids: column("i8", ({ id }) => id ?? 0),
  };
}

const lines = (rows: readonly unknown[]) =>
  text(rows.map((row) => JSON.stringify(row) + "\n").join(""));

/** One sequence per line; NaN becomes null. */
export function sequenceLines(sequences: readonly Token[][]): Uint8Array<ArrayBuffer> {
  return lines(sequences.map((tokens) => ({
    prompt: 'a "quoted" {[text]} \\',
    log_probs: tokens.map(({ logProb }) => logProb),
    advantages: tokens.map(({ advantage }) => advantage),
    mask: tokens.map(({ mask }) => mask),
    old_log_probs: tokens.map(({ oldLogProb }) => oldLogProb ?? null),
    nested: { log_prob: [1, 2, { mask: [0.5] }] },
    token_ids: tokens.map(({ id }) => id ?? null),
  })));
}

/** One token per line. */
export function tokenLines(sequences: readonly Token[][]): Uint8Array<ArrayBuffer> {
  return lines(
    sequences.flat().map(({ logProb, advantage, mask, oldLogProb, id }) => ({
      token_id: id,
      logprob: logProb,
      advantage,
      loss_mask: mask === 1,
      old_log_prob: oldLogProb,
    })),
  );
}

/** prime-rl's token export (src/prime_rl/trainer/rl/token_export.py). */
export function primeRl(sequences: readonly Token[][]): Uint8Array<ArrayBuffer> {
  return lines(sequences.map((tokens, i) => {
    const nulls = tokens.map(() => null);
    return {
      schema_version: 1,
      step: 3,
      export_step: 3,
      rank: 0,
      micro_step: 0,
      micro_sequence_idx: i,
      export_sequence_idx: i,
      run_id: null,
      env_name: "math",
      token_ids: tokens.map(({ id }) => id ?? 0),
      position_ids: tokens.map((_, position) => position),
      // The union over losses: the second one covers tokens that `rl` does not.
      loss_mask: tokens.map(() => true),
      advantages: tokens.map(({ advantage }) => advantage),
      losses: tokens.map(({ advantage, mask }) => ({
        rl: { advantage, mask: mask === 1 },
        ce: { advantage: 1, mask: mask === 0 },
      })),
      rewards: nulls,
      inference_logprobs: tokens.map(({ oldLogProb }) => oldLogProb ?? null),
      trainer_logprobs: tokens.map(({ logProb }) => logProb),
      entropy: tokens.map(() => 0.5),
      mismatch_kl: nulls,
      log_importance_ratio: nulls,
      importance_ratio: nulls,
      prob_delta: nulls,
      is_masked: tokens.map(() => false),
      is_masked_high: nulls,
      is_masked_low: nulls,
    };
  }));
}
