/** Safetensors: round trips, half precision, and files that are damaged or cut off. */
import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { ReadError } from "../../formats/errors.ts";
import {
  readHeader,
  readSafetensors,
  type TensorData,
  writeSafetensors,
} from "../../formats/safetensors.ts";
import { withFolder } from "../support.ts";

const shapes = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3 });
const floats = fc.oneof(fc.float(), fc.constantFrom(NaN, Infinity, -Infinity, -0, 1e-45));
const tensorMaps = fc.uniqueArray(
  fc.tuple(
    fc.string({ minLength: 1, maxLength: 20 }).filter((name) => name !== "__metadata__"),
    shapes.chain((shape) => {
      const size = shape.reduce((product, extent) => product * extent, 1);
      return fc.array(floats, { minLength: size, maxLength: size })
        .map((values): TensorData => ({ shape, data: new Float32Array(values) }));
    }),
  ),
  { selector: ([name]) => name, maxLength: 6 },
).map((entries) => new Map(entries));

async function readAll(path: string): Promise<Map<string, TensorData>> {
  const tensors = new Map<string, TensorData>();
  for await (const { name, shape, data } of readSafetensors(path)) {
    tensors.set(name, { shape, data });
  }
  return tensors;
}

/** A file as any other program would write it; the header is JSON or the text itself. */
function fileOf(header: unknown, data: Uint8Array = new Uint8Array()): Uint8Array {
  const json = typeof header === "string" ? header : JSON.stringify(header);
  const text = new TextEncoder().encode(json);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

Deno.test("what is written is read, bit by bit", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "model.safetensors");
    await fc.assert(
      fc.asyncProperty(
        tensorMaps,
        fc.dictionary(fc.string(), fc.string()),
        async (tensors, extra) => {
          await writeSafetensors(path, tensors, extra);
          const { metadata } = await readHeader(path);
          assert.deepEqual({ ...metadata }, { format: "pt", ...extra });
          const read = await readAll(path);
          assert.equal(read.size, tensors.size);
          for (const [name, { shape, data }] of tensors) {
            assert.deepEqual(read.get(name)!.shape, shape);
            assert.deepEqual(
              new Uint8Array(read.get(name)!.data.buffer),
              new Uint8Array(data.buffer),
            );
          }
          const start = new DataView((await Deno.readFile(path)).buffer).getBigUint64(0, true);
          assert.equal(start % 8n, 0n);
        },
      ),
      { numRuns: 150, seed: 1 },
    );
  });
});

Deno.test("a file that is cut off anywhere is told, not read", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "model.safetensors");
    const full = tensorMaps.filter((tensors) =>
      Array.from(tensors.values()).some(({ data }) => data.length > 0)
    );
    await fc.assert(
      fc.asyncProperty(full, fc.nat(), async (tensors, at) => {
        await writeSafetensors(path, tensors);
        const { size } = await Deno.stat(path);
        await Deno.truncate(path, at % size);
        await assert.rejects(readAll(path), (error) => {
          assert(error instanceof ReadError, String(error));
          return error.message.startsWith(`${path} is no whole safetensors file: `) &&
            error.message.endsWith(".");
        });
      }),
      { numRuns: 200, seed: 2 },
    );
  });
});

Deno.test("the first tensor that is not whole is named", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "model.safetensors");
    const tensor = { shape: [2, 3], data: new Float32Array(6) };
    await writeSafetensors(path, new Map([["a", tensor], ["b", tensor], ["c", tensor]]));
    const { size } = await Deno.stat(path);
    await Deno.truncate(path, size - 25);
    await assert.rejects(readAll(path), {
      message: `${path} is no whole safetensors file: b ends at byte ${size - 24}, the file at ` +
        `byte ${size - 25}.`,
    });
  });
});

Deno.test("damage to any byte of the header gives tensors or one sentence", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "model.safetensors");
    const tensor = { shape: [2, 2], data: new Float32Array(4) };
    await writeSafetensors(path, new Map([["first", tensor], ["second", tensor]]));
    const whole = await Deno.readFile(path);
    const header = whole.length - 32;
    await fc.assert(
      fc.asyncProperty(fc.nat(header - 1), fc.nat(255), async (at, byte) => {
        const bytes = whole.slice();
        bytes[at] = byte;
        await Deno.writeFile(path, bytes);
        try {
          for (const { shape, data } of (await readAll(path)).values()) {
            assert.equal(data.length, shape.reduce((product, extent) => product * extent, 1));
          }
        } catch (error) {
          assert(error instanceof ReadError, String(error));
        }
      }),
      { numRuns: 500, seed: 3 },
    );
  });
});

