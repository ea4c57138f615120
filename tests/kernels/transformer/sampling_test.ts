/** Drawing tokens. */
import assert from "node:assert/strict";
import { RandomData } from "../../../kernels/conformance/random_data.ts";
import { type Gpu, requestGpu } from "../../../kernels/runtime/gpu.ts";
import {
  checkTokenStatistics,
  emptyTokenStatistics,
  readInvalidRows,
} from "../../../kernels/softmax/token_statistics.ts";
import { tokenStatisticsReference } from "../../../kernels/softmax/token_statistics_reference.ts";
import { sampleTokens } from "../../../kernels/transformer/sampling.ts";
import {
  sampleScoresReference,
  type SampleTokensInput,
  sampleTokensReference,
} from "../../../kernels/transformer/sampling_reference.ts";
import { assertRefused, withHardwareTiles, withSmallBindings } from "./support.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

const random = new RandomData(7);
const NO_TOKEN = 0xffffffff;

async function run(gpu: Gpu, input: SampleTokensInput, ended = new Uint32Array(0)) {
  const { logits: values, columns, temperature, seed, stream, position } = input;
  const rows = values.length / columns;
  const flags = new Uint32Array(rows);
  flags.set(ended);
  using logits = gpu.tensor(Float32Array.from(values), [rows, columns]);
  using done = gpu.tensor(flags);
  using tokens = gpu.empty([rows], "u32");
  const recorder = gpu.record();
  const draw = { temperature, seed, stream, position };
  const ends = { endToken: NO_TOKEN, padToken: 9 };
  sampleTokens(recorder, { logits, ...draw, done, ...ends, out: { tokens } });
  const [drawn] = await recorder.read(tokens);
  return drawn;
}

/** The tokens are the reference's, or score as much as those up to rounding. */
function assertDrawn(drawn: ArrayLike<number>, input: SampleTokensInput): void {
  const scores = sampleScoresReference(input);
  for (const [row, token] of sampleTokensReference(input).entries()) {
    const [own, best] = [drawn[row]!, token].map((token) => scores[row * input.columns + token]!);
    const slack = 1e-5 * (1 + Math.abs(best!));
    assert(own! >= best! - slack, `row ${row} drew ${drawn[row]}, expected ${token}`);
  }
}

Deno.test("the tokens are those of the reference, for any number of columns", async () => {
  for (const [rows, columns] of [[300, 1], [300, 3], [200, 31], [100, 257], [3, 5003]] as const) {
    for (const temperature of [0, 0.3, 1]) {
      const logits = random.normal(rows * columns, 2);
      const input = { logits, columns, temperature, seed: 2 ** 40 + 7, stream: 3, position: 12 };
      assertDrawn(await run(gpu, input), input);
    }
  }
});

Deno.test("tokens are drawn as often as their probabilities say", async () => {
  const [rows, columns] = [40_000, 7];
  const row = [1, 0, -1, -2, -Infinity, -6, 2];
  const logits = Float32Array.from({ length: rows * columns }, (_, i) => row[i % columns]!);
  const temperature = 0.8;
  const input = { logits, columns, temperature, seed: 1, stream: 0, position: 0 };
  const drawn = await run(gpu, input);
  const p = row.map((logit) => Math.exp(logit / temperature));
  const total = p.reduce((sum, value) => sum + value);
  for (const [token, weight] of p.entries()) {
    const expected = weight / total;
    const share = drawn.filter((other) => other === token).length / rows;
    // Five standard deviations.
    const slack = 5 * Math.sqrt(expected * (1 - expected) / rows);
    assert(Math.abs(share - expected) <= slack, `token ${token}: ${share}, not ${expected}`);
  }
});

Deno.test("seed, stream, position and row each change the draw", async () => {
  const logits = new Float32Array(500 * 16);
  const base = { logits, columns: 16, temperature: 1, seed: 1, stream: 1, position: 1 };
  const drawn = await run(gpu, base);
  assert.deepEqual(await run(gpu, base), drawn);
  for (const change of [{ seed: 2 }, { seed: 1 + 2 ** 32 }, { stream: 2 }, { position: 2 }]) {
    const other = await run(gpu, { ...base, ...change });
    const same = other.filter((token, row) => token === drawn[row]).length;
    // A sixteenth of 500 is 31.
    assert(same < 70, `${same} rows drew the same after ${JSON.stringify(change)}`);
  }
  assert(new Set(drawn).size === 16);
});

Deno.test("greedy takes the first of equals, and no masked token", async () => {
  const logits = [-Infinity, 2, 2, 1, 5, -1, 5, 5, -3, -3, -Infinity, -3];
  const input = { logits, columns: 4, temperature: 0, seed: 0, stream: 0, position: 0 };
  assert.deepEqual(await run(gpu, input), Uint32Array.of(1, 0, 0));
});

