/** Every format of token dumps: written and read back the same; damaged in any way, only typed errors. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { ReadError } from "../../../formats/errors.ts";
import type { TokenDump } from "../../../analysis/tokens/dump.ts";
import { readTokens } from "../../../analysis/tokens/read_tokens.ts";
import { withFolder } from "../../support.ts";
import * as write from "./write_dumps.ts";
import type { Stored, Token } from "./write_dumps.ts";

type Batch = Token[][];

const WRITERS: Record<string, { format: string; write: (batch: Batch) => Uint8Array }> = {
  safetensors: {
    format: "safetensors",
    write: (batch) => write.safetensors(write.toArrays(batch)),
  },
  "npz, stored": { format: "npz", write: (batch) => write.npz(write.toArrays(batch)) },
  "npz, compressed": {
    format: "npz",
    write: (batch) => write.npz(write.toArrays(batch), { deflate: true, zip64: "local" }),
  },
  "npz, zip64": {
    format: "npz",
    write: (batch) => write.npz(write.toArrays(batch), { zip64: "all", version: 2 }),
  },
  "npz, version 3": {
    format: "npz",
    write: (batch) => write.npz(write.toArrays(batch), { version: 3 }),
  },
  "JSON lines of sequences": { format: "jsonl", write: write.sequenceLines },
  "JSON lines of tokens": { format: "jsonl", write: write.tokenLines },
  "prime-rl's token export": { format: "prime-rl", write: write.primeRl },
};

// + 0: JSON has no −0.
const float = fc.float({ noNaN: true, min: -100, max: 100 }).map((value) => value + 0);
const token: fc.Arbitrary<Token> = fc.record({
  logProb: fc.oneof({ weight: 9, arbitrary: float }, { weight: 1, arbitrary: fc.constant(NaN) }),
  advantage: float,
  mask: fc.constantFrom(0, 1),
  oldLogProb: float,
  id: fc.nat(2 ** 31 - 1),
});
const batches = fc.array(fc.array(token, { minLength: 1, maxLength: 6 }), {
  minLength: 1,
  maxLength: 6,
}).filter((batch) => kept(batch).length > 0);

/** The tokens that a reader keeps, each with its place. */
function kept(batch: Batch) {
  return batch.flatMap((tokens, sequence) =>
    tokens.map((one, position) => ({ ...one, sequence, position }))
  ).filter(({ mask, logProb }) => mask === 1 && Number.isFinite(logProb));
}

/** The tokens of a dump. */
function tokensOf(dump: TokenDump) {
  const tokens = [];
  for (const block of dump.blocks()) {
    for (let i = 0; i < block.logProb.length; i++) {
      tokens.push({
        sequence: block.sequence[i]!,
        position: block.position[i]!,
        logProb: block.logProb[i]!,
        advantage: block.advantage[i]!,
        oldLogProb: block.oldLogProb[i]!,
        token: dump.tokenOf(block.token[i]!),
      });
    }
  }
  return tokens;
}

for (const [name, { format, write: toBytes }] of Object.entries(WRITERS)) {
  Deno.test(`${name}: a batch written and read back is the same, plain and gzipped`, () =>
    withFolder(async (folder) => {
      const path = join(folder, "dump");
      const isFlat = name === "JSON lines of tokens";
      await fc.assert(
        fc.asyncProperty(batches, fc.boolean(), async (batch, isGzipped) => {
          const bytes = toBytes(batch);
          await Deno.writeFile(path, isGzipped ? gzipSync(bytes) : bytes);
          using dump = await readTokens(path);
          assert.equal(dump.format, format);
          assert.equal(dump.malformed.count, 0);
          const expected = isFlat ? kept([batch.flat()]) : kept(batch);
          assert.deepEqual(
            tokensOf(dump),
            expected.map(({ sequence, position, logProb, advantage, oldLogProb, id }) => ({
              sequence,
              position,
              logProb,
              advantage,
              oldLogProb,
              token: id,
            })),
          );
          const masked = batch.flat().filter(({ mask }) => mask === 0).length;
          const widest = Math.max(...batch.map(({ length }) => length));
          const padding = format === "safetensors" || format === "npz"
            ? batch.length * widest - batch.flat().length
            : 0;
          assert.equal(dump.tokens, expected.length);
          assert.equal(dump.padding, masked + padding);
          assert.equal(dump.leftOut, batch.flat().length - masked - expected.length);
          assert.equal(dump.sequences, isFlat ? 1 : batch.length);
        }),
        { numRuns: 40, seed: 1 },
      );
    }));
}