Deno.test("half precision is read exactly", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "half.safetensors");
    const halves = Uint16Array.from({ length: 1 << 16 }, (_, i) => i);
    const bytes = new Uint8Array(halves.buffer);
    const header = {
      f16: { dtype: "F16", shape: [256, 256], data_offsets: [0, bytes.length] },
      bf16: { dtype: "BF16", shape: [1 << 16], data_offsets: [bytes.length, 2 * bytes.length] },
    };
    const twice = new Uint8Array(2 * bytes.length);
    twice.set(bytes);
    twice.set(bytes, bytes.length);
    await Deno.writeFile(path, fileOf(header, twice));
    const read = await readAll(path);
    const [f16, bf16] = [read.get("f16")!.data, read.get("bf16")!.data];
    for (const half of halves) {
      const sign = half >>> 15 === 0 ? 1 : -1;
      const [exponent, mantissa] = [half >>> 10 & 31, half & 1023];
      const value = exponent === 31
        ? (mantissa === 0 ? sign * Infinity : NaN)
        : exponent === 0
        ? sign * mantissa * 2 ** -24
        : sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
      assert(Object.is(f16[half], value), `F16 ${half}: ${f16[half]}, expected ${value}`);

      const [wide, short] = [half >>> 7 & 255, half & 127];
      const brain = wide === 255
        ? (short === 0 ? sign * Infinity : NaN)
        : wide === 0
        ? sign * short * 2 ** -133
        : sign * (1 + short / 128) * 2 ** (wide - 127);
      assert(Object.is(bf16[half], brain), `BF16 ${half}: ${bf16[half]}, expected ${brain}`);
    }
  });
});

Deno.test("only the wanted tensors are read, in the order of their bytes", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "model.safetensors");
    const data = new Uint8Array(new Float32Array([1, 2, 3]).buffer);
    const header = {
      z: { dtype: "F32", shape: [1], data_offsets: [0, 4] },
      count: { dtype: "I64", shape: [0], data_offsets: [4, 4] },
      b: { dtype: "F32", shape: [1], data_offsets: [8, 12] },
      a: { dtype: "F32", shape: [], data_offsets: [4, 8] },
    };
    await Deno.writeFile(path, fileOf(header, data));
    const names: string[] = [];
    for await (const { name } of readSafetensors(path, (name) => name !== "count")) {
      names.push(name);
    }
    assert.deepEqual(names, ["z", "a", "b"]);
    await assert.rejects(readAll(path), {
      name: "ReadError",
      message: `${path}: count is of type I64, expected one of F32, F16, BF16.`,
    });
  });
});

Deno.test("what is no safetensors file is told in one sentence", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "model.safetensors");
    const entry = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
    const cases: [Uint8Array, RegExp][] = [
      [new Uint8Array(), /it has 0 bytes\.$/],
      [new TextEncoder().encode("<!DOCTYPE html>"), /its header would end at byte \d+, the file/],
      [fileOf([1, 2]), /its header is not a JSON object\.$/],
      [fileOf(null), /its header is not a JSON object\.$/],
      [fileOf({ x: { ...entry, shape: [-2] } }), /its header describes x wrongly\.$/],
      [fileOf({ x: { ...entry, data_offsets: [8, 0] } }), /its header describes x wrongly\.$/],
      [fileOf({ x: { ...entry, shape: [3] } }), /x has 8 bytes, its shape \[3\] needs 12\.$/],
      [fileOf({ x: entry }), /x ends at byte \d+, the file at byte \d+\.$/],
    ];
    for (const [bytes, message] of cases) {
      await Deno.writeFile(path, bytes);
      await assert.rejects(
        readAll(path),
        (error) => error instanceof ReadError && message.test(error.message),
        String(message),
      );
    }
    await assert.rejects(readAll(`${path}.none`), { message: `${path}.none does not exist.` });
    await assert.rejects(readAll(folder), {
      message: `${folder} is no file, expected safetensors.`,
    });
    const wrong = new Map([["x", { shape: [2, 2], data: new Float32Array(3) }]]);
    await assert.rejects(writeSafetensors(path, wrong), {
      name: "UserError",
      message: "x has 3 values, its shape [2,2] needs 4.",
    });
  });
});

/** A tensor of f32 in the bytes from one to another. */
function floatsAt(begin: number, end: number): string {
  return JSON.stringify({ dtype: "F32", shape: [(end - begin) / 4], data_offsets: [begin, end] });
}

