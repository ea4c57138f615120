/** What the wrappers promise besides numbers: refusals, bounded memory, rows split, the same bits again. */
import assert from "node:assert/strict";
import {
  adamw,
  emptyPolicyLoss,
  emptySelection,
  emptyTokenCovariance,
  emptyTokenStatistics,
  fusedTokenStatistics,
  fusedTokenStatisticsBackward,
  gradientNorm,
  groupMeans,
  matmul,
  PLAIN_PPO,
  policyLoss,
  type PolicyLossSettings,
  readMetrics,
  requestGpu,
  restrictTokens,
  selectSample,
  selectTop,
  sequenceCovariance,
  ShapeError,
  tokenCovariance,
  tokenStatistics,
  tokenStatisticsBackward,
  tokenStatisticsReference,
  uniforms,
  VERL_RESTRICTION,
} from "../../kernels/mod.ts";
import { checkTokenStatistics } from "../../kernels/mod.ts";
import { adamwCheck, gradientNormCheck } from "../../kernels/conformance/optimizer.ts";
import { passing, withSmallBindings } from "./transformer/support.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

Deno.test("every wrapper refuses what does not fit, and says what was expected", () => {
  using floats = gpu.empty([2, 3]);
  using others = gpu.empty([3, 2]);
  using words = gpu.empty([2, 3], "u32");
  using two = gpu.empty([2]);
  using twoWords = gpu.empty([2], "u32");
  using statistics = emptyTokenStatistics(gpu, 2);
  using selection = emptySelection(gpu, 6);
  using covariance = emptyTokenCovariance(gpu, 6);
  using loss = emptyPolicyLoss(gpu, 2, 3);
  const recorder = gpu.record();
  const refused = (body: () => void, message: RegExp) =>
    assert.throws(body, (error) => {
      assert(error instanceof ShapeError, String(error));
      assert.match(error.message, message);
      return true;
    });
  refused(
    () => tokenStatistics(recorder, words, twoWords, statistics),
    /logits is u32, expected f32 or f16 or bf16/,
  );
  refused(
    () => tokenStatistics(recorder, floats, two, statistics),
    /targets is f32, expected u32/,
  );
  refused(
    () => tokenStatistics(recorder, floats, twoWords, statistics, { temperature: 0 }),
    /temperature is 0/,
  );
  refused(
    () => tokenStatistics(recorder, floats, twoWords, statistics, { temperature: 1e-40 }),
    /temperature is 1e-40, expected a positive number from 1e-32 up/,
  );
  refused(
    () => tokenStatistics(recorder, others, twoWords, statistics),
    /targets has shape \[2\], expected \[3\]/,
  );
  const backward = { logits: floats, targets: twoWords, statistics, gradLogits: floats };
  refused(() => tokenStatisticsBackward(recorder, backward), /neither gradLogProb nor gradEntropy/);
  refused(
    () =>
      fusedTokenStatistics(recorder, {
        hidden: floats,
        weight: floats,
        targets: twoWords,
        statistics,
        tile: 0,
      }),
    /tile is 0/,
  );
  refused(
    () => matmul(recorder, { a: floats, b: floats, out: floats }),
    /a \[2, 3\] times b \[2, 3\] does not give out \[2, 3\]/,
  );
  const tokens = { logProb: floats, advantages: floats, mask: words };
  refused(
    () => tokenCovariance(recorder, { ...tokens, advantages: others }, covariance),
    /advantages has shape \[3,2\], expected \[2, 3\]/,
  );
  refused(
    () => sequenceCovariance(recorder, { ...tokens, group: 0, out: others }),
    /group is 0/,
  );
  refused(
    () => groupMeans(recorder, { covariance: floats, mask: words }, two, [0.5, 2]),
    /ratio is 2/,
  );
  refused(
    () => selectTop(recorder, { covariance: floats, mask: twoWords }, { ratio: 0.5 }, selection),
    /covariance has 6 elements and mask 2/,
  );
  refused(
    () => selectTop(recorder, { covariance: floats, mask: words }, { ratio: -1 }, selection),
    /ratio is -1/,
  );
  refused(
    () =>
      selectSample(recorder, { covariance: floats, mask: words }, { ratio: 0.5 }, {
        low: 5,
        high: 1,
        seed: 0,
      }, selection),
    /interval is \(5, 1\)/,
  );
  refused(
    () =>
      selectSample(recorder, { covariance: floats, mask: words }, { ratio: 0.5 }, {
        low: 1,
        high: 5,
        seed: 0.5,
      }, selection),
    /seed is 0.5/,
  );
  const batch = { ...tokens, oldLogProb: floats };
  refused(
    () => policyLoss(recorder, batch, { ...PLAIN_PPO, intervention: "kl-cov-verl" }, loss),
    /kl-cov-verl needs the selected tokens/,
  );
  refused(
    () => policyLoss(recorder, batch, { ...PLAIN_PPO, entropyCoefficient: 0.1 }, loss),
    /entropy bonus of 0.1 needs the entropies/,
  );
  refused(
    () => policyLoss(recorder, batch, { ...PLAIN_PPO, referenceCoefficient: 0.1 }, loss),
    /reference KL of weight 0.1 needs referenceLogProb/,
  );
  for (
    const [setting, message] of [
      [{ clipLow: NaN }, /clipLow is NaN, expected a positive number or Infinity/],
      [{ klCoefficient: 1e39 }, /klCoefficient is 1e\+39, expected a finite number/],
      [{ dualClip: NaN }, /dualClip is NaN, expected a positive number or Infinity/],
      [{ aggregation: "mean" }, /aggregation is mean, expected one of token-mean, seq-mean/],
      [{ intervention: "toString" }, /intervention is toString, expected one of none, clip-cov/],
      [{ referenceKl: "k4" }, /referenceKl is k4, expected one of k1, abs, k2, k3/],
    ] as const
  ) {
    const wrong = { ...PLAIN_PPO, ...setting } as PolicyLossSettings;
    refused(() => policyLoss(recorder, batch, wrong, loss), message);
  }
  refused(
    () =>
      selectTop(
        recorder,
        { covariance: floats, mask: words },
        { ratio: 0, atLeast: -1 },
        selection,
      ),
    /atLeast is -1, expected a whole number from 0 to 2\^32 − 1/,
  );
  refused(
    () => gradientNorm(recorder, { gradients: [floats], maxNorm: 0, out: two }),
    /maxNorm is 0/,
  );
  const settings = { learningRate: 1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 };
  const update = {
    parameter: floats,
    gradient: floats,
    firstMoment: floats,
    secondMoment: floats,
    norm: two,
    settings,
    step: 1,
  };
  refused(
    () => adamw(recorder, { ...update, secondMoment: others }),
    /secondMoment has shape \[3,2\], expected \[2, 3\]/,
  );
  refused(() => adamw(recorder, { ...update, step: 0 }), /step is 0/);
  refused(
    () => adamw(recorder, { ...update, settings: { ...settings, learningRate: NaN } }),
    /learningRate is NaN/,
  );
  refused(() => uniforms(recorder, floats, -1), /seed is -1/);
  refused(() => uniforms(recorder, floats, 1, 2 ** 32), /stream is 4294967296/);
  recorder.submit();
});