/** Reads bytes as a dump and gives it to `check`. */
async function reading(
  folder: string,
  bytes: Uint8Array | string,
  check: (dump: TokenDump) => void,
): Promise<void> {
  const path = join(folder, "dump");
  await Deno.writeFile(path, typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
  using dump = await readTokens(path);
  check(dump);
}

/** A dump is refused with one sentence. */
async function refused(
  folder: string,
  bytes: Uint8Array | string,
  sentence: RegExp,
): Promise<void> {
  await assert.rejects(reading(folder, bytes, () => {}), (error) => {
    assert(error instanceof ReadError, String(error));
    assert.match(error.message, sentence);
    assert.match(error.message, /^[^\n]+\.$/);
    return true;
  });
}

const column = (dtype: string, values: number[], shape = [values.length]): Stored => ({
  dtype,
  shape,
  values,
});

Deno.test("every dtype that NumPy and safetensors share is read exactly", () =>
  withFolder(async (folder) => {
    const values: Record<string, number[]> = {
      f2: [-0.5, 65504, 6e-8, -1.0009765625],
      f4: [-0.5, 1e30, -1.4e-45, 3],
      f8: [-0.1, 1e300, -5e-324, 3],
      u1: [0, 1, 200, 255],
      i1: [-128, -1, 0, 127],
      u2: [0, 1, 40000, 65535],
      i2: [-32768, -1, 0, 32767],
      u4: [0, 1, 3e9, 4294967295],
      i4: [-2147483648, -1, 0, 2147483647],
      u8: [0, 1, 2 ** 33, 2 ** 53],
      i8: [-(2 ** 53), -1, 0, 2 ** 33],
      b1: [0, 1, 1, 0],
    };
    for (const [dtype, list] of Object.entries(values)) {
      const exact = dtype === "f4"
        ? list.map(Math.fround)
        : dtype === "f2"
        ? list.map(Math.f16round)
        : list;
      const arrays = {
        log_prob: column(dtype, list),
        advantages: column("f4", [1, 2, 3, 4]),
        mask: column("i8", [1, 1, 1, 1]),
      };
      for (const bytes of [write.safetensors(arrays), write.npz(arrays)]) {
        await reading(folder, bytes, (dump) => {
          assert.deepEqual(tokensOf(dump).map(({ logProb }) => logProb), exact, dtype);
        });
      }
    }
  }));

Deno.test("integers of 64 bits are read as the nearest float64", () =>
  withFolder((folder) =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), { minLength: 1, maxLength: 9 }),
        fc.array(fc.bigInt(0n, 2n ** 64n - 1n), { minLength: 1, maxLength: 9 }),
        async (signed, unsigned) => {
          for (const [dtype, values] of [["I64", signed], ["U64", unsigned]] as const) {
            const bytes = 8 * values.length;
            const header = JSON.stringify({
              log_prob: { dtype, shape: [values.length], data_offsets: [0, bytes] },
              advantages: { dtype, shape: [values.length], data_offsets: [bytes, 2 * bytes] },
            });
            const data = new Uint8Array(new BigInt64Array([...values, ...values]).buffer);
            await reading(folder, safetensorsOf(header, data), (dump) => {
              const read = tokensOf(dump).flatMap(({ logProb, advantage }) => [logProb, advantage]);
              assert.deepEqual(read, values.flatMap((value) => [Number(value), Number(value)]));
            });
          }
        },
      ),
      { numRuns: 50, seed: 5 },
    )
  ));

Deno.test("all 65536 patterns of bfloat16 are read as the upper half of a float32", () =>
  withFolder(async (folder) => {
    const words = Uint32Array.from({ length: 65536 }, (_, half) => half * 65536);
    const values = Array.from(new Float32Array(words.buffer));
    const finite = values.filter(Number.isFinite);
    const arrays = {
      log_prob: column("bf16", values),
      advantages: column("f4", values.map(() => 0)),
    };
    await reading(folder, write.safetensors(arrays), (dump) => {
      const tokens = tokensOf(dump);
      assert.equal(tokens.length, finite.length);
      assert.equal(tokens.findIndex(({ logProb }, i) => !Object.is(logProb, finite[i])), -1);
      assert.equal(dump.leftOut, values.length - finite.length);
    });
  }));

