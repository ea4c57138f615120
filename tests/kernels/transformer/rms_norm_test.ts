/** RMS norm and its gradients; their check holds them to the references. */
import assert from "node:assert/strict";
import { RandomData } from "../../../kernels/conformance/random_data.ts";
import {
  compareRmsNorm,
  residualCase,
  rmsNormCase,
  rmsNormCheck,
} from "../../../kernels/conformance/rms_norm.ts";
import { requestGpu } from "../../../kernels/runtime/gpu.ts";
import { rmsNorm, rmsNormBackward } from "../../../kernels/transformer/rms_norm.ts";
import {
  rmsNormBackwardReference,
  rmsNormReference,
} from "../../../kernels/transformer/rms_norm_reference.ts";
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

const random = new RandomData(3);

Deno.test("the reference's gradients are those of differences", () => {
  const { x, weight, gradOut } = rmsNormCase(random, 3, 7);
  const input = { x, weight, epsilon: 0.1 };
  const { gradX, gradWeight } = rmsNormBackwardReference(input, gradOut);
  const loss = (part: object) => inner(rmsNormReference({ ...input, ...part }), gradOut);
  assertGradient("gradX", gradX, (x) => loss({ x }), x);
  assertGradient("gradWeight", gradWeight, (weight) => loss({ weight }), weight);
});

Deno.test("the tile sizes of hardware do as well", async () => {
  const hardware = withHardwareTiles(gpu);
  await passing((tally) => rmsNormCheck.run(hardware, tally));
  assert.equal(hardware.liveBytes, 0);
});

Deno.test("rows beyond a binding are split; the same rows give the same bits", async () => {
  const c = residualCase(random, 300, 12);
  const small = withSmallBindings(gpu, 5000);
  await passing((tally) => compareRmsNorm(small, tally, "split rows", c));
  assert.equal(small.liveBytes, 0);
  const run = () => passing((tally) => compareRmsNorm(gpu, tally, "whole rows", c));
  assert.deepEqual(await run(), await run());
});

Deno.test("wrong shapes and a negative epsilon are refused", () => {
  using x = gpu.empty([2, 3]);
  using weight = gpu.empty([3]);
  using inverseRms = gpu.empty([2]);
  const recorder = gpu.record();
  const out = { normalized: x, inverseRms };
  const forward = { x, weight, epsilon: 1e-6, out };
  assertRefused(
    () => rmsNorm(recorder, { ...forward, weight: inverseRms }),
    /weight has shape \[2\]/,
  );
  assertRefused(
    () => rmsNorm(recorder, { ...forward, out: { ...out, inverseRms: weight } }),
    /out.inverseRms has shape/,
  );
  assertRefused(
    () => rmsNorm(recorder, { ...forward, residual: x }),
    /residual is given without out.residual, expected both or neither/,
  );
  assertRefused(() => rmsNorm(recorder, { ...forward, epsilon: -1 }), /epsilon is -1/);
  const gradients = { gradX: x, gradWeight: inverseRms };
  assertRefused(
    () => rmsNormBackward(recorder, { x, weight, inverseRms, gradOut: x, out: gradients }),
    /out.gradWeight has shape \[2\]/,
  );
  recorder.submit();
});
