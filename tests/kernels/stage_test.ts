/** Kernels read from textures on some adapters and from buffers on others: the bits are the same. */
import assert from "node:assert/strict";
import {
  attention,
  attentionBackward,
  columnSums,
  emptyTokenStatistics,
  matmul,
  requestGpu,
  rmsNorm,
  rmsNormBackward,
  ShapeError,
  swiglu,
  swigluBackward,
  type Tensor,
  tokenStatistics,
  tokenStatisticsBackward,
} from "../../kernels/mod.ts";
import { RandomData } from "../../kernels/conformance/random_data.ts";
import { rowsOfLogits } from "../../kernels/conformance/rows_of_logits.ts";
import { matmulReference } from "../../kernels/transformer/matmul_reference.ts";
import { stagedCode, stageInputs } from "../../kernels/runtime/staged_reads.ts";
import type { Tiles } from "../../kernels/runtime/tiles.ts";

/** Statistics and gradients of some rows so many times, apart or in place, with a stage of so many bytes. */
async function results(columns: number, stageBytes: number, inPlace: boolean, times = 1) {
  using gpu = await requestGpu();
  (gpu as { tiles: Tiles }).tiles = { ...gpu.tiles, stageBytes };
  const random = new RandomData(1);
  const once = rowsOfLogits(random, columns);
  const rows = times * once.rows;
  const [data, columnsOfTargets] = [new Float32Array(rows * columns), new Uint32Array(rows)];
  for (let time = 0; time < times; time++) {
    data.set(once.logits, time * once.logits.length);
    columnsOfTargets.set(once.targets, time * once.rows);
  }
  // The last row is invalid.
  data.fill(-Infinity, (rows - 1) * columns);
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

/** What the transformer's kernels give of 640 rows, with a stage of so many bytes; sums over rows come last. */
async function transformerResults(stageBytes: number) {
  using gpu = await requestGpu();
  (gpu as { tiles: Tiles }).tiles = { ...gpu.tiles, stageBytes };
  const random = new RandomData(3);
  const [rows, width, heads, longest] = [640, 48, 3, 20];
  const drawn = (...shape: number[]) =>
    gpu.tensor(random.normal(shape.reduce((size, extent) => size * extent, 1)), shape);
  const [x, residual, gradOut] = [0, 1, 2].map(() => drawn(rows, width));
  const [weight, gateUp] = [drawn(width), drawn(rows, 2 * width)];
  const [q, k, v] = [heads, 1, 1].map((number) => drawn(rows, number, width / heads));
  const spans = gpu.tensor(
    Uint32Array.from({ length: 2 * rows / longest }, (_, i) => ((i + 1) >> 1) * longest),
    [rows / longest, 2],
  );
  const empty = (...shape: number[]) => gpu.zeros(shape);
  const norm = {
    normalized: empty(rows, width),
    inverseRms: empty(rows),
    residual: empty(rows, width),
  };
  const gradients = { gradX: empty(rows, width), gradWeight: empty(width) };
  const [gated, gradGateUp, sums] = [empty(rows, width), empty(rows, 2 * width), empty(width)];
  const attended = { attended: empty(...q!.shape), logSumExp: empty(rows, heads) };
  const gradAttended = {
    gradQ: empty(...q!.shape),
    gradK: empty(...k!.shape),
    gradV: empty(...v!.shape),
  };
  const recorder = gpu.record();
  rmsNorm(recorder, { x: x!, residual: residual!, weight, epsilon: 1e-6, out: norm });
  rmsNormBackward(recorder, {
    x: norm.residual,
    weight,
    inverseRms: norm.inverseRms,
    gradOut: gradOut!,
    out: gradients,
  });
  swiglu(recorder, { gateUp, out: gated });
  swigluBackward(recorder, { gateUp, gradOut: gradOut!, out: gradGateUp });
  columnSums(recorder, { x: x!, out: sums });
  const heard = { q: q!, k: k!, v: v!, spans, longest };
  attention(recorder, { ...heard, out: attended });
  attentionBackward(recorder, {
    ...heard,
    ...attended,
    gradOut: gradOut!.reshape(q!.shape),
    out: gradAttended,
  });
  return await recorder.read(
    ...Object.values(norm),
    gradients.gradX,
    gated,
    gradGateUp,
    ...Object.values(attended),
    ...Object.values(gradAttended),
    sums,
    gradients.gradWeight,
  );
}

Deno.test("rows of the transformer give the same bits from buffers, from one stage, and stage by stage", async () => {
  const expected = await transformerResults(0);
  assert(expected.every((values) => values.every((value) => Number.isFinite(value))));
  assert.deepEqual(await transformerResults(8 << 20), expected);
  // The gradient of the norm's weight is summed stage by stage.
  const split = await transformerResults(1 << 15);
  assert.deepEqual(split.slice(0, -1), expected.slice(0, -1));
  for (const [i, value] of expected.at(-1)!.entries()) {
    assert(Math.abs(split.at(-1)![i]! - value) < 1e-4);
  }
  // Not one row fits.
  assert.deepEqual(await transformerResults(1 << 7), expected);
});

Deno.test("rows of which no block fits a stage are read from buffers, vectors or not", async () => {
  for (const columns of [5, 64]) {
    const of = async (stageBytes: number) => {
      using gpu = await requestGpu();
      (gpu as { tiles: Tiles }).tiles = { ...gpu.tiles, stageBytes };
      const gateUp = gpu.tensor(new RandomData(5).normal(640 * columns), [320, 2 * columns]);
      const out = gpu.empty([320, columns]);
      const recorder = gpu.record();
      swiglu(recorder, { gateUp, out });
      return await recorder.read(out);
    };
    assert.deepEqual(await of(16), await of(0));
  }
});

Deno.test("what is read of each row gives the same bits from buffers and, rows by rows, from stages", async () => {
  for (const columns of [2, 64]) {
    const expected = await results(columns, 0, false, 40);
    // Room for 100 rows of logits, and for as many states.
    const stageBytes = Math.max(100 * 16, 100 * 4 * columns + 272);
    assert.deepEqual(await results(columns, stageBytes, false, 40), expected);
    const gradients = expected[3];
    assert(gradients.slice(-columns).every((value) => value === 0));
    assert(gradients.slice(0, columns).some((value) => value !== 0));
  }
});

/** Adds the bits of two arrays. */
const ADD_BITS = `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> y: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> sum: array<vec4u>;
@compute @workgroup_size(4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i < arrayLength(&sum)) { sum[i] = bitcast<vec4u>(x[i]) + y[i]; }
}`;

Deno.test("stages of several names hold f32 and u32, lines and a part of one, until the next copy", async () => {
  for (const stageBytes of [0, 8 << 20]) {
    using gpu = await requestGpu();
    (gpu as { tiles: Tiles }).tiles = { ...gpu.tiles, stageBytes };
    const program = gpu.program({ name: "add", code: stagedCode(gpu, ADD_BITS, ["x", "y"]) });
    // Two lines and 5 texels, from the second 256 bytes on.
    const [first, count] = [64, 2 * 4 * 4096 + 20];
    const random = new RandomData(2);
    const data = random.normal(first + count);
    const words = Uint32Array.from(data, (_, i) => i * 2654435761);
    const [x, y, again] = [gpu.tensor(data), gpu.tensor(words), gpu.tensor(words.toReversed())];
    const [sum, other] = [gpu.empty([count], "u32"), gpu.empty([count], "u32")];
    const sliceOf = (tensor: Tensor) => ({ tensor, offset: 4 * first, bytes: 4 * count });
    const recorder = gpu.record();
    for (const [second, out] of [[y, sum], [again, other]] as const) {
      recorder.dispatch(program, {
        bindings: { ...stageInputs(recorder, { x: sliceOf(x), y: sliceOf(second) }), sum: out },
        workgroups: [Math.ceil(count / 16)],
      });
    }
    const bits = new Uint32Array(Float32Array.from(data).buffer);
    const expected = (words: Uint32Array) =>
      bits.map((bits, i) => bits + words[i]!).subarray(first);
    const [actual, actualOther] = await recorder.read(sum, other);
    assert.deepEqual(actual, expected(words));
    assert.deepEqual(actualOther, expected(words.toReversed()));
  }
});

Deno.test("a stage takes no more than it holds", async () => {
  using gpu = await requestGpu();
  (gpu as { tiles: Tiles }).tiles = { ...gpu.tiles, stageBytes: 256 };
  const tensor = gpu.zeros([128]);
  const recorder = gpu.record();
  assert.throws(() => recorder.stage({ tensor, offset: 0, bytes: 512 }, "x"), ShapeError);
  recorder.stage({ tensor, offset: 256, bytes: 256 }, "x");
  await recorder.read(tensor);
});

Deno.test("products are the same from buffers, from one stage, and stage by stage", async () => {
  const random = new RandomData(3);
  // Whole numbers, whose sums are exact in any order.
  const wholes = (count: number) => Float32Array.from(random.integers(count, 17), (x) => x - 8);
  for (const [m, k, n] of [[68, 52, 44], [20, 529, 24], [31, 33, 35]] as const) {
    const [a, b, start] = [wholes(m * k), wholes(k * n), wholes(m * n)];
    for (
      const [transposeA, transposeB] of [[false, false], [false, true], [true, false]] as const
    ) {
      const expected = matmulReference({ a, b, m, k, n, transposeA, transposeB, start });
      // Room for all, for some rows of each, and for not even four.
      for (const stageBytes of [0, 1 << 20, 272 + 16 * Math.max(k, m, n), 320]) {
        using gpu = await requestGpu();
        (gpu as { tiles: Tiles }).tiles = { ...gpu.tiles, stageBytes };
        const out = gpu.tensor(start, [m, n]);
        const recorder = gpu.record();
        matmul(recorder, {
          a: gpu.tensor(a, transposeA ? [k, m] : [m, k]),
          b: gpu.tensor(b, transposeB ? [n, k] : [k, n]),
          out,
          transposeA,
          transposeB,
          accumulate: true,
        });
        const [actual] = await recorder.read(out);
        assert.deepEqual(actual, Float32Array.from(expected));
      }
    }
  }
});

Deno.test("a product reads nothing that an earlier one has left in a stage", async () => {
  using gpu = await requestGpu();
  const [m, n] = [8, 4];
  const nan = gpu.tensor(new Float32Array(8 * m).fill(NaN), [8, m]);
  const nanB = gpu.tensor(new Float32Array(8 * n).fill(NaN), [8, n]);
  const one = gpu.tensor(new Float32Array(8 * m).fill(1), [8, m]);
  const [first, out] = [gpu.empty([m, n]), gpu.empty([m, n])];
  const oneB = gpu.tensor(new Float32Array(8 * n).fill(1), [8, n]);
  for (const count of [1, 6, 7]) {
    const recorder = gpu.record();
    matmul(recorder, { a: nan, b: nanB, out: first, transposeA: true });
    const rowsOf = (matrix: Tensor) => ({ matrix, first: 0, count });
    matmul(recorder, { a: rowsOf(one), b: rowsOf(oneB), out, transposeA: true });
    const [actual] = await recorder.read(out);
    assert.deepEqual(actual, new Float32Array(m * n).fill(count));
  }
});