Deno.test("masks of every dtype count, and an advantage per sequence holds for all its tokens", () =>
  withFolder(async (folder) => {
    const [rows, columns] = [300, 250]; // More than one chunk of tokens, and no divisor of it.
    const logProb = Array.from({ length: rows * columns }, (_, i) => -(i % 97) / 8);
    const mask = logProb.map((_, i) => i % 3 === 0 ? 1 : 0);
    const advantage = Array.from({ length: rows }, (_, row) => row / 4 - 30);
    for (const dtype of ["b1", "u1", "i1", "i2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"]) {
      const shape = dtype === "b1" ? [rows] : [rows, 1];
      const arrays = {
        log_probs: column("f4", logProb, [rows, columns]),
        advantages: column("f4", advantage, shape),
        loss_mask: column(dtype, mask, [rows, columns]),
      };
      for (const bytes of [write.safetensors(arrays), write.npz(arrays, { deflate: true })]) {
        await reading(folder, bytes, (dump) => {
          assert.equal(dump.tokens, rows * columns / 3);
          for (const block of dump.blocks()) {
            for (let i = 0; i < block.logProb.length; i++) {
              const [sequence, position] = [block.sequence[i]!, block.position[i]!];
              const at = sequence * columns + position;
              assert.equal(at % 3, 0);
              assert.equal(block.logProb[i], logProb[at]);
              assert.equal(block.advantage[i], advantage[sequence]);
            }
          }
        });
      }
    }
  }));

Deno.test("a dump without a mask is read whole and says so", () =>
  withFolder(async (folder) => {
    const arrays = { log_prob: column("f4", [-1, -2]), advantages: column("f4", [1, 2]) };
    await reading(folder, write.npz(arrays), (dump) => {
      assert.equal(dump.tokens, 2);
      assert.match(dump.notes.join(), /there is no mask \(mask, response_mask, loss_mask\)/);
    });
    await reading(folder, '{"log_prob":[-1,-2],"advantages":3}\n', (dump) => {
      assert.deepEqual(tokensOf(dump).map(({ advantage }) => advantage), [3, 3]);
      assert.match(dump.notes.join(), /1 line has no mask/);
    });
  }));

