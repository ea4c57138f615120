/** The rotary position embedding and its table; its check holds it to the reference. */
import assert from "node:assert/strict";
import { RandomData } from "../../../kernels/conformance/random_data.ts";
import { compareRope, ropeCase } from "../../../kernels/conformance/rope.ts";
import { requestGpu } from "../../../kernels/runtime/gpu.ts";
import { rope } from "../../../kernels/transformer/rope.ts";
import { ropeReference } from "../../../kernels/transformer/rope_reference.ts";
import { ropeFrequencies, ropeTable } from "../../../kernels/transformer/rope_table.ts";
import { assertGradient, assertRefused, inner, passing, withSmallBindings } from "./support.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

const random = new RandomData(5);

Deno.test("scaled frequencies are those of Llama 3.1", () => {
  const frequencies = ropeFrequencies({
    headSize: 128,
    theta: 500_000,
    scaling: {
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    },
  });
  // From Hugging Face's _compute_llama3_parameters, in float64.
  const expected: [number, number][] = [
    [0, 1],
    [1, 0.8146172338565447],
    [28, 0.0032114459947525913],
    [29, 0.002166570763503359],
    [33, 0.00031269375038406517],
    [34, 0.00017850781276799638],
    [35, 9.556212353964683e-05],
    [63, 3.068925988914511e-07],
  ];
  for (const [i, value] of expected) {
    assert(Math.abs(frequencies[i]! / value - 1) < 1e-12, `frequency ${i} is ${frequencies[i]}`);
  }
});

Deno.test("the product of a query and a key depends on their distance alone", () => {
  const settings = { headSize: 8, theta: 100 };
  const [q, k] = [random.normal(8), random.normal(8)];
  const at = (x: Float32Array, position: number) =>
    ropeReference({ x, positions: [position], heads: 1, settings });
  const near = inner(at(q, 7), at(k, 3));
  assert(Math.abs(near - inner(at(q, 104), at(k, 100))) < 1e-12);
  assert(Math.abs(near - inner(at(q, 8), at(k, 3))) > 1e-3);
});

Deno.test("the reference's backward is the gradient by differences", () => {
  const rotation = ropeCase(random, 3, 2, { headSize: 6, theta: 10_000 });
  const g = random.normal(rotation.x.length);
  const gradient = ropeReference({ ...rotation, x: g, direction: -1 });
  assertGradient("x", gradient, (x) => inner(ropeReference({ ...rotation, x }), g), rotation.x);
});

Deno.test("rows beyond a binding are split", async () => {
  const rotation = ropeCase(random, 200, 3, { headSize: 10, theta: 10_000 });
  const small = withSmallBindings(gpu, 10_000);
  const [whole, split] = await Promise.all(
    [gpu, small].map((device) => passing((tally) => compareRope(device, tally, rotation, 0))),
  );
  assert.deepEqual(split, whole);
  assert.equal(small.liveBytes, 0);
});

Deno.test("odd heads and wrong shapes are refused", () => {
  using x = gpu.empty([2, 1, 4]);
  using positions = gpu.empty([2], "u32");
  using table = ropeTable(gpu, 3, { headSize: 6, theta: 10 });
  const recorder = gpu.record();
  assertRefused(() => ropeTable(gpu, 3, { headSize: 5, theta: 10 }), /head size is 5/);
  assertRefused(
    () => rope(recorder, { q: x, k: x, positions, table }),
    /table has shape \[3,2,3\], expected \[any, 2, 2\]/,
  );
  assertRefused(() => rope(recorder, { q: x, k: x, positions: x, table }), /positions is f32/);
  using wide = gpu.empty([2, 1, 6]);
  assertRefused(
    () => rope(recorder, { q: x, k: wide, positions, table }),
    /k has shape \[2,1,6\], expected \[2, any, 4\]/,
  );
  recorder.submit();
});
