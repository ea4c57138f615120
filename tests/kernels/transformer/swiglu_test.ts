/** The gated unit and its gradients; their check holds them to the references. */
import assert from "node:assert/strict";
import { RandomData } from "../../../kernels/conformance/random_data.ts";
import { compareSwiglu } from "../../../kernels/conformance/swiglu.ts";
import { requestGpu } from "../../../kernels/runtime/gpu.ts";
import { swiglu, swigluBackward } from "../../../kernels/transformer/swiglu.ts";
import {
  swigluBackwardReference,
  swigluReference,
} from "../../../kernels/transformer/swiglu_reference.ts";
import { assertGradient, assertRefused, inner, passing, withSmallBindings } from "./support.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

const random = new RandomData(1);

Deno.test("the reference's gradients are those of differences", () => {
  const [gate, up, g] = [random.normal(20, 2), random.normal(20), random.normal(20)];
  const { gradGate, gradUp } = swigluBackwardReference(gate, up, g);
  assertGradient("gradGate", gradGate, (at) => inner(swigluReference(at, up), g), gate);
  assertGradient("gradUp", gradUp, (at) => inner(swigluReference(gate, at), g), up);
});

Deno.test("rows beyond a binding are split", async () => {
  const [gate, up, gradOut] = [random.normal(3300), random.normal(3300), random.normal(3300)];
  const small = withSmallBindings(gpu, 20_000);
  const [whole, split] = await Promise.all(
    [gpu, small].map((device) =>
      passing((tally) => compareSwiglu(device, tally, { columns: 33, gate, up, gradOut }))
    ),
  );
  assert.deepEqual(split, whole);
  assert.equal(small.liveBytes, 0);
});

Deno.test("wrong shapes and types are refused", () => {
  using x = gpu.empty([2, 3]);
  using both = gpu.empty([2, 6]);
  using words = gpu.empty([2, 6], "u32");
  const recorder = gpu.record();
  assertRefused(
    () => swiglu(recorder, { gateUp: both, out: both }),
    /out has shape \[2,6\], expected \[2, 3\]/,
  );
  assertRefused(() => swiglu(recorder, { gateUp: words, out: x }), /gateUp is u32/);
  assertRefused(() => swiglu(recorder, { gateUp: x, out: x }), /3 columns, expected two halves/);
  assertRefused(
    () => swigluBackward(recorder, { gateUp: both, gradOut: x, out: x }),
    /out has shape \[2,3\], expected \[2, 6\]/,
  );
  recorder.submit();
});
