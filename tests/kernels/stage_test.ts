/** Logits are read from a texture on some adapters and from buffers on others: the bits are the same. */
import assert from "node:assert/strict";
import {
  emptyTokenStatistics,
  GpuError,
  requestGpu,
  tokenStatistics,
  tokenStatisticsBackward,
} from "../../kernels/mod.ts";
import { RandomData } from "../../kernels/conformance/random_data.ts";
import { rowsOfLogits } from "../../kernels/conformance/rows_of_logits.ts";
import type { Tiles } from "../../kernels/runtime/tiles.ts";

/** Statistics and gradients, apart or in place, with a stage of so many bytes. */
async function results(columns: number, stageBytes: number, inPlace: boolean) {
  using gpu = await requestGpu();
  (gpu as { tiles: Tiles }).tiles = { ...gpu.tiles, stageBytes };
  const random = new RandomData(1);
  const { rows, logits: data, targets: columnsOfTargets } = rowsOfLogits(random, columns);
  const logits = gpu.tensor(data, [rows, columns]);
  const targets = gpu.tensor(columnsOfTargets);
  const gradLogProb = gpu.tensor(random.normal(rows));
  const gradEntropy = gpu.tensor(random.normal(rows));
  const statistics = emptyTokenStatistics(gpu, rows);
  const out = inPlace ? logits : gpu.empty([rows, columns]);
  const recorder = gpu.record();
  tokenStatistics(recorder, { logits, targets, out: statistics });
  const upstream = { gradLogProb, gradEntropy };
  tokenStatisticsBackward(recorder, { logits, targets, statistics, ...upstream, out });
  return await recorder.read(statistics.logProb, statistics.entropy, statistics.logZ, out);
}

Deno.test("logits give the same bits from buffers, from one stage, and stage by stage", async () => {
  for (const columns of [3, 64, 4099]) {
    const expected = await results(columns, 0, false);
    // Room for all rows, and for little more than one.
    for (const stageBytes of [1 << 20, 4 * columns + 512]) {
      assert.deepEqual(await results(columns, stageBytes, false), expected);
      assert.deepEqual(await results(columns, stageBytes, true), expected);
    }
    assert.deepEqual(await results(columns, 0, true), expected);
  }
});

Deno.test("a stage takes no more than it holds", async () => {
  using gpu = await requestGpu();
  (gpu as { tiles: Tiles }).tiles = { ...gpu.tiles, stageBytes: 256 };
  const tensor = gpu.zeros([128]);
  const recorder = gpu.record();
  assert.throws(() => recorder.stage({ tensor, offset: 0, bytes: 512 }), GpuError);
  recorder.stage({ tensor, offset: 256, bytes: 256 });
  await recorder.read(tensor);
});
