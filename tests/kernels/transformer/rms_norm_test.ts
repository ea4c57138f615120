/** RMS norm, with and without the residual stream, and its gradients. */
import assert from "node:assert/strict";
import { RandomData } from "../../../kernels/conformance/random.ts";
import { type Gpu, requestGpu } from "../../../kernels/runtime/gpu.ts";
import { rmsNorm, rmsNormBackward } from "../../../kernels/transformer/rms_norm.ts";
import {
  rmsNormBackwardReference,
  rmsNormReference,
} from "../../../kernels/transformer/rms_norm_reference.ts";
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

const EPSILON = 1e-6;
const random = new RandomData(3);

interface Values {
  x: Float32Array;
  /** Added to x first, in the residual stream. */
  before: Float32Array | undefined;
  weight: Float32Array;
  g: Float32Array;
  /** What is in the gradients before. */
  gradX: Float32Array | undefined;
  gradWeight: Float32Array;
}

function randomValues(rows: number, columns: number, residual = false, accumulate = false): Values {
  return {
    x: random.normal(rows * columns),
    before: residual ? random.normal(rows * columns) : undefined,
    weight: random.normal(columns),
    g: random.normal(rows * columns),
    gradX: accumulate ? random.normal(rows * columns) : undefined,
    gradWeight: random.normal(columns),
  };
}

async function run(gpu: Gpu, values: Values) {
  const { x: { length: size }, weight: { length: columns } } = values;
  const shape = [size / columns, columns];
  using x = gpu.tensor(values.x, shape);
  using before = gpu.tensor(values.before ?? new Float32Array(size), shape);
  using after = gpu.empty(shape);
  using weight = gpu.tensor(values.weight);
  using out = gpu.empty(shape);
  using inverseRms = gpu.empty([shape[0]!]);
  using gradOut = gpu.tensor(values.g, shape);
  using gradX = gpu.tensor(values.gradX ?? new Float32Array(size).fill(NaN), shape);
  using gradWeight = gpu.tensor(values.gradWeight);
  const recorder = gpu.record();
  const residual = values.before === undefined ? {} : { residual: { before, after } };
  rmsNorm(recorder, { x, ...residual, weight, epsilon: EPSILON, out, inverseRms });
  rmsNormBackward(recorder, {
    x: values.before === undefined ? x : after,
    weight,
    inverseRms,
    gradOut,
    gradX,
    accumulate: values.gradX !== undefined,
    gradWeight,
  });
  const read = await recorder.read(out, gradX, gradWeight, after);
  return { out: read[0]!, gradX: read[1]!, gradWeight: read[2]!, after: read[3]! };
}

/** Every operation rounded to float32. */
function plain({ x, weight, g, gradX: startX, gradWeight: startWeight }: Values) {
  const columns = weight.length;
  const out = new Float32Array(x.length);
  const gradX = new Float32Array(x.length);
  const gradWeight = startWeight.slice();
  for (let first = 0; first < x.length; first += columns) {
    let [squares, product] = [0, 0];
    for (let c = 0; c < columns; c++) {
      squares = f(squares + f(x[first + c]! * x[first + c]!));
      product = f(product + f(f(g[first + c]! * weight[c]!) * x[first + c]!));
    }
    const r = f(1 / f(Math.sqrt(f(f(squares / columns) + EPSILON))));
    const scale = f(f(r * r) * f(product / columns));
    for (let c = 0; c < columns; c++) {
      const i = first + c;
      out[i] = f(x[i]! * r) * weight[c]!;
      gradX[i] = f(r * f(f(g[i]! * weight[c]!) - f(x[i]! * scale))) + (startX?.[i] ?? 0);
      gradWeight[c] = f(gradWeight[c]! + f(f(g[i]! * x[i]!) * r));
    }
  }
  return { out, gradX, gradWeight };
}

