/** What the wrappers promise besides numbers: refusals, bounded memory, rows split, the same bits again. */
import assert from "node:assert/strict";
import { RandomData } from "../../kernels/conformance/random_data.ts";
import {
  adamw,
  checkTokenStatistics,
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
  readSelectionCounts,
  requestGpu,
  selectSample,
  selectTokens,
  selectTop,
  sequenceCovariance,
  ShapeError,
  tokenCovariance,
  tokenStatistics,
  tokenStatisticsBackward,
  tokenStatisticsReference,
  uniforms,
  VERL_SELECTION,
} from "../../kernels/mod.ts";
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
  const logits = { logits: floats, targets: twoWords, out: statistics };
  refused(
    () => tokenStatistics(recorder, { logits: words, targets: twoWords, out: statistics }),
    /logits is u32, expected f32 or f16 or bf16/,
  );
  refused(
    () => tokenStatistics(recorder, { logits: floats, targets: two, out: statistics }),
    /targets is f32, expected u32/,
  );
  refused(
    () => tokenStatistics(recorder, { ...logits, temperature: 0 }),
    /temperature is 0/,
  );
  refused(
    () => tokenStatistics(recorder, { ...logits, temperature: 1e-40 }),
    /temperature is 1e-40, expected a positive number from 1e-32 up/,
  );
  refused(
    () => tokenStatistics(recorder, { ...logits, logits: others }),
    /targets has shape \[2\], expected \[3\]/,
  );
  for (const name of ["entropy", "logZ", "states"] as const) {
    const out = { ...statistics, [name]: words };
    refused(() => tokenStatistics(recorder, { ...logits, out }), new RegExp(`out.${name} is u32`));
  }
  refused(
    () => tokenStatistics(recorder, { ...logits, out: { ...statistics, invalid: twoWords } }),
    /out.invalid has shape \[2\], expected \[4\]/,
  );
  const backward = { ...logits, statistics, out: floats };
  refused(() => tokenStatisticsBackward(recorder, backward), /neither gradLogProb nor gradEntropy/);
  refused(
    () =>
      fusedTokenStatistics(recorder, {
        hidden: floats,
        weight: floats,
        targets: twoWords,
        tile: 0,
        out: statistics,
      }),
    /tile is 0/,
  );
  refused(
    () => matmul(recorder, { a: floats, b: floats, out: floats }),
    /a \[2, 3\] times b \[2, 3\] does not give out \[2, 3\]/,
  );
  const tokens = { logProb: floats, advantages: floats, mask: words };
  refused(
    () => tokenCovariance(recorder, { ...tokens, advantages: two, out: covariance }),
    /advantages has 2 elements, expected 6/,
  );
  refused(
    () => tokenCovariance(recorder, { ...tokens, mask: floats, out: covariance }),
    /mask is f32, expected u32/,
  );
  for (const name of ["count", "means", "mean"] as const) {
    const out = { ...covariance, [name]: others };
    refused(() => tokenCovariance(recorder, { ...tokens, out }), new RegExp(`out.${name} `));
  }
  refused(
    () => sequenceCovariance(recorder, { ...tokens, group: 0, out: others }),
    /group is 0/,
  );
  const candidates = { covariance: floats, mask: words };
  refused(
    () => groupMeans(recorder, { ...candidates, shares: [0.5, 2], out: two }),
    /share is 2/,
  );
  refused(
    () => selectTop(recorder, { ...candidates, mask: twoWords, share: 0.5, out: selection }),
    /mask has 2 elements, expected 6/,
  );
  refused(
    () => selectTop(recorder, { ...candidates, share: -1, out: selection }),
    /share is -1/,
  );
  const sample = {
    ...candidates,
    share: 0.5,
    covarianceLow: 1,
    covarianceHigh: 5,
    seed: 0,
    out: selection,
  };
  refused(
    () => selectSample(recorder, { ...sample, covarianceLow: 5, covarianceHigh: 1 }),
    /interval is \(5, 1\)/,
  );
  refused(() => selectSample(recorder, { ...sample, seed: 0.5 }), /seed is 0.5/);
  const unclipped = {
    logProb: floats,
    oldLogProb: two,
    advantages: floats,
    clipLow: 0.2,
    clipHigh: 0.2,
  };
  refused(
    () => selectSample(recorder, { ...sample, unclipped }),
    /oldLogProb has 2 elements, expected 6/,
  );
  const batch = { ...tokens, oldLogProb: floats };
  const withSettings = (settings: Partial<PolicyLossSettings>) =>
    policyLoss(recorder, { ...batch, settings: { ...PLAIN_PPO, ...settings }, out: loss });
  refused(
    () => withSettings({ intervention: "kl-cov" }),
    /intervention kl-cov needs the selected tokens/,
  );
  refused(
    () => withSettings({ entropyCoefficient: 0.1 }),
    /entropy bonus of 0.1 needs the entropies/,
  );
  refused(
    () => withSettings({ referenceCoefficient: 0.1 }),
    /reference KL of weight 0.1 needs referenceLogProb/,
  );
  for (
    const [setting, message] of [
      [{ clipLow: NaN }, /clipLow is NaN, expected a positive number or Infinity/],
      [{ klCoefficient: 1e39 }, /klCoefficient is 1e\+39, expected a finite number/],
      [{ dualClip: NaN }, /dualClip is NaN, expected a positive number or Infinity/],
      [{ aggregation: "mean" }, /aggregation is mean, expected one of token-mean, seq-mean/],
      [
        { intervention: "toString" },
        /intervention is toString, expected one of none, clip-cov, kl-/,
      ],
      [{ definition: "mine" }, /definition is mine, expected one of verl, paper/],
      [{ referenceKl: "k4" }, /referenceKl is k4, expected one of k1, abs, k2, k3/],
    ] as const
  ) {
    refused(() => withSettings(setting as Partial<PolicyLossSettings>), message);
  }
  refused(
    () => selectTop(recorder, { ...candidates, share: 0, atLeast: -1, out: selection }),
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
  refused(() => uniforms(recorder, { seed: -1, out: floats }), /seed is -1/);
  refused(
    () => uniforms(recorder, { seed: 1, stream: 2 ** 32, out: floats }),
    /stream is 4294967296/,
  );
  recorder.submit();
});