Deno.test("what the format forbids is told in one sentence: overlaps, holes, rests, doubled keys", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "model.safetensors");
    const refused = async (header: string, message: string, bytes = 16) => {
      await Deno.writeFile(path, fileOf(header, new Uint8Array(bytes)));
      await assert.rejects(readAll(path), {
        name: "ReadError",
        message: `${path} is no whole safetensors file: ${message}.`,
      });
    };
    const [a, b] = [`"a":${floatsAt(0, 8)}`, `"b":${floatsAt(8, 16)}`];
    const at = (header: string, byte: number) => 8 + header.length + byte;

    let header = `{${a},"b":${floatsAt(4, 16)}}`;
    const where = () => `expected byte ${at(header, 8)}, where a ends`;
    await refused(header, `b begins at byte ${at(header, 4)}, ${where()}`);
    header = `{${a},"b":${floatsAt(0, 8)}}`;
    await refused(header, `b begins at byte ${at(header, 0)}, ${where()}`);
    header = `{"b":${floatsAt(12, 16)},${a}}`;
    await refused(header, `b begins at byte ${at(header, 12)}, ${where()}`);
    header = `{"a":${floatsAt(4, 16)}}`;
    await refused(
      header,
      `a begins at byte ${at(header, 4)}, expected byte ${at(header, 0)}, where the header ends`,
    );
    header = `{${b},${a}}`;
    await refused(
      header,
      `b ends at byte ${at(header, 16)}, the file at byte ${at(header, 17)}`,
      17,
    );
    await refused(
      header,
      `b ends at byte ${at(header, 16)}, the file at byte ${at(header, 15)}`,
      15,
    );
    header = "{}";
    await refused(header, `the header ends at byte 10, the file at byte 26`);

    await refused(`{${a},"a" :${floatsAt(8, 16)}}`, "its header has the key a twice");
    await refused(`{${a},"\\u0061":${floatsAt(8, 16)}}`, "its header has the key a twice");
    await refused(
      `{"__metadata__":{},${a},${b},"__metadata__":{}}`,
      "its header has the key __metadata__ twice",
    );
    await refused(`{"__metadata__":{"k":"1","k":"2"},${a},${b}}`, "its header has the key k twice");
    await refused(
      `{"a":{"dtype":"F16","dtype":"F32","shape":[4],"data_offsets":[0,16]}}`,
      "its header has the key dtype twice",
    );
    await refused(
      `{"__metadata__":{"step":3},${a},${b}}`,
      `its __metadata__ is {"step":3}, expected an object of texts`,
    );
    await refused(
      `{"__metadata__":["x"],${a},${b}}`,
      `its __metadata__ is ["x"], expected an object of texts`,
    );
    await refused(` {${a},${b}}`, "its header is not a JSON object");
    await refused(`\ufeff{${a},${b}}`, "its header is not a JSON object");
    const wrongSize = { dtype: "I64", shape: [3], data_offsets: [0, 16] };
    await refused(JSON.stringify({ a: wrongSize }), "a has 16 bytes, its shape [3] needs 24");
    for (const shape of [[2 ** 52, 2 ** 52], [...Array(40).fill(2 ** 52), 0]]) {
      const huge = { dtype: "F32", shape, data_offsets: [0, 16] };
      await Deno.writeFile(path, fileOf({ a: huge }, new Uint8Array(16)));
      const message = /: a has 16 bytes, its shape \[4503599627370496,.* needs more than a file/;
      await assert.rejects(readAll(path), message);
    }

    const invalid = fileOf(`{"?":${floatsAt(0, 16)}}`, new Uint8Array(16));
    invalid[10] = 0xff;
    await Deno.writeFile(path, invalid);
    await assert.rejects(readAll(path), /its header is not a JSON object\.$/);
  });
});

Deno.test("keys that only look doubled are read, and a tensor may have any name", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "model.safetensors");
    const names = ["__proto__", "constructor", "dtype", 'a":', "a\\", "\u0001\u202e"];
    const tensors = new Map(names.map((name, i) => [name, {
      shape: [1],
      data: Float32Array.of(i),
    }]));
    await writeSafetensors(path, tensors, { dtype: "dtype", __proto__x: '{"dtype":"dtype"}' });
    const read = await readAll(path);
    assert.deepEqual([...read], [...tensors]);
    await Deno.writeFile(
      path,
      fileOf(`{"a\\"b":${floatsAt(0, 4)},"a":${floatsAt(4, 8)}}`, new Uint8Array(8)),
    );
    assert.deepEqual([...(await readAll(path)).keys()], ['a"b', "a"]);
    await assert.rejects(
      writeSafetensors(path, new Map([["__metadata__", tensors.get("dtype")!]])),
      {
        message: "a tensor cannot be named __metadata__.",
      },
    );
  });
});

Deno.test("a sentence about a hostile header is short and shows no control character", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "model.safetensors");
    const name = "\u001b]0;x\u0007\u202e" + "x".repeat(10_000_000);
    for (
      const header of [
        JSON.stringify({ [name]: 1 }),
        JSON.stringify({ [name]: { dtype: name, shape: [1], data_offsets: [4, 8] } }),
        `{"a":1,"a":{"${"x".repeat(1e6)}":1}}`,
        `{"__metadata__":${"[".repeat(1e5)}${"]".repeat(1e5)}}`,
        "[".repeat(1e5),
      ]
    ) {
      await Deno.writeFile(path, fileOf(header, new Uint8Array(8)));
      const started = performance.now();
      await assert.rejects(readAll(path), (error) => {
        assert(error instanceof ReadError, String(error));
        assert(error.message.length < 400 + path.length, `${error.message.length} characters`);
        // deno-lint-ignore no-control-regex
        assert.doesNotMatch(error.message, /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
        return true;
      });
      assert(performance.now() - started < 5000);
    }
  });
});