Deno.test("an optimizer's tensors larger than a binding are split", async () => {
  const small = withSmallBindings(gpu, 6000);
  for (const check of [gradientNormCheck, adamwCheck]) {
    await passing((tally) => check.run(small, tally));
  }
  assert.equal(small.liveBytes, 0);
});

Deno.test("logits larger than a binding are split over rows", async () => {
  const columns = 151_936;
  const limit = gpu.device.limits.maxStorageBufferBindingSize;
  const rows = Math.ceil(limit / (4 * columns)) + 3;
  if (rows * columns * 4 > 2 ** 30) return; // A real GPU binds more than a test should fill.
  // Multiplying by an odd number mixes the bits well enough for numbers from 0 to 1.
  const values = new Float32Array(rows * columns);
  for (let i = 0; i < values.length; i++) values[i] = (Math.imul(i, 0x9e3779b1) >>> 0) / 2 ** 32;
  using logits = gpu.tensor(values, [rows, columns]);
  using targets = gpu.tensor(Uint32Array.from({ length: rows }, (_, row) => row));
  using statistics = emptyTokenStatistics(gpu, rows);
  using gradient = gpu.tensor(new Float32Array(rows).fill(1));
  const recorder = gpu.record();
  tokenStatistics(recorder, logits, targets, statistics);
  tokenStatisticsBackward(recorder, {
    logits,
    targets,
    statistics,
    gradLogProb: gradient,
    gradLogits: logits,
  });
  using change = gpu.empty([columns]);
  recorder.copy(logits, change, { from: (rows - 1) * columns, count: columns });
  const [logProb, entropy, lastGradient] = await recorder.read(
    statistics.logProb,
    statistics.entropy,
    change,
  );
  const input = {
    logits: values.subarray((rows - 1) * columns),
    targets: [rows - 1],
    columns,
    temperature: 1,
  };
  const expected = tokenStatisticsReference(input);
  assert(Math.abs(logProb![rows - 1]! - expected.logProb[0]!) < 5e-6);
  assert(Math.abs(entropy![rows - 1]! - expected.entropy[0]!) < 2e-5);
  assert(entropy!.every((value) => Math.abs(value - entropy![0]!) < 0.01));
  const p = Math.exp(expected.logProb[0]!);
  assert(Math.abs(lastGradient![rows - 1]! - (1 - p)) < 1e-6);
  assert(Math.abs(Array.from(lastGradient!).reduce((sum, value) => sum + value, 0)) < 1e-4);
});

