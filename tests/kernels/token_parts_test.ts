/** Kernels over tokens, cut into parts, read from buffers and from textures, with lists that have to be begun again. */
import assert from "node:assert/strict";
import { sequenceCovarianceCheck } from "../../kernels/conformance/covariance.ts";
import { RandomData } from "../../kernels/conformance/random_data.ts";
import { groupMeans, TABLE_1_SHARES } from "../../kernels/covariance/group_means.ts";
import {
  emptyTokenCovariance,
  tokenCovariance,
} from "../../kernels/covariance/token_covariance.ts";
import { sequenceCovariance } from "../../kernels/covariance/sequence_covariance.ts";
import { emptyPolicyLoss, policyLoss } from "../../kernels/policy_loss/policy_loss.ts";
import { KL_COV } from "../../kernels/policy_loss/policy_loss_settings.ts";
import { ShapeError } from "../../kernels/runtime/errors.ts";
import { type Gpu, requestGpu } from "../../kernels/runtime/gpu.ts";
import { emptySelection, selectSample, selectTop } from "../../kernels/selection/selection.ts";
import { topReference } from "../../kernels/selection/selection_reference.ts";
import { passing, withHardwareTiles, withSmallBindings } from "./transformer/support.ts";

const gpu = await requestGpu();

const [ROWS, COLUMNS] = [9, 1111];

/** What all kernels make of one batch, whose covariances have ties. */
async function results(gpu: Gpu) {
  const random = new RandomData(3);
  const shape = [ROWS, COLUMNS];
  const size = ROWS * COLUMNS;
  const logProb = gpu.tensor(random.normal(size), shape);
  const oldLogProb = gpu.tensor(random.normal(size, 0.3), shape);
  const advantages = gpu.tensor(random.normal(size).map((x) => Math.round(2 * x)), shape);
  const entropy = gpu.tensor(random.normal(size), shape);
  const mask = gpu.tensor(random.flags(size, 0.8), shape);
  const tied = gpu.tensor(random.normal(size).map((x) => Math.round(8 * x) / 8));
  const covariance = emptyTokenCovariance(gpu, size);
  const loss = emptyPolicyLoss(gpu, ROWS, COLUMNS);
  const [top, sample] = [emptySelection(gpu, size), emptySelection(gpu, size)];
  const means = gpu.empty([TABLE_1_SHARES.length]);
  const groups = gpu.empty([3, 2]);
  const recorder = gpu.record();
  tokenCovariance(recorder, { logProb, advantages, mask, out: covariance });
  selectTop(recorder, { covariance: tied, mask, share: 0.01, out: top });
  selectSample(recorder, {
    covariance: tied,
    mask,
    share: 0.01,
    covarianceLow: -2,
    covarianceHigh: 1,
    seed: 5,
    unclipped: { logProb, oldLogProb, advantages, clipLow: 0.2, clipHigh: 0.2 },
    out: sample,
  });
  sequenceCovariance(recorder, { logProb, advantages, mask, group: 4, out: groups });
  groupMeans(recorder, { covariance: tied, mask, out: means });
  policyLoss(recorder, {
    logProb,
    oldLogProb,
    advantages,
    mask,
    selected: top.selected,
    entropy,
    referenceLogProb: oldLogProb,
    settings: {
      ...KL_COV,
      aggregation: "seq-mean-token-mean",
      entropyCoefficient: 0.1,
      referenceCoefficient: 0.1,
    },
    out: loss,
  });
  const read = await recorder.read(
    top.selected,
    sample.selected,
    covariance.covariance,
    covariance.mean,
    groups,
    means,
    loss.gradLogProb,
    loss.gradEntropy,
    loss.metrics,
  );
  const held = [logProb, oldLogProb, advantages, entropy, mask, tied, groups, means];
  for (const each of [...held, covariance, loss, top, sample]) each[Symbol.dispose]();
  return read;
}

for (
  const [name, other] of [
    ["parts of what a binding holds", withSmallBindings(gpu, 6000)],
    ["buffers in place of textures", withHardwareTiles(gpu)],
    [
      "parts of what a binding holds, from buffers",
      withSmallBindings(withHardwareTiles(gpu), 6000),
    ],
  ] as const
) {
  Deno.test(`tokens in ${name} have the same results`, async () => {
    const [expected, actual] = [await results(gpu), await results(other)];
    for (const i of [0, 1]) assert.deepEqual(actual[i], expected[i]);
    assert(expected[0].some((value) => value === 1) && expected[1].some((value) => value === 1));
    for (const [i, values] of expected.entries()) {
      const scale = Math.max(...Array.from(values, Math.abs));
      for (const [j, value] of values.entries()) {
        assert(
          Math.abs(actual[i]![j]! - value) <= 1e-5 * scale,
          `${i}: ${actual[i]![j]}, ${value}`,
        );
      }
    }
    assert.equal(other.liveBytes, 0);
  });
}

Deno.test("responses and groups larger than a binding are split", async () => {
  const small = withSmallBindings(gpu, 2048);
  await passing((tally) => sequenceCovarianceCheck.run(small, tally));
  assert.equal(small.liveBytes, 0);
});

for (
  const [name, own] of [["one part", gpu], ["many parts", withSmallBindings(gpu, 6000)]] as const
) {
  Deno.test(`a sample that misleads does not change what is selected, in ${name}`, async () => {
    const size = 20_000;
    // Every ninth vector of four tokens is looked at to tell how large the largest are, and only those are large.
    const covariance = Float32Array.from(
      { length: size },
      (_, i) => (i >> 2) % 9 === 0 ? i : i / size,
    );
    const mask = new Uint32Array(size).fill(1);
    using covarianceTensor = own.tensor(covariance);
    using maskTensor = own.tensor(mask);
    using selection = emptySelection(own, size);
    const recorder = own.record();
    selectTop(recorder, {
      covariance: covarianceTensor,
      mask: maskTensor,
      share: 0,
      atLeast: 3000,
      out: selection,
    });
    const [selected] = await recorder.read(selection.selected);
    assert.deepEqual(selected, topReference(covariance, mask, 3000));
  });
}

Deno.test("a part of a tensor that begins where no binding does is refused, never read from too early", () => {
  const shape = [8, 16];
  const logProb = gpu.zeros([160]).part(1, shape);
  const [advantages, mask] = [gpu.zeros(shape), gpu.tensor(new Uint32Array(128).fill(1), shape)];
  const batch = { logProb, advantages, mask };
  const refused = /^a part \[8,16\] of a tensor is read from byte 4, where no binding begins\.$/;
  const recorder = gpu.record();
  const covariance = emptyTokenCovariance(gpu, 128);
  const loss = emptyPolicyLoss(gpu, 8, 16);
  const records = [
    () => tokenCovariance(recorder, { ...batch, out: covariance }),
    () => sequenceCovariance(recorder, { ...batch, group: 4, out: gpu.empty([2, 2]) }),
    () =>
      policyLoss(recorder, {
        ...batch,
        oldLogProb: advantages,
        settings: { ...KL_COV, intervention: "none" },
        out: loss,
      }),
  ];
  for (const record of records) {
    assert.throws(record, (error) => error instanceof ShapeError && refused.test(error.message));
  }
  recorder.submit();
});
