/** Rows that drop out of a batch on the GPU. */
import assert from "node:assert/strict";
import { activeRowsCheck } from "../../../kernels/conformance/active_rows.ts";
import { requestGpu } from "../../../kernels/runtime/gpu.ts";
import { listActiveRows } from "../../../kernels/transformer/active_rows.ts";
import { writeCache } from "../../../kernels/transformer/key_value_cache.ts";
import { swiglu } from "../../../kernels/transformer/swiglu.ts";
import { assertRefused, passing, withHardwareTiles, withSmallBindings } from "./support.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

Deno.test("the tile sizes of hardware do as well", async () => {
  const hardware = withHardwareTiles(gpu);
  await passing((tally) => activeRowsCheck.run(hardware, tally));
  assert.equal(hardware.liveBytes, 0);
});

Deno.test("slots beyond a binding are split, and computed as far as there are rows", async () => {
  const small = withSmallBindings(gpu, 1024);
  const rows = 200;
  const values = new Float32Array(rows * 8).fill(1);
  // More than a block of slots, and not all of the second.
  const ended = Uint32Array.from({ length: rows }, (_, row) => Number(row % 3 === 0));
  using done = small.tensor(ended);
  using active = small.zeros([1 + rows], "u32");
  using gateUp = small.tensor(values, [rows, 8]);
  using out = small.zeros([rows, 4]);
  const recorder = small.record();
  listActiveRows(recorder, { done, out: active });
  swiglu(recorder, { gateUp, active, out });
  const [read] = await recorder.read(out);
  const left = ended.filter((flag) => flag === 0).length;
  assert.deepEqual(
    [...read].map((value) => value !== 0),
    Array.from(read, (_, i) => i < 4 * left),
  );
});

Deno.test("wrong shapes are refused", () => {
  using done = gpu.zeros([3], "u32");
  using active = gpu.zeros([3], "u32");
  using rows = gpu.zeros([3, 4]);
  using halves = gpu.zeros([3, 8]);
  using cache = gpu.zeros([3, 1, 1, 4]);
  const recorder = gpu.record();
  assertRefused(() => listActiveRows(recorder, { done: rows, out: active }), /done is f32/);
  assertRefused(
    () => listActiveRows(recorder, { done, out: active }),
    /out has shape \[3\], expected \[4\]/,
  );
  assertRefused(
    () => swiglu(recorder, { gateUp: halves, active, out: rows }),
    /active has shape \[3\], expected \[4\]/,
  );
  const out = { keyCache: cache, valueCache: cache };
  assertRefused(
    () => writeCache(recorder, { key: cache, value: cache, active: rows, out }),
    /active is f32, expected u32/,
  );
  recorder.submit();
});