Deno.test("the fused projection holds a tile of the logits, never all of them", async () => {
  const [rows, width, columns, tile] = [64, 16, 32_768, 1024];
  // Memory of one's own, so that no buffer comes from the pool.
  using gpu = await requestGpu();
  let largest = 0;
  const createBuffer = gpu.device.createBuffer.bind(gpu.device);
  gpu.device.createBuffer = (descriptor) => {
    largest = Math.max(largest, descriptor.size);
    return createBuffer(descriptor);
  };
  using hidden = gpu.empty([rows, width]);
  using weight = gpu.empty([columns, width]);
  using targets = gpu.zeros([rows], "u32");
  using statistics = emptyTokenStatistics(gpu, rows);
  using gradLogProb = gpu.tensor(new Float32Array(rows).fill(1));
  using gradHidden = gpu.empty([rows, width]);
  using gradWeight = gpu.empty([columns, width]);
  const recorder = gpu.record();
  uniforms(recorder, hidden, 1);
  uniforms(recorder, weight, 2);
  const options = { hidden, weight, targets, statistics, tile };
  fusedTokenStatistics(recorder, options);
  fusedTokenStatisticsBackward(recorder, { ...options, gradLogProb, gradHidden, gradWeight });
  await recorder.read();
  await checkTokenStatistics(gpu, statistics);
  assert(largest >= 4 * columns * width, `the largest buffer has ${largest} bytes`);
  assert(largest < 4 * rows * columns / 2, `the largest buffer has ${largest} bytes`);
});

Deno.test("the same call gives the same bits", async () => {
  const [rows, columns] = [33, 257];
  using logProb = gpu.empty([rows, columns]);
  using advantages = gpu.empty([rows, columns]);
  using mask = gpu.tensor(new Uint32Array(rows * columns).fill(1), [rows, columns]);
  const setUp = gpu.record();
  uniforms(setUp, logProb, 1);
  uniforms(setUp, advantages, 2);
  setUp.submit();
  const settings = { ...PLAIN_PPO, intervention: "clip-cov-verl" } as const;
  const restriction = { ...VERL_RESTRICTION, ratio: 0.1, low: 0.01 };
  const results = [];
  for (let run = 0; run < 2; run++) {
    using covariance = emptyTokenCovariance(gpu, rows * columns);
    using selection = emptySelection(gpu, rows * columns);
    using loss = emptyPolicyLoss(gpu, rows, columns);
    const input = { logProb, oldLogProb: advantages, advantages, mask };
    const recorder = gpu.record();
    restrictTokens(recorder, input, settings, restriction, covariance, selection);
    policyLoss(recorder, { ...input, selected: selection.selected }, settings, loss);
    results.push(await recorder.read(loss.metrics, loss.gradLogProb, covariance.mean));
  }
  assert.deepEqual(results[0], results[1]);
  assert(results[0]![0]![6]! > 0, "no token was touched");
});

Deno.test("a token that is NaN leaves nothing to restrict, and the loss tells", async () => {
  for (const spoilt of ["logProb", "advantages"] as const) {
    const values = { logProb: [-1, -2, -0.5, -3, -1, -1], advantages: [1, -1, 2, 1, -1, 1] };
    values[spoilt][1] = NaN;
    using logProb = gpu.tensor(values.logProb, [2, 3]);
    using oldLogProb = gpu.tensor([-1, -2, -0.5, -3, -1, -1], [2, 3]);
    using advantages = gpu.tensor(values.advantages, [2, 3]);
    using mask = gpu.tensor(Uint32Array.of(1, 1, 1, 1, 0, 0), [2, 3]);
    for (const intervention of ["kl-cov-verl", "kl-cov-paper", "clip-cov-verl"] as const) {
      using covariance = emptyTokenCovariance(gpu, 6);
      using selection = emptySelection(gpu, 6);
      using loss = emptyPolicyLoss(gpu, 2, 3);
      const settings = { ...PLAIN_PPO, intervention };
      const input = { logProb, oldLogProb, advantages, mask };
      const restriction = { ...VERL_RESTRICTION, ratio: 0.5 };
      const recorder = gpu.record();
      restrictTokens(recorder, input, settings, restriction, covariance, selection);
      policyLoss(recorder, { ...input, selected: selection.selected }, settings, loss);
      const [selected, counts, metrics] = await recorder.read(
        selection.selected,
        selection.counts,
        loss.metrics,
      );
      const { loss: value, touched, tokens } = readMetrics(metrics!);
      assert.deepEqual(Array.from(selected!), [0, 0, 0, 0, 0, 0]);
      // None selected, no candidates among four response tokens.
      assert.deepEqual(Array.from(counts!.subarray(0, 3)), [0, 0, 4]);
      assert.deepEqual([value, touched, tokens], [NaN, 0, 4]);
    }
  }
});

Deno.test("invalid rows are reported by index, with the reason", async () => {
  using logits = gpu.tensor([0, 1, NaN, 1, 0, 0], [3, 2]);
  using targets = gpu.tensor(Uint32Array.of(0, 0, 5));
  using statistics = emptyTokenStatistics(gpu, 3);
  const recorder = gpu.record();
  tokenStatistics(recorder, logits, targets, statistics);
  recorder.submit();
  await assert.rejects(
    checkTokenStatistics(gpu, statistics),
    /^GpuError: row 1 of the logits holds NaN or infinity; 2 rows are invalid in all\.$/,
  );
});
