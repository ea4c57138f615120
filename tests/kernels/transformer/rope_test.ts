/** The rotary position embedding, its table, and its backward. */
import assert from "node:assert/strict";
import { RandomData } from "../../../kernels/conformance/random.ts";
import { type Gpu, requestGpu } from "../../../kernels/runtime/gpu.ts";
import { rope, ropeBackward } from "../../../kernels/transformer/rope.ts";
import { ropeReference } from "../../../kernels/transformer/rope_reference.ts";
import {
  ropeFrequencies,
  type RopeSettings,
  ropeTable,
} from "../../../kernels/transformer/rope_table.ts";
import {
  assertAsFloat32,
  assertGradient,
  assertRefused,
  f,
  inner,
  withSmallBindings,
} from "./support.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

const random = new RandomData(5);
const MOST = 50;

interface Case {
  x: Float32Array;
  positions: Uint32Array;
  heads: number;
  settings: RopeSettings;
}

function randomCase(tokens: number, heads: number, headSize: number): Case {
  return {
    x: random.normal(tokens * heads * headSize),
    positions: random.integers(tokens, MOST - 3),
    heads,
    settings: { headSize, theta: 10_000 },
  };
}

async function run(gpu: Gpu, { x, positions, heads, settings }: Case, step = 0, back = false) {
  using tensor = gpu.tensor(x, [positions.length, heads, settings.headSize]);
  using positionsTensor = gpu.tensor(positions);
  using table = ropeTable(gpu, MOST, settings);
  const recorder = gpu.record();
  const options = { x: tensor, positions: positionsTensor, table, step };
  if (back) ropeBackward(recorder, options);
  else rope(recorder, options);
  const [rotated] = await recorder.read(tensor);
  return rotated as Float32Array<ArrayBuffer>;
}

/** Every operation rounded to float32, cosines and sines too. */
function plain({ x, positions, heads, settings }: Case, step = 0): Float32Array {
  const frequencies = ropeFrequencies(settings);
  const half = settings.headSize / 2;
  return x.map((value, at) => {
    const angle = (positions[Math.floor(at / (heads * 2 * half))]! + step) *
      frequencies[at % half]!;
    const isFirst = at % (2 * half) < half;
    const other = isFirst ? -x[at + half]! : x[at - half]!;
    return f(value * f(Math.cos(angle))) + f(other * f(Math.sin(angle)));
  });
}

Deno.test("rotations are as exact as float32, for any shape, and rotate back", async () => {
  for (const shape of [[1, 1, 2], [30, 3, 6], [130, 4, 16], [7, 2, 24], [5, 1, 64]] as const) {
    const rotation = randomCase(shape[0], shape[1], shape[2]);
    for (const step of [0, 3]) {
      const rotated = await run(gpu, rotation, step);
      const positions = rotation.positions.map((position) => position + step);
      const expected = ropeReference({ ...rotation, positions });
      assertAsFloat32(`[${shape}] at step ${step}`, rotated, expected, plain(rotation, step));
      const back = await run(gpu, { ...rotation, x: rotated }, step, true);
      for (const [i, value] of back.entries()) assert(Math.abs(value - rotation.x[i]!) < 2e-6);
    }
  }
});

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
  const rotation = randomCase(3, 2, 6);
  const g = random.normal(rotation.x.length);
  const gradient = ropeReference({ ...rotation, x: g, direction: -1 });
  assertGradient("x", gradient, (x) => inner(ropeReference({ ...rotation, x }), g), rotation.x);
});

Deno.test("rows beyond a binding are split", async () => {
  const rotation = randomCase(200, 3, 10);
  const small = withSmallBindings(gpu, 10_000);
  assert.deepEqual(await run(small, rotation), await run(gpu, rotation));
  assert.equal(small.liveBytes, 0);
});

Deno.test("odd heads and wrong shapes are refused", () => {
  using x = gpu.empty([2, 1, 4]);
  using positions = gpu.empty([2], "u32");
  using table = ropeTable(gpu, 3, { headSize: 6, theta: 10 });
  const recorder = gpu.record();
  assertRefused(() => ropeTable(gpu, 3, { headSize: 5, theta: 10 }), /head size is 5/);
  assertRefused(
    () => rope(recorder, { x, positions, table }),
    /table has shape \[3,2,3\], expected \[any, 2, 2\]/,
  );
  assertRefused(() => rope(recorder, { x, positions: x, table }), /positions is f32/);
  recorder.submit();
});
