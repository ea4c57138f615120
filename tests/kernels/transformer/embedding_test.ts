/** The embedding and the gradient of its table; their check holds them to the references. */
import assert from "node:assert/strict";
import {
  compareEmbedding,
  embeddingCase,
  embeddingCheck,
} from "../../../kernels/conformance/embedding.ts";
import { RandomData } from "../../../kernels/conformance/random_data.ts";
import { requestGpu } from "../../../kernels/runtime/gpu.ts";
import { embedding, embeddingBackward } from "../../../kernels/transformer/embedding.ts";
import {
  embeddingBackwardReference,
  embeddingReference,
} from "../../../kernels/transformer/embedding_reference.ts";
import {
  assertGradient,
  assertRefused,
  inner,
  passing,
  withHardwareTiles,
  withSmallBindings,
} from "./support.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

const random = new RandomData(4);

Deno.test("the same tokens give the same bits", async () => {
  const c = embeddingCase(random, random.integers(2000, 11), 11, 12);
  const run = () => passing((tally) => compareEmbedding(gpu, tally, c));
  assert.deepEqual(await run(), await run());
});

Deno.test("the tile sizes of hardware do as well", async () => {
  const hardware = withHardwareTiles(gpu);
  await passing((tally) => embeddingCheck.run(hardware, tally));
  assert.equal(hardware.liveBytes, 0);
});

Deno.test("rows beyond a binding are split", async () => {
  const small = withSmallBindings(gpu, 6000);
  for (const [vocabulary, columns] of [[9, 5], [70, 40]] as const) {
    const tokens = random.integers(1000, vocabulary).map((token, i) => i % 7 === 0 ? 3 : token);
    // A token outside the vocabulary has no row in any part of the table.
    tokens[5] = vocabulary;
    const c = embeddingCase(random, tokens, vocabulary, columns);
    await passing((tally) => compareEmbedding(small, tally, c));
  }
  assert.equal(small.liveBytes, 0);
});

Deno.test("a token outside the vocabulary has zeros and no gradient", async () => {
  using tokens = gpu.tensor(Uint32Array.of(1, 2, 0xffffffff, 0));
  using table = gpu.tensor([1, 2, 3, 4], [2, 2]);
  using out = gpu.tensor(new Float32Array(8).fill(NaN), [4, 2]);
  using gradOut = gpu.tensor([1, 2, NaN, NaN, NaN, NaN, 3, 4], [4, 2]);
  using gradTable = gpu.zeros([2, 2]);
  const recorder = gpu.record();
  embedding(recorder, { tokens, table, out });
  embeddingBackward(recorder, { tokens, gradOut, out: gradTable });
  const [rows, gradient] = await recorder.read(out, gradTable);
  assert.deepEqual(rows, Float32Array.of(3, 4, 0, 0, 0, 0, 1, 2));
  assert.deepEqual(gradient, Float32Array.of(3, 4, 1, 2));
});

Deno.test("the reference's gradient is that of differences", () => {
  const { tokens, table, gradOut } = embeddingCase(random, Uint32Array.of(1, 0, 1, 3), 4, 3);
  const gradient = embeddingBackwardReference(tokens, gradOut, 4, 3);
  const objective = (at: Float64Array) => inner(embeddingReference(tokens, at, 3), gradOut);
  assertGradient("table", gradient, objective, table);
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
    () => embeddingBackward(recorder, { tokens, gradOut: table, out: table }),
    /gradOut has shape \[4,3\], expected \[2, 3\]/,
  );
  recorder.submit();
});