Deno.test("an optimizer's tensors larger than a binding are split", async () => {
  const small = withSmallBindings(gpu, 6000);
  for (const check of [gradientNormCheck, adamwCheck]) {
    await passing((tally) => check.run(small, tally));
  }
  assert.equal(small.liveBytes, 0);
});

Deno.test("matrices of which fewer than four rows fit a binding are split, too", async () => {
  const [m, k, n] = [5, 511, 7];
  const random = new RandomData(3);
  const [a, b] = [random.normal(m * k), random.normal(n * k)];
  for (const [transposeA, transposeB] of [[false, true], [true, true]] as const) {
    const products = await Promise.all([gpu, withSmallBindings(gpu, 6000)].map(async (gpu) => {
      using left = gpu.tensor(a, transposeA ? [k, m] : [m, k]);
      using right = gpu.tensor(b, [n, k]);
      using out = gpu.empty([m, n]);
      const recorder = gpu.record();
      matmul(recorder, { a: left, b: right, transposeA, transposeB, out });
      const [values] = await recorder.read(out);
      return values;
    }));
    for (const [i, value] of products[1]!.entries()) {
      assert(Math.abs(value - products[0]![i]!) < 1e-4, `${value}, expected ${products[0]![i]}`);
    }
  }
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
  tokenStatistics(recorder, { logits, targets, out: statistics });
  tokenStatisticsBackward(recorder, {
    logits,
    targets,
    statistics,
    gradLogProb: gradient,
    out: logits,
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
  assert(Math.abs(logProb[rows - 1]! - expected.logProb[0]!) < 5e-6);
  assert(Math.abs(entropy[rows - 1]! - expected.entropy[0]!) < 2e-5);
  assert(entropy.every((value) => Math.abs(value - entropy[0]!) < 0.01));
  const p = Math.exp(expected.logProb[0]!);
  assert(Math.abs(lastGradient[rows - 1]! - (1 - p)) < 1e-6);
  assert(Math.abs(Array.from(lastGradient).reduce((sum, value) => sum + value, 0)) < 1e-4);
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
  uniforms(recorder, { seed: 1, out: hidden });
  uniforms(recorder, { seed: 2, out: weight });
  const projection = { hidden, weight, targets, tile };
  fusedTokenStatistics(recorder, { ...projection, out: statistics });
  fusedTokenStatisticsBackward(recorder, {
    ...projection,
    statistics,
    gradLogProb,
    out: { gradHidden, gradWeight },
  });
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
  uniforms(setUp, { seed: 1, out: logProb });
  uniforms(setUp, { seed: 2, out: advantages });
  setUp.submit();
  const settings = { ...PLAIN_PPO, intervention: "clip-cov" } as const;
  const selecting = { ...VERL_SELECTION, clipCovRatio: 0.1, covarianceLow: 0.01 };
  const results = [];
  for (let run = 0; run < 2; run++) {
    using covariance = emptyTokenCovariance(gpu, rows * columns);
    using selection = emptySelection(gpu, rows * columns);
    using loss = emptyPolicyLoss(gpu, rows, columns);
    const input = { logProb, oldLogProb: advantages, advantages, mask };
    const recorder = gpu.record();
    selectTokens(recorder, { ...input, ...selecting, settings, out: { covariance, selection } });
    policyLoss(recorder, { ...input, selected: selection.selected, settings, out: loss });
    results.push(await recorder.read(loss.metrics, loss.gradLogProb, covariance.mean));
  }
  assert.deepEqual(results[0], results[1]);
  assert(readMetrics(results[0]![0]).selected > 0, "no token was selected");
});

Deno.test("a token that is NaN leaves nothing to select, and the loss tells", async () => {
  for (const spoilt of ["logProb", "advantages"] as const) {
    const values = { logProb: [-1, -2, -0.5, -3, -1, -1], advantages: [1, -1, 2, 1, -1, 1] };
    values[spoilt][1] = NaN;
    using logProb = gpu.tensor(values.logProb, [2, 3]);
    using oldLogProb = gpu.tensor([-1, -2, -0.5, -3, -1, -1], [2, 3]);
    using advantages = gpu.tensor(values.advantages, [2, 3]);
    using mask = gpu.tensor(Uint32Array.of(1, 1, 1, 1, 0, 0), [2, 3]);
    for (
      const [intervention, definition] of [
        ["kl-cov", "verl"],
        ["kl-cov", "paper"],
        ["clip-cov", "verl"],
      ] as const
    ) {
      using covariance = emptyTokenCovariance(gpu, 6);
      using selection = emptySelection(gpu, 6);
      using loss = emptyPolicyLoss(gpu, 2, 3);
      const settings = { ...PLAIN_PPO, intervention, definition };
      const input = { logProb, oldLogProb, advantages, mask };
      const selecting = { ...VERL_SELECTION, clipCovRatio: 0.5, klCovRatio: 0.5 };
      const recorder = gpu.record();
      selectTokens(recorder, { ...input, ...selecting, settings, out: { covariance, selection } });
      policyLoss(recorder, { ...input, selected: selection.selected, settings, out: loss });
      const [selected, counts, metrics] = await recorder.read(
        selection.selected,
        selection.counts,
        loss.metrics,
      );
      assert.deepEqual(Array.from(selected), [0, 0, 0, 0, 0, 0]);
      assert.deepEqual(readSelectionCounts(counts), { selected: 0, candidates: 0, tokens: 4 });
      const { loss: value, selected: count, tokens } = readMetrics(metrics);
      assert.deepEqual([value, count, tokens], [NaN, 0, 4]);
    }
  }
});

Deno.test("invalid rows are reported by index, with the reason", async () => {
  using logits = gpu.tensor([0, 1, NaN, 1, 0, 0], [3, 2]);
  using targets = gpu.tensor(Uint32Array.of(0, 0, 5));
  using statistics = emptyTokenStatistics(gpu, 3);
  const recorder = gpu.record();
  tokenStatistics(recorder, { logits, targets, out: statistics });
  recorder.submit();
  await assert.rejects(
    checkTokenStatistics(gpu, statistics),
    /^GpuError: row 1 of the logits holds NaN or infinity; 2 rows are invalid in all\.$/,
  );
});
