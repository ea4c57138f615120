/** The gated unit and its gradients. */
import assert from "node:assert/strict";
import { RandomData } from "../../../kernels/conformance/random.ts";
import { type Gpu, requestGpu } from "../../../kernels/runtime/gpu.ts";
import { swiglu, swigluBackward } from "../../../kernels/transformer/swiglu.ts";
import {
  swigluBackwardReference,
  swigluReference,
} from "../../../kernels/transformer/swiglu_reference.ts";
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

const random = new RandomData(1);

async function run(gpu: Gpu, shape: number[], values: Record<"gate" | "up" | "g", Float32Array>) {
  using gate = gpu.tensor(values.gate, shape);
  using up = gpu.tensor(values.up, shape);
  using gradOut = gpu.tensor(values.g, shape);
  using out = gpu.empty(shape);
  using gradGate = gpu.empty(shape);
  using gradUp = gpu.empty(shape);
  const recorder = gpu.record();
  swiglu(recorder, { gate, up, out });
  swigluBackward(recorder, { gate, up, gradOut, gradGate, gradUp });
  return await recorder.read(out, gradGate, gradUp);
}

/** Every operation rounded to float32. */
function plain({ gate, up, g }: Record<"gate" | "up" | "g", Float32Array>) {
  const sigmoid = (x: number) => f(1 / f(1 + f(Math.exp(-x))));
  return {
    out: gate.map((x, i) => f(x * sigmoid(x)) * up[i]!),
    gradGate: gate.map((x, i) => {
      const s = sigmoid(x);
      return f(f(g[i]! * up[i]!) * s) * f(1 + f(x * f(1 - s)));
    }),
    gradUp: gate.map((x, i) => f(g[i]! * x) * sigmoid(x)),
  };
}

Deno.test("swiglu and its gradients are as exact as float32", async () => {
  for (
    const [shape, deviation] of [[[1, 1], 1], [[7, 3], 1], [[300, 11], 4], [[5, 64], 40]] as const
  ) {
    const size = shape[0] * shape[1];
    const values = {
      gate: random.normal(size, deviation),
      up: random.normal(size),
      g: random.normal(size),
    };
    const [out, gradGate, gradUp] = await run(gpu, [...shape], values);
    const expected = plain(values);
    const gradients = swigluBackwardReference(values.gate, values.up, values.g);
    assertAsFloat32("out", out!, swigluReference(values.gate, values.up), expected.out);
    assertAsFloat32("gradGate", gradGate!, gradients.gradGate, expected.gradGate);
    assertAsFloat32("gradUp", gradUp!, gradients.gradUp, expected.gradUp);
  }
});

Deno.test("large gates neither overflow nor lose the sign", async () => {
  const gate = Float32Array.of(-3e38, -1000, -90, 0, 90, 1000, 1e30);
  const one = new Float32Array(7).fill(1);
  const [out, gradGate] = await run(gpu, [1, 7], { gate, up: one, g: one });
  assert.deepEqual(Array.from(out!.subarray(3)), [0, 90, 1000, f(1e30)]);
  assert(Math.abs(out![1]!) < 1e-30 && Math.abs(out![2]!) < 1e-30, String(out));
  assert.deepEqual(Array.from(gradGate!.subarray(3)), [0.5, 1, 1, 1]);
  assert(gradGate!.every(Number.isFinite), String(gradGate));
});

Deno.test("the reference's gradients are those of differences", () => {
  const [gate, up, g] = [random.normal(20, 2), random.normal(20), random.normal(20)];
  const { gradGate, gradUp } = swigluBackwardReference(gate, up, g);
  assertGradient("gradGate", gradGate, (at) => inner(swigluReference(at, up), g), gate);
  assertGradient("gradUp", gradUp, (at) => inner(swigluReference(gate, at), g), up);
});

Deno.test("rows beyond a binding are split", async () => {
  const shape = [100, 33];
  const [gate, up, g] = [random.normal(3300), random.normal(3300), random.normal(3300)];
  const whole = await run(gpu, shape, { gate, up, g });
  const small = withSmallBindings(gpu, 10_000);
  assert.deepEqual(await run(small, shape, { gate, up, g }), whole);
  assert.equal(small.liveBytes, 0);
});

Deno.test("wrong shapes and types are refused", () => {
  using x = gpu.empty([2, 3]);
  using other = gpu.empty([3, 2]);
  using words = gpu.empty([2, 3], "u32");
  const recorder = gpu.record();
  assertRefused(() => swiglu(recorder, { gate: x, up: other, out: x }), /up has shape \[3,2\]/);
  assertRefused(() => swiglu(recorder, { gate: words, up: x, out: x }), /gate is u32/);
  assertRefused(
    () => swigluBackward(recorder, { gate: x, up: x, gradOut: x, gradGate: other, gradUp: x }),
    /gradGate has shape \[3,2\], expected \[2, 3\]/,
  );
  recorder.submit();
});