Deno.test("JSON lines: lines that cannot be used are counted with their numbers and reasons", () =>
  withFolder(async (folder) => {
    const text = [
      '{"log_prob":[-1,-2],"advantages":[1,2],"mask":[1,1]}',
      "",
      '{"log_prob":[-1,-2,-3],"advantages":[1,2],"mask":[1,1,1]}',
      "torn {",
      '{"log_prob":[-1,[-2]],"advantages":[1,2],"mask":[1,1]}',
      '{"log_prob":["-1"],"advantages":[1],"mask":[1]}',
      '{"advantages":[1,2],"mask":[1,1]}',
      '{"log_prob":[-1,-2],"advantages":[1,2],"mask":[1]}',
      '{"log_prob":[-1,NaN,-Infinity,null],"advantages":0.5,"mask":[true,true,true,false]}',
      '{"log_prob":-3,"advantages":4,"mask":1,"old_log_prob":null}',
      '{"log_prob":[-1,-2],"advantages":[1,2],"mas',
    ].join("\n");
    await reading(folder, text, (dump) => {
      assert.equal(dump.malformed.count, 7);
      assert.equal(
        dump.malformed.examples[0],
        'line 3 (advantages has 2 values, log_prob has 3): "{\\"log_prob\\":[-1,-2,-3],\\"advantages\\":[1,2],\\"mask\\":[1,1,1]}"',
      );
      assert.match(dump.malformed.examples[1]!, /^line 4 \(it is no JSON object\)/);
      assert.match(
        dump.malformed.examples[2]!,
        /^line 5 \(log_prob is neither a number nor a list/,
      );
      assert.deepEqual(
        tokensOf(dump).map(({ sequence, position, logProb }) => [sequence, position, logProb]),
        [[0, 0, -1], [0, 1, -2], [8, 0, -1], [0, 9, -3]],
      );
      assert.equal(dump.leftOut, 2);
      assert.equal(dump.padding, 1);
      assert.equal(dump.ratio, undefined);
    });
  }));

Deno.test("tokens' texts are kept, whatever characters they have", () =>
  withFolder(async (folder) => {
    const texts = [" the", "\n\n", '"', "é€😀", "\\", " the"];
    const row = {
      log_prob: texts.map((_, i) => -i),
      advantages: 1,
      mask: texts.map(() => 1),
      tokens: texts,
    };
    for (const text of [JSON.stringify(row), JSON.stringify(row).replace("é", "\\u00e9")]) {
      await reading(folder, text, (dump) => {
        assert.deepEqual(tokensOf(dump).map(({ token }) => token), texts);
      });
    }
  }));

Deno.test("what is no usable dump is refused in one sentence that names the matter", () =>
  withFolder(async (folder) => {
    const log_prob = column("f4", [-1, -2, -3, -4], [2, 2]);
    const advantages = column("f4", [1, 2], [2]);
    const mask = column("b1", [1, 1, 1, 0], [2, 2]);
    const both = async (arrays: Record<string, Stored>, sentence: RegExp) => {
      await refused(folder, write.safetensors(arrays), sentence);
      await refused(folder, write.npz(arrays), sentence);
    };
    await both(
      { mask, x: mask },
      /has no column of the names log_prob, .* and no .*advantages, advantage; it has mask, x\.$/,
    );
    await both(
      { log_prob, mask },
      /has no column of the names advantages, advantage; it has log_prob, mask\.$/,
    );
    await both(
      { log_prob, advantages: column("f4", [1, 2, 3]), mask },
      /advantages has the shape \[3\], expected \[2,2\] or \[2\] or \[2,1\]\.$/,
    );
    await both(
      { log_prob, advantages, mask: column("b1", [1, 1]) },
      /mask has the shape \[2\], expected \[2,2\]\.$/,
    );
    await both(
      { log_prob: column("f4", [-1], [1, 1, 1]), advantages },
      /log_prob has the shape \[1,1,1\], expected \[tokens\] or \[sequences, tokens\]\.$/,
    );
    await both(
      { log_prob, advantages, mask: column("f4", [1, 0.5, 1, 0], [2, 2]) },
      /the mask is 0\.5 at sequence 0, position 1, expected 0 or 1\.$/,
    );
    await both(
      { log_prob, advantages, mask: column("i4", [0, 0, 0, 0], [2, 2]) },
      /holds no response token: the mask is 0 for all 4 tokens\.$/,
    );
    await both(
      { log_prob: column("f4", [NaN, NaN, NaN, 1], [2, 2]), advantages, mask },
      /none of the 3 response tokens has a finite log-probability and advantage\.$/,
    );
    await both(
      { log_prob: column("f4", [], [0]), advantages: column("f4", []) },
      /holds no tokens\.$/,
    );

    const strange = write.npz({ log_prob, advantages, mask });
    const replaced = (from: string, to: string) => {
      const at = new TextDecoder("latin1").decode(strange).indexOf(from);
      const copy = strange.slice();
      copy.set(new TextEncoder().encode(to), at);
      return copy;
    };
    await refused(
      folder,
      replaced("<f4", ">f4"),
      /holds values of the type >f4, which cannot be read\.$/,
    );
    await refused(
      folder,
      replaced("'fortran_order': False", "'fortran_order': True "),
      /Fortran order/,
    );
    await refused(
      folder,
      replaced("NUMPY", "NUMPI"),
      /is damaged or cut off, or no NumPy array\.$/,
    );
    await refused(
      folder,
      write.zip({ "data.pkl": new Uint8Array(9) }),
      /zip archive without NumPy arrays/,
    );
    await refused(folder, write.npy(log_prob), /is a single NumPy array, expected a \.npz file/);
    await refused(folder, "", /is empty, expected a token dump\.$/);
    await refused(
      folder,
      new Uint8Array([7, 0, 0, 1, 2, 3]),
      /is no token dump, expected safetensors/,
    );
    await refused(folder, "step,loss\n1,2\n", /is no token dump/);
    await refused(folder, '{"step":1,"data":{}}\n', /has no column .*; it has step, data\.$/);
    await refused(folder, '{"log_prob":[1],"advantages":[1],"mask":[0.5]}\n', /the mask is 0\.5/);
    await refused(
      folder,
      '{"log_prob"',
      /holds no tokens that can be used: line 1 \(it is no JSON object\)/,
    );
    await refused(
      folder,
      '{"log_prob":[1e308,1e308,1],"advantages":[0,1e308,1e308]}',
      /too large to average\.$/,
    );
    await refused(
      folder,
      '{"log_prob":[1e308,-1e308],"advantages":[0,1],"old_log_prob":[-1e308,-1e308]}',
      /the log-probabilities are too far from the old ones to average the distance\.$/,
    );
    await assert.rejects(readTokens(join(folder, "none")), /none does not exist\.$/);
    await assert.rejects(readTokens(folder), /is a directory, expected a file\.$/);
  }));

/** A safetensors file of a header as it stands and of data. */
function safetensorsOf(
  header: string | Uint8Array,
  data: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const bytes = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(bytes.length), true);
  return write.join([length, bytes, data]);
}