Deno.test("ended rows get padding, and the end token ends a row", async () => {
  using logits = gpu.tensor([0, 9, 0, 9, 0, 0, 0, 9, 0], [3, 3]);
  using done = gpu.tensor(Uint32Array.of(0, 0, 5));
  using tokens = gpu.empty([3], "u32");
  using statistics = emptyTokenStatistics(gpu, 3);
  const recorder = gpu.record();
  const draw = { temperature: 0, seed: 0, stream: 0, position: 0, endToken: 1, padToken: 2 };
  sampleTokens(recorder, { logits, ...draw, done, out: { tokens, statistics } });
  const [drawn, ended, logProb] = await recorder.read(tokens, done, statistics.logProb);
  assert.deepEqual(drawn, Uint32Array.of(1, 0, 2));
  assert.deepEqual(ended, Uint32Array.of(1, 0, 5));
  const expected = -Math.log1p(2 * Math.exp(-9));
  assert(Math.abs(logProb[0]! - expected) < 1e-7 && Math.abs(logProb[1]! - expected) < 1e-7);
});

Deno.test("rows that nothing can be drawn from are told, and spoil no other", async () => {
  const [none, huge] = [-Infinity, Infinity];
  const values = [0, 9, 0, NaN, 1, 2, none, none, none, 1, huge, 2, NaN, NaN, NaN, 0, 0, 9];
  for (const temperature of [0, 1]) {
    using logits = gpu.tensor(values, [6, 3]);
    using done = gpu.zeros([6], "u32");
    using tokens = gpu.empty([6], "u32");
    using statistics = emptyTokenStatistics(gpu, 6);
    const recorder = gpu.record();
    const draw = { temperature, seed: 3, stream: 0, position: 0, endToken: NO_TOKEN, padToken: 0 };
    sampleTokens(recorder, { logits, ...draw, done, out: { tokens, statistics } });
    const [drawn, invalid] = await recorder.read(tokens, statistics.invalid);
    const { count, first, codes } = readInvalidRows(invalid);
    assert.deepEqual([count, first], [4, 1]);
    assert.deepEqual(codes.map((code) => code !== 0), [false, true, true, true, true, false]);
    assert(drawn.every((token) => token < 3), `drew ${drawn}`);
    assert.deepEqual([drawn[0], drawn[5]], [1, 2]);
    await assert.rejects(
      checkTokenStatistics(gpu, statistics),
      /^GpuError: row 1 of the logits holds NaN or infinity; 4 rows are invalid in all\.$/,
    );
  }
});

Deno.test("log-probabilities and entropies are those at the temperature", async () => {
  const values = random.normal(20 * 11, 2);
  using logits = gpu.tensor(values, [20, 11]);
  using done = gpu.zeros([20], "u32");
  using tokens = gpu.empty([20], "u32");
  using statistics = emptyTokenStatistics(gpu, 20);
  const recorder = gpu.record();
  const draw = { temperature: 0.5, seed: 4, stream: 0, position: 0, endToken: 0, padToken: 0 };
  sampleTokens(recorder, { logits, ...draw, done, out: { tokens, statistics } });
  const [drawn, logProb, entropy] = await recorder.read(
    tokens,
    statistics.logProb,
    statistics.entropy,
  );
  const expected = tokenStatisticsReference({
    logits: values,
    targets: drawn,
    columns: 11,
    temperature: 0.5,
  });
  for (let row = 0; row < 20; row++) {
    assert(Math.abs(logProb[row]! - expected.logProb[row]!) < 1e-5);
    assert(Math.abs(entropy[row]! - expected.entropy[row]!) < 1e-5);
  }
});

Deno.test("the tile sizes of hardware do as well", async () => {
  const hardware = withHardwareTiles(gpu);
  const logits = random.normal(20 * 500);
  const input = { logits, columns: 500, temperature: 1, seed: 1, stream: 2, position: 3 };
  assertDrawn(await run(hardware, input), input);
  assert.equal(hardware.liveBytes, 0);
});

Deno.test("rows beyond a binding are split", async () => {
  const logits = random.normal(300 * 9);
  const input = { logits, columns: 9, temperature: 1, seed: 1, stream: 2, position: 3 };
  const small = withSmallBindings(gpu, 4000);
  assert.deepEqual(await run(small, input), await run(gpu, input));
  assert.equal(small.liveBytes, 0);
});

Deno.test("wrong shapes, temperatures and seeds are refused", () => {
  using logits = gpu.empty([2, 3]);
  using nothing = gpu.empty([2, 0]);
  using two = gpu.empty([2], "u32");
  const recorder = gpu.record();
  const options = {
    logits,
    temperature: 1,
    seed: 0,
    stream: 0,
    position: 0,
    done: two,
    endToken: 0,
    padToken: 0,
    out: { tokens: two },
  };
  assertRefused(
    () => sampleTokens(recorder, { ...options, out: { tokens: logits } }),
    /out.tokens is f32/,
  );
  assertRefused(
    () => sampleTokens(recorder, { ...options, logits: nothing }),
    /logits has no columns/,
  );
  assertRefused(() => sampleTokens(recorder, { ...options, temperature: -1 }), /temperature is -1/);
  assertRefused(
    () => sampleTokens(recorder, { ...options, temperature: NaN }),
    /temperature is NaN/,
  );
  assertRefused(() => sampleTokens(recorder, { ...options, seed: 0.5 }), /seed is 0.5/);
  recorder.submit();
});
