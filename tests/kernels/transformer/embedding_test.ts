/** The embedding and the gradient of its table. */
import assert from "node:assert/strict";
import { RandomData } from "../../../kernels/conformance/random.ts";
import { type Gpu, requestGpu } from "../../../kernels/runtime/gpu.ts";
import { embedding, embeddingBackward } from "../../../kernels/transformer/embedding.ts";
import {
  embeddingBackwardReference,
  embeddingReference,
} from "../../../kernels/transformer/embedding_reference.ts";
import {
  assertAsFloat32,
  assertGradient,
  assertRefused,
  f,
  inner,
  withHardwareTiles,
  withSmallBindings,
} from "./support.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

const random = new RandomData(4);

interface Values {
  tokens: Uint32Array;
  table: Float32Array;
  g: Float32Array;
  columns: number;
}

function randomValues(tokens: Uint32Array, vocabulary: number, columns: number): Values {
  const table = random.normal(vocabulary * columns);
  return { tokens, table, g: random.normal(tokens.length * columns), columns };
}

/** The result, and the gradient of the table added to the table itself. */
async function run(gpu: Gpu, values: Values) {
  const shape = [values.tokens.length, values.columns];
  const tableShape = [values.table.length / values.columns, values.columns];
  using tokens = gpu.tensor(values.tokens);
  using table = gpu.tensor(values.table, tableShape);
  using gradTable = gpu.tensor(values.table, tableShape);
  using out = gpu.empty(shape);
  using gradOut = gpu.tensor(values.g, shape);
  const recorder = gpu.record();
  embedding(recorder, { tokens, table, out });
  embeddingBackward(recorder, { tokens, gradOut, gradTable });
  const read = await recorder.read(out, gradTable);
  return { out: read[0]!, gradTable: read[1]! };
}

async function check(gpu: Gpu, values: Values, label: string): Promise<void> {
  const { tokens, table, g, columns } = values;
  const vocabulary = table.length / columns;
  const { out, gradTable } = await run(gpu, values);
  assert.deepEqual(Float64Array.from(out), embeddingReference(tokens, table, columns), label);
  const expected = embeddingBackwardReference(tokens, g, vocabulary, columns);
  const plain = table.slice();
  for (const [i, value] of g.entries()) {
    const at = tokens[Math.floor(i / columns)]! * columns + i % columns;
    if (at < plain.length) plain[at] = f(plain[at]! + value);
  }
  assertAsFloat32(label, gradTable, expected.map((value, i) => value + table[i]!), plain);
}

Deno.test("the embedding copies rows; its gradient is as exact as float32, for any shape", async () => {
  for (
    const [count, vocabulary, columns] of [
      [1, 1, 1],
      [5000, 1, 3],
      [300, 7, 5],
      [1000, 16, 64],
      [64, 2, 4],
      [129, 1000, 8],
      [257, 70_000, 1],
    ] as const
  ) {
    // Half of the tokens are the same, so that runs are of very different lengths.
    const tokens = random.integers(count, vocabulary).map((token) => token % 2 === 0 ? 0 : token);
    const values = randomValues(tokens, vocabulary, columns);
    await check(gpu, values, `${count} of ${vocabulary} tokens, ${columns} columns`);
  }
});

Deno.test("a token outside the vocabulary is zeros and has no gradient", async () => {
  const tokens = Uint32Array.of(2, 5, 4294967295, 0, 2);
  await check(gpu, randomValues(tokens, 5, 6), "unknown tokens");
  await check(gpu, randomValues(Uint32Array.of(9, 9), 5, 6), "only unknown tokens");
});

Deno.test("the same tokens give the same bits", async () => {
  const values = randomValues(random.integers(2000, 11), 11, 12);
  assert.deepEqual(await run(gpu, values), await run(gpu, values));
});

Deno.test("the tile sizes of hardware do as well", async () => {
  const hardware = withHardwareTiles(gpu);
  await check(hardware, randomValues(random.integers(1000, 300), 300, 20), "300 tokens");
  assert.equal(hardware.liveBytes, 0);
});

Deno.test("rows beyond a binding are split", async () => {
  const small = withSmallBindings(gpu, 6000);
  await check(small, randomValues(random.integers(1000, 9), 9, 5), "split rows");
  assert.equal(small.liveBytes, 0);
});

Deno.test("the reference's gradient is that of differences", () => {
  const { tokens, table, g } = randomValues(Uint32Array.of(1, 0, 1, 3), 4, 3);
  const gradient = embeddingBackwardReference(tokens, g, 4, 3);
  assertGradient("table", gradient, (at) => inner(embeddingReference(tokens, at, 3), g), table);
});

Deno.test("wrong shapes and an empty vocabulary are refused", () => {
  using tokens = gpu.empty([2], "u32");
  using table = gpu.empty([4, 3]);
  using nothing = gpu.empty([0, 3]);
  using out = gpu.empty([2, 3]);
  const recorder = gpu.record();
  assertRefused(
    () => embedding(recorder, { tokens: out, table, out }),
    /tokens is f32, expected u32/,
  );
  assertRefused(() => embedding(recorder, { tokens, table, out: table }), /out has shape \[4,3\]/);
  assertRefused(() => embedding(recorder, { tokens, table: nothing, out }), /table has no rows/);
  assertRefused(
    () => embeddingBackward(recorder, { tokens, gradOut: table, gradTable: table }),
    /gradOut has shape \[4,3\], expected \[2, 3\]/,
  );
  recorder.submit();
});