Deno.test("safetensors that the format forbids are refused in one sentence that names the matter", () =>
  withFolder(async (folder) => {
    const entry = (begin: number, end: number) =>
      `{"dtype":"F32","shape":[${(end - begin) / 4}],"data_offsets":[${begin},${end}]}`;
    const both = (logProb: string, advantages: string, more = "") =>
      `{${more}"log_prob":${logProb},"advantages":${advantages}}`;
    const data = new Uint8Array(new Float32Array([-1, -2, 3, 4]).buffer);
    const good = both(entry(0, 8), entry(8, 16));
    await reading(folder, safetensorsOf(good, data), (dump) => assert.equal(dump.tokens, 2));
    await reading(folder, safetensorsOf(both(entry(8, 16), entry(0, 8)), data), (dump) => {
      assert.deepEqual(tokensOf(dump).map(({ advantage }) => advantage), [-1, -2]);
    });
    for (const metadata of ["{}", '{"format":"pt","__proto__":"x"}']) {
      const header = both(entry(0, 8), entry(8, 16), `"__metadata__":${metadata},`);
      await reading(folder, safetensorsOf(header + "   ", data), () => {});
    }
    await reading(
      folder,
      safetensorsOf(both(entry(0, 8), entry(8, 16), `"__proto__":${entry(0, 0)},`), data),
      (dump) => assert.equal(dump.tokens, 2),
    );

    const cases: [string, RegExp, Uint8Array?][] = [
      [
        both(entry(0, 8), entry(0, 8)),
        /begins at byte \d+, expected byte \d+, where log_prob ends/,
      ],
      [both(entry(0, 8), entry(4, 12)), /advantages begins at byte \d+, expected byte \d+, where/],
      [both(entry(0, 8), entry(12, 16)), /advantages begins at byte \d+, expected byte \d+, where/],
      [both(entry(4, 8), entry(8, 16)), /log_prob begins at byte \d+, .* where the header ends/],
      [good, /advantages ends at byte \d+, the file at byte \d+/, write.join([data, data])],
      [both(entry(0, 8), entry(8, 24)), /advantages ends at byte \d+, the file at byte \d+/],
      [
        both(entry(0, 8), entry(8, 16), `"log_prob":${entry(8, 16)},`),
        /has the key log_prob twice/,
      ],
      [
        both(entry(0, 8), entry(8, 16), `"log\\u005fprob":${entry(8, 16)},`),
        /has the key log_prob twice/,
      ],
      [good.replace('"shape":[2]', '"shape":[2],"shape":[2]'), /has the key shape twice/],
      [
        both(entry(0, 8), entry(8, 16), '"__metadata__":{"a":"1","a":"2"},'),
        /has the key a twice/,
      ],
      [
        both(entry(0, 8), entry(8, 16), '"__metadata__":{"a":1},'),
        /its __metadata__ is {"a":1}, expected/,
      ],
      [
        both(entry(0, 8), entry(8, 16), '"__metadata__":null,'),
        /its __metadata__ is null, expected/,
      ],
      [both(entry(0, 8), "null"), /its header describes advantages wrongly/],
      [both(entry(0, 8), "[]"), /its header describes advantages wrongly/],
      [both(entry(0, 8), entry(8, 16).replace("[2]", "[-2]")), /describes advantages wrongly/],
      [
        both(entry(0, 8), entry(8, 16).replace("[2]", "[[2]]")),
        /is nested more than 3 levels deep/,
      ],
      [both(entry(0, 8), entry(8, 16), '"x":{"y":{"z":{}}},'), /is nested more than 3 levels deep/],
      ["{}", /the header ends at byte 10, the file at byte 26/],
      ['{"log_prob"', /its header is not a JSON object/],
      ['{"\xff":1}', /its header describes ÿ wrongly/],
    ];
    for (const [header, sentence, content = data] of cases) {
      await refused(folder, safetensorsOf(header, content), sentence);
    }
    const latin = Uint8Array.from('{"\xff":1}', (one) => one.charCodeAt(0));
    await refused(folder, safetensorsOf(latin, data), /its header is not a JSON object/);
    for (const header of ["null", "[]", "1", '"x"']) {
      await refused(folder, safetensorsOf(header, data), /is no token dump/);
    }
  }));

