/** Numbers that a tensor is given: converted to its type, or refused; never taken for other bits. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type DataType, type Elements, requestGpu, ShapeError } from "../../kernels/mod.ts";
import { packed } from "../../kernels/conformance/packed.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

/** The numbers that a tensor holds after these were uploaded. */
async function held(data: Elements, type?: DataType): Promise<number[]> {
  using tensor = gpu.tensor(data, [data.length], type);
  const read = await gpu.read(tensor);
  if (!(read instanceof Uint16Array)) return [...read];
  if (tensor.type === "f16") return [...new Float16Array(read.buffer as ArrayBuffer)];
  return [...new Float32Array(Uint32Array.from(read, (half) => half << 16).buffer)];
}

Deno.test("numbers of any array become numbers of the tensor's type", async () => {
  const numbers = [0, 1, 2, 250, 5];
  const arrays: Elements[] = [
    numbers,
    Float16Array.from(numbers),
    Float32Array.from(numbers),
    Float64Array.from(numbers),
    Uint8Array.from(numbers),
    Uint8ClampedArray.from(numbers),
    Int16Array.from(numbers),
    Int32Array.from(numbers),
    Uint32Array.from(numbers),
    // A part of a longer array.
    Float32Array.from([9, ...numbers, 9]).subarray(1, 6),
    Float64Array.from([9, ...numbers, 9]).subarray(1, 6),
    Float16Array.from([9, ...numbers, 9]).subarray(1, 6),
  ];
  for (const array of arrays) {
    for (const type of ["f32", "u32", "f16", "bf16"] as const) {
      assert.deepEqual(await held(array, type), numbers, `${array.constructor.name} as ${type}`);
    }
    using tensor = gpu.zeros([numbers.length], "f16");
    gpu.write(tensor, array);
    assert.deepEqual(
      [...new Float16Array((await gpu.read(tensor)).buffer as ArrayBuffer)],
      numbers,
    );
  }
  const signed = [-1.5, -0, NaN, Infinity, -Infinity];
  for (const type of ["f32", "f16", "bf16"] as const) {
    for (const array of [signed, Float32Array.from(signed), Float64Array.from(signed)]) {
      assert.deepEqual(await held(array, type), signed);
    }
  }
});

Deno.test("the type follows from the array, and 16-bit words are the bits of f16 and bf16", async () => {
  const typeOf = (data: Elements) => {
    using tensor = gpu.tensor(data);
    return tensor.type;
  };
  assert.equal(typeOf([1]), "f32");
  assert.equal(typeOf(Float64Array.of(1)), "f32");
  assert.equal(typeOf(Int32Array.of(1)), "f32");
  assert.equal(typeOf(Uint32Array.of(1)), "u32");
  assert.equal(typeOf(Float16Array.of(1)), "f16");
  assert.equal(typeOf(Uint16Array.of(1)), "f16");
  assert.deepEqual(await held(Uint16Array.of(0x3c00, 0xc000), "f16"), [1, -2]);
  assert.deepEqual(await held(Uint16Array.of(0x3f80, 0xc000), "bf16"), [1, -2]);
});

Deno.test("numbers are rounded to the nearest of 16 bits, ties to even", async () => {
  const eighths = Float32Array.from({ length: 4097 }, (_, i) => (i - 2048) / 8);
  assert.deepEqual(await held(eighths, "f16"), [...packed(eighths, "f16").values]);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.float({ noNaN: true, max: 2 ** 126, min: -(2 ** 126) }), { minLength: 1 }),
      async (numbers) => {
        const rounded = await held(numbers, "bf16");
        for (const [i, value] of rounded.entries()) {
          const step = 2 ** Math.max(-133, Math.floor(Math.log2(Math.abs(numbers[i]!))) - 7);
          assert(Math.abs(value - numbers[i]!) <= step / 2, `${numbers[i]} became ${value}`);
        }
      },
    ),
    { numRuns: 50, seed: 1 },
  );
  // Halfway between 1 and 1 + 2^-7, and between that and 1 + 2^-6.
  assert.deepEqual(await held([1 + 2 ** -8, 1 + 3 * 2 ** -8], "bf16"), [1, 1 + 2 ** -6]);
  const nan = new Float32Array(Uint32Array.of(0x7fffffff).buffer);
  assert.deepEqual(await held(nan, "bf16"), [NaN]);
});

Deno.test("a number that the type cannot hold is named, and nothing is left on the GPU", () => {
  const before = gpu.liveBytes;
  const cases: [unknown, DataType | undefined, string][] = [
    [[1, 70000], "f16", "element 1 is 70000, the largest number that f16 holds is 65504."],
    [
      Float32Array.of(-65520),
      "f16",
      "element 0 is -65520, the largest number that f16 holds is 65504.",
    ],
    [
      [0, 1e39],
      undefined,
      "element 1 is 1e+39, the largest number that f32 holds is 3.4028234663852886e+38.",
    ],
    [
      [3.4e38],
      "bf16",
      "element 0 is 3.3999999521443642e+38, the largest number that bf16 holds is 3.3895313892515355e+38.",
    ],
    [[1, -1], "u32", "element 1 is -1, u32 holds whole numbers from 0 to 4294967295."],
    [
      Float32Array.of(0.5),
      "u32",
      "element 0 is 0.5, u32 holds whole numbers from 0 to 4294967295.",
    ],
    [[2 ** 32], "u32", "element 0 is 4294967296, u32 holds whole numbers from 0 to 4294967295."],
    [[NaN], "u32", "element 0 is NaN, u32 holds whole numbers from 0 to 4294967295."],
    [["1"], "f32", "element 0 is of type string, expected a number."],
    [[1, undefined], "f32", "element 1 is of type undefined, expected a number."],
    [BigInt64Array.of(1n), "f32", "element 0 is of type bigint, expected a number."],
    [Uint16Array.of(1), "f32", "a Uint16Array was given for f32, expected floats or numbers."],
  ];
  for (const [data, type, message] of cases) {
    const given = data as Elements;
    const refused = (error: unknown) => error instanceof ShapeError && error.message === message;
    assert.throws(() => gpu.tensor(given, [given.length], type), refused, message);
    using tensor = gpu.empty([given.length], type);
    assert.throws(() => gpu.write(tensor, given), refused, message);
  }
  assert.equal(gpu.liveBytes, before);
});
