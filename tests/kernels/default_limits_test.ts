/** An adapter may offer no more than the limits that WebGPU guarantees, of which the eight storage buffers are few. */
import assert from "node:assert/strict";
import { activeRowsCheck } from "../../kernels/conformance/active_rows.ts";
import { RandomData } from "../../kernels/conformance/random_data.ts";
import { findAdapter } from "../../kernels/runtime/adapter.ts";
import { prepareDeno } from "../../kernels/runtime/deno.ts";
import { Gpu } from "../../kernels/runtime/gpu.ts";
import { emptyTokenStatistics, tokenStatistics } from "../../kernels/softmax/token_statistics.ts";
import { passing } from "./transformer/support.ts";

prepareDeno();
const adapter = await findAdapter({});
// Without a stage, so that all is bound as buffers.
const gpu = new Gpu(await adapter.requestDevice(), { name: "default limits", kind: "hardware" });

Deno.test("kernels of listed rows bind no more than eight buffers", async () => {
  assert.equal(gpu.device.limits.maxStorageBuffersPerShaderStage, 8);
  await passing((tally) => activeRowsCheck.run(gpu, tally));
});

Deno.test("of listed rows token statistics are those of all rows, of the others they are not written", async () => {
  const [rows, columns] = [40, 12];
  const listed = [3, 4, 17, 39];
  const random = new RandomData(8);
  const data = random.normal(rows * columns);
  data[4 * columns] = NaN;
  using logits = gpu.tensor(data, [rows, columns]);
  const slots = new Float32Array(rows * columns);
  for (const [slot, row] of listed.entries()) {
    slots.set(data.subarray(row * columns, (row + 1) * columns), slot * columns);
  }
  using inSlots = gpu.tensor(slots, [rows, columns]);
  using targets = gpu.tensor(random.integers(rows, columns));
  const list = new Uint32Array(1 + rows);
  list.set([listed.length, ...listed]);
  using active = gpu.tensor(list);
  using all = emptyTokenStatistics(gpu, rows, true);
  using some = emptyTokenStatistics(gpu, rows, true);
  const names = ["logProb", "entropy", "logZ", "topProbability"] as const;
  const recorder = gpu.record();
  for (const name of names) recorder.clear(some[name]);
  tokenStatistics(recorder, { logits, targets, topProbability: true, out: all });
  tokenStatistics(recorder, {
    logits: inSlots,
    targets,
    active,
    topProbability: true,
    out: some,
  });
  const read = await recorder.read(...[all, some].flatMap((out) => names.map((name) => out[name])));
  for (const [i, name] of names.entries()) {
    const [expected, actual] = [read[i]!, read[names.length + i]!];
    for (const [row, value] of actual.entries()) {
      assert.equal(value, listed.includes(row) ? expected[row] : 0, `${name} of row ${row}`);
    }
    assert(actual[3] !== 0);
    assert.equal(expected[4], 0);
  }
});

Deno.test.afterAll(() => gpu.destroy());