Deno.test("an npz file whose directory and content disagree is refused in one sentence", () =>
  withFolder(async (folder) => {
    const arrays = {
      log_prob: column("f4", [-1, -2]),
      advantages: column("f4", [3, 4]),
      log_proc: column("f4", [3, 4]),
    };
    for (const deflate of [false, true]) {
      const whole = write.npz(arrays, { deflate });
      const latin = new TextDecoder("latin1").decode(whole);
      const replaced = (from: string, to: string, first = 0) => {
        const copy = whole.slice();
        for (let at = latin.indexOf(from, first); at >= 0; at = latin.indexOf(from, at + 1)) {
          copy.set(new TextEncoder().encode(to), at);
        }
        return copy;
      };
      await refused(
        folder,
        replaced("log_proc.npy", "log_prob.npy"),
        /is damaged: it holds log_prob\.npy twice\.$/,
      );
      const directory = latin.indexOf("PK\x01\x02");
      const misnamed = replaced("log_proc.npy", "old_prob.npy", directory);
      misnamed.set(replaced("log_prob.npy", "log_proc.npy").subarray(0, 60));
      await refused(folder, misnamed, /log_prob\.npy has another name where its directory says/);
    }
    const stored = write.npz(arrays);
    const flipped = stored.slice();
    const at = new TextDecoder("latin1").decode(stored).indexOf("\n") + 2;
    flipped[at]! ^= 1;
    await refused(folder, flipped, /the checksum of log_prob\.npy is wrong/);
    const long = write.join([write.npy(arrays.log_prob), new Uint8Array(4)]);
    const files = { "log_prob.npy": long, "advantages.npy": write.npy(arrays.advantages) };
    await refused(folder, write.zip(files), /log_prob goes on after its last value/);
  }));

Deno.test("a dump of any format cut off or changed at any byte raises only typed errors", () =>
  withFolder(async (folder) => {
    const path = join(folder, "dump");
    const batch = fc.sample(batches, { numRuns: 1, seed: 7 })[0]!;
    for (const { write: toBytes } of Object.values(WRITERS)) {
      for (const bytes of [toBytes(batch), new Uint8Array(gzipSync(toBytes(batch)))]) {
        const place = fc.integer({ min: 0, max: bytes.length - 1 });
        const isCut = fc.boolean();
        await fc.assert(
          fc.asyncProperty(
            place,
            isCut,
            fc.integer({ min: 1, max: 255 }),
            async (at, cut, change) => {
              const damaged = bytes.slice(0, cut ? at : bytes.length);
              if (!cut) damaged[at]! ^= change;
              await Deno.writeFile(path, damaged);
              try {
                using dump = await readTokens(path);
                assert.equal(tokensOf(dump).length, dump.tokens);
              } catch (error) {
                assert(error instanceof ReadError, `${error} ${(error as Error).stack}`);
                assert.match(error.message, /^[^\n]+\.$/);
              }
            },
          ),
          { numRuns: 60, seed: 2 },
        );
      }
    }
  }));

Deno.test("random bytes after any beginning raise only typed errors", () =>
  withFolder(async (folder) => {
    const path = join(folder, "noise");
    const starts = [
      "",
      "PK\x03\x04",
      "PK\x05\x06",
      "\x10\0\0\0\0\0\0\0{",
      "{",
      "\x1f\x8b\x08",
      "\x93NUMPY",
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...starts),
        fc.uint8Array({ maxLength: 300 }),
        async (start, rest) => {
          const head = Uint8Array.from(start, (character) => character.charCodeAt(0));
          await Deno.writeFile(path, write.join([head, rest]));
          await assert.rejects(readTokens(path), ReadError);
        },
      ),
      { numRuns: 300, seed: 3 },
    );
  }));
