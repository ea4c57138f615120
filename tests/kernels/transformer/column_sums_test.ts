/** Column sums, such as the gradient of a bias. */
import assert from "node:assert/strict";
import { RandomData } from "../../../kernels/conformance/random.ts";
import { type Gpu, requestGpu } from "../../../kernels/runtime/gpu.ts";
import { columnSums } from "../../../kernels/transformer/column_sums.ts";
import { columnSumsReference } from "../../../kernels/transformer/column_sums_reference.ts";
import { assertAsFloat32, assertRefused, f, withSmallBindings } from "./support.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

const random = new RandomData(2);

async function run(gpu: Gpu, values: Float32Array, shape: [number, number], start?: Float32Array) {
  using x = gpu.tensor(values, shape);
  using out = gpu.tensor(start ?? new Float32Array(shape[1]).fill(NaN));
  const recorder = gpu.record();
  columnSums(recorder, { x, out, accumulate: start !== undefined });
  const [sums] = await recorder.read(out);
  return sums!;
}

Deno.test("column sums are as exact as float32, for any shape", async () => {
  for (const shape of [[1, 1], [63, 5], [65, 8], [300, 7], [5000, 12], [3, 400]] as const) {
    const [rows, columns] = shape;
    const values = random.normal(rows * columns);
    const start = random.normal(columns);
    const expected = columnSumsReference(values, columns);
    const plain = new Float32Array(columns);
    for (const [i, value] of values.entries()) plain[i % columns] = f(plain[i % columns]! + value);
    assertAsFloat32(`sums of [${shape}]`, await run(gpu, values, [...shape]), expected, plain);
    assertAsFloat32(
      `sums of [${shape}] added to others`,
      await run(gpu, values, [...shape], start),
      expected.map((sum, i) => sum + start[i]!),
      plain.map((sum, i) => sum + start[i]!),
    );
  }
});

Deno.test("the same rows give the same bits, and no rows give zeros", async () => {
  const values = random.normal(3000 * 6);
  assert.deepEqual(await run(gpu, values, [3000, 6]), await run(gpu, values, [3000, 6]));
  assert.deepEqual(await run(gpu, new Float32Array(0), [0, 3]), new Float32Array(3));
});

Deno.test("rows beyond a binding are split", async () => {
  const values = random.normal(1000 * 5);
  const small = withSmallBindings(gpu, 3000);
  const sums = await run(small, values, [1000, 5]);
  const expected = columnSumsReference(values, 5);
  for (const [i, sum] of sums.entries()) assert(Math.abs(sum - expected[i]!) < 1e-4, String(sum));
  assert.equal(small.liveBytes, 0);
});

Deno.test("a wrong shape is refused", () => {
  using x = gpu.empty([2, 3]);
  using two = gpu.empty([2]);
  const recorder = gpu.record();
  assertRefused(() => columnSums(recorder, { x, out: two }), /out has shape \[2\], expected \[3\]/);
  recorder.submit();
});