async function check(gpu: Gpu, values: Values, label: string): Promise<void> {
  const actual = await run(gpu, values);
  const x = values.before === undefined
    ? values.x
    : values.x.map((value, i) => value + values.before![i]!);
  if (values.before !== undefined) assert.deepEqual(actual.after, x, label);
  const input = { x, weight: values.weight, epsilon: EPSILON };
  const gradients = rmsNormBackwardReference(input, values.g);
  const float32 = plain({ ...values, x });
  assertAsFloat32(`out of ${label}`, actual.out, rmsNormReference(input), float32.out);
  assertAsFloat32(
    `gradX of ${label}`,
    actual.gradX,
    gradients.gradX.map((value, i) => value + (values.gradX?.[i] ?? 0)),
    float32.gradX,
  );
  assertAsFloat32(
    `gradWeight of ${label}`,
    actual.gradWeight,
    gradients.gradWeight.map((value, i) => value + values.gradWeight[i]!),
    float32.gradWeight,
  );
}

Deno.test("RMS norm and its gradients are as exact as float32, for any shape", async () => {
  for (
    const shape of [[1, 1], [3, 5], [70, 12], [33, 64], [5, 130], [3, 1023], [2, 2048]] as const
  ) {
    await check(gpu, randomValues(shape[0], shape[1]), `[${shape}]`);
  }
  await check(gpu, randomValues(2000, 4), "many rows");
  await check(gpu, randomValues(37, 20, true, true), "the residual stream");
});

Deno.test("a row of zeros gives zeros", async () => {
  const values = { ...randomValues(2, 8), x: new Float32Array(16) };
  const { out, gradX } = await run(gpu, values);
  assert(out.every((value) => value === 0));
  assert(gradX.every(Number.isFinite));
});

Deno.test("the reference's gradients are those of differences", () => {
  const { x, weight, g } = randomValues(3, 7);
  const { gradX, gradWeight } = rmsNormBackwardReference({ x, weight, epsilon: 0.1 }, g);
  assertGradient(
    "gradX",
    gradX,
    (at) => inner(rmsNormReference({ x: at, weight, epsilon: 0.1 }), g),
    x,
  );
  assertGradient(
    "gradWeight",
    gradWeight,
    (at) => inner(rmsNormReference({ x, weight: at, epsilon: 0.1 }), g),
    weight,
  );
});

Deno.test("the tile sizes of hardware do as well", async () => {
  const hardware = withHardwareTiles(gpu);
  await check(hardware, randomValues(70, 50, true, true), "[70, 50]");
  await check(hardware, randomValues(9, 600), "[9, 600]");
  assert.equal(hardware.liveBytes, 0);
});

Deno.test("rows beyond a binding are split; the same rows give the same bits", async () => {
  const values = randomValues(300, 12, true, true);
  const small = withSmallBindings(gpu, 5000);
  await check(small, values, "split rows");
  assert.equal(small.liveBytes, 0);
  assert.deepEqual(await run(gpu, values), await run(gpu, values));
});

Deno.test("wrong shapes and a negative epsilon are refused", () => {
  using x = gpu.empty([2, 3]);
  using weight = gpu.empty([3]);
  using inverseRms = gpu.empty([2]);
  const recorder = gpu.record();
  const forward = { x, weight, epsilon: EPSILON, out: x, inverseRms };
  assertRefused(
    () => rmsNorm(recorder, { ...forward, weight: inverseRms }),
    /weight has shape \[2\]/,
  );
  assertRefused(
    () => rmsNorm(recorder, { ...forward, inverseRms: weight }),
    /inverseRms has shape/,
  );
  assertRefused(() => rmsNorm(recorder, { ...forward, epsilon: -1 }), /epsilon is -1/);
  const backward = { x, weight, inverseRms, gradOut: x, gradX: x, gradWeight: inverseRms };
  assertRefused(() => rmsNormBackward(recorder, backward), /gradWeight has shape \[2\]/);
  recorder.submit();
});
