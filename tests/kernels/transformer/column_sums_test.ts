/** Column sums, such as the gradient of a bias; their check holds them to the reference. */
import assert from "node:assert/strict";
import { compareColumnSums } from "../../../kernels/conformance/column_sums.ts";
import { RandomData } from "../../../kernels/conformance/random_data.ts";
import { requestGpu } from "../../../kernels/runtime/gpu.ts";
import { columnSums } from "../../../kernels/transformer/column_sums.ts";
import { assertRefused, passing, withSmallBindings } from "./support.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

const random = new RandomData(2);

Deno.test("the same rows give the same bits", async () => {
  const rows = { values: random.normal(3000 * 6), columns: 6 };
  const run = () => passing((tally) => compareColumnSums(gpu, tally, rows));
  assert.deepEqual(await run(), await run());
});

Deno.test("rows beyond a binding are split", async () => {
  const small = withSmallBindings(gpu, 3000);
  const rows = { values: random.normal(1000 * 5), columns: 5 };
  await passing((tally) => compareColumnSums(small, tally, rows));
  assert.equal(small.liveBytes, 0);
});

Deno.test("a wrong shape is refused", () => {
  using x = gpu.empty([2, 3]);
  using two = gpu.empty([2]);
  const recorder = gpu.record();
  assertRefused(() => columnSums(recorder, { x, out: two }), /out has shape \[2\], expected \[3\]/);
  recorder.submit();
});
