/** Attention, its gradients, and decoding from a cache. */
import assert from "node:assert/strict";
import { RandomData } from "../../../kernels/conformance/random.ts";
import { type Gpu, requestGpu } from "../../../kernels/runtime/gpu.ts";
import { attention, attentionDecode } from "../../../kernels/transformer/attention.ts";
import { attentionBackward } from "../../../kernels/transformer/attention_backward.ts";
import {
  attentionBackwardReference,
  attentionReference,
  type AttentionReferenceInput,
} from "../../../kernels/transformer/attention_reference.ts";
import { writeCache } from "../../../kernels/transformer/key_value_cache.ts";
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

const random = new RandomData(6);

interface Case extends AttentionReferenceInput {
  q: Float32Array;
  k: Float32Array;
  v: Float32Array;
  spans: Uint32Array;
  g: Float32Array;
}

interface Sizes {
  queryHeads: number;
  keyHeads: number;
  headSize: number;
  window?: number;
}

/** Two tokens more than the sequences have. */
function randomCase(spans: number[], sizes: Sizes, deviation = 1): Case {
  const { queryHeads, keyHeads, headSize } = sizes;
  const tokens = Math.max(...spans) + 2;
  const [queries, keys] = [queryHeads, keyHeads].map((heads) => tokens * heads * headSize) as [
    number,
    number,
  ];
  return {
    ...sizes,
    q: random.normal(queries, deviation),
    k: random.normal(keys, deviation),
    v: random.normal(keys),
    spans: Uint32Array.from(spans),
    g: random.normal(queries),
  };
}

async function run(gpu: Gpu, c: Case) {
  const rows = c.spans.length / 2;
  const tokens = c.q.length / (c.queryHeads * c.headSize);
  const longest = Math.max(
    ...Array.from({ length: rows }, (_, row) => c.spans[2 * row + 1]! - c.spans[2 * row]!),
  );
  const queryShape = [tokens, c.queryHeads, c.headSize];
  const keyShape = [tokens, c.keyHeads, c.headSize];
  using q = gpu.tensor(c.q, queryShape);
  using k = gpu.tensor(c.k, keyShape);
  using v = gpu.tensor(c.v, keyShape);
  using spans = gpu.tensor(c.spans, [rows, 2]);
  // Tokens outside the sequences are not written.
  using out = gpu.zeros(queryShape);
  using logSumExp = gpu.zeros(queryShape.slice(0, 2));
  using gradOut = gpu.tensor(c.g, queryShape);
  using gradQ = gpu.zeros(queryShape);
  using gradK = gpu.zeros(keyShape);
  using gradV = gpu.zeros(keyShape);
  const window = c.window === undefined ? {} : { window: c.window };
  const forward = { q, k, v, spans, longest, ...window, out, logSumExp };
  const recorder = gpu.record();
  attention(recorder, forward);
  attentionBackward(recorder, { ...forward, gradOut, gradQ, gradK, gradV });
  const read = await recorder.read(out, logSumExp, gradQ, gradK, gradV);
  return {
    out: read[0]!,
    logSumExp: read[1]!,
    gradQ: read[2]!,
    gradK: read[3]!,
    gradV: read[4]!,
  };
}

/** Every operation rounded to float32. */
function plain({ q, k, v, g, spans, queryHeads, keyHeads, headSize, window }: Case) {
  const out = new Float32Array(q.length);
  const logSumExp = new Float32Array(q.length / headSize);
  const [gradQ, gradK, gradV] = [q, k, v].map((x) => new Float32Array(x.length)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const dot = (a: Float32Array, i: number, b: Float32Array, j: number) => {
    let sum = 0;
    for (let c = 0; c < headSize; c++) sum = f(sum + f(a[i + c]! * b[j + c]!));
    return sum;
  };
  const scale = f(1 / Math.sqrt(headSize));
  for (const [vector] of logSumExp.entries()) {
    const head = vector % queryHeads;
    const position = Math.floor(vector / queryHeads);
    const span = spans.findIndex((first, i) =>
      i % 2 === 0 && first <= position && position < spans[i + 1]!
    );
    if (span < 0) continue;
    const first = spans[span]!;
    const begin = Math.max(first, position + 1 - (window ?? Infinity));
    const keyHead = Math.floor(head / (queryHeads / keyHeads));
    const keys = Array.from(
      { length: position + 1 - begin },
      (_, i) => ((begin + i) * keyHeads + keyHead) * headSize,
    );
    const at = vector * headSize;
    const scores = keys.map((key) => f(dot(q, at, k, key) * scale));
    const top = Math.max(...scores);
    let total = 0;
    for (const score of scores) total = f(total + f(Math.exp(f(score - top))));
    logSumExp[vector] = f(top + f(Math.log(total)));
    const p = scores.map((score) => f(Math.exp(f(score - logSumExp[vector]!))));
    for (const [i, key] of keys.entries()) {
      for (let c = 0; c < headSize; c++) out[at + c] = f(out[at + c]! + f(p[i]! * v[key + c]!));
    }
    const mean = dot(g, at, out, at);
    for (const [i, key] of keys.entries()) {
      const gradScore = f(f(p[i]! * f(dot(g, at, v, key) - mean)) * scale);
      for (let c = 0; c < headSize; c++) {
        gradQ[at + c] = f(gradQ[at + c]! + f(gradScore * k[key + c]!));
        gradK[key + c] = f(gradK[key + c]! + f(gradScore * q[at + c]!));
        gradV[key + c] = f(gradV[key + c]! + f(p[i]! * g[at + c]!));
      }
    }
  }
  return { out, logSumExp, gradQ, gradK, gradV };
}

async function check(gpu: Gpu, c: Case, label: string): Promise<void> {
  const actual = await run(gpu, c);
  const expected = { ...attentionReference(c), ...attentionBackwardReference(c, c.g) };
  const float32 = plain(c);
  for (const name of ["out", "logSumExp", "gradQ", "gradK", "gradV"] as const) {
    assertAsFloat32(`${name} of ${label}`, actual[name], expected[name], float32[name]);
  }
}

const GROUPED = { queryHeads: 4, keyHeads: 2, headSize: 8 };

Deno.test("attention and its gradients are as exact as float32", async () => {
  const spans = [0, 21, 24, 42, 42, 59, 60, 61, 61, 61];
  await check(gpu, randomCase(spans, GROUPED), "grouped heads");
  await check(gpu, randomCase(spans, { ...GROUPED, window: 4 }), "a window");
  await check(gpu, randomCase(spans, { ...GROUPED, window: 2 }), "a window of two");
});

Deno.test("attention takes any number and size of heads", async () => {
  for (const [queryHeads, keyHeads, headSize] of [[3, 1, 5], [1, 1, 1], [4, 1, 40]] as const) {
    const sizes = { queryHeads, keyHeads, headSize };
    await check(gpu, randomCase([0, 6, 7, 11], sizes), `${queryHeads}/${keyHeads} of ${headSize}`);
  }
});

Deno.test("attention takes long rows and scores far apart", async () => {
  const c = randomCase([0, 300, 300, 550], GROUPED, 4);
  const { logSumExp } = attentionReference(c);
  assert(Math.max(...logSumExp) > 40, "scores are large");
  await check(gpu, c, "300 tokens");
});

Deno.test("the tile sizes of hardware do as well", async () => {
  const hardware = withHardwareTiles(gpu);
  await check(hardware, randomCase([0, 21, 24, 38], GROUPED), "grouped heads");
  const sizes = { queryHeads: 2, keyHeads: 2, headSize: 20, window: 5 };
  await check(hardware, randomCase([1, 9, 9, 17, 3, 3], sizes), "heads in parts");
  assert.equal(hardware.liveBytes, 0);
});

Deno.test("the same sequences give the same bits, wherever they lie", async () => {
  const spans = Array.from({ length: 20 }, (_, i) => 7 * Math.floor(i / 2) + (i % 2 === 0 ? 1 : 7));
  const c = randomCase(spans, GROUPED);
  const once = await run(gpu, c);
  assert.deepEqual(await run(gpu, c), once);
  const last = await run(gpu, { ...c, spans: c.spans.subarray(18) });
  const size = c.queryHeads * c.headSize;
  const [from, to] = [spans[18]! * size, spans[19]! * size];
  assert.deepEqual(last.out.subarray(from, to), once.out.subarray(from, to));
  assert.deepEqual(last.gradQ.subarray(from, to), once.gradQ.subarray(from, to));
});

Deno.test("tokens that no binding holds are refused", () => {
  const small = withSmallBindings(gpu, 1000);
  const c = randomCase([0, 40], GROUPED);
  return assert.rejects(run(small, c), /attention was given a tensor of shape \[42,4,8\]/);
});

Deno.test("the reference's gradients are those of differences", () => {
  const c = randomCase([0, 4, 5, 7], { ...GROUPED, headSize: 3, window: 3 });
  const { gradQ, gradK, gradV } = attentionBackwardReference(c, c.g);
  const loss = (part: object) => inner(attentionReference({ ...c, ...part }).out, c.g);
  assertGradient("gradQ", gradQ, (q) => loss({ q }), c.q);
  assertGradient("gradK", gradK, (k) => loss({ k }), c.k);
  assertGradient("gradV", gradV, (v) => loss({ v }), c.v);
});

Deno.test("decoding from a cache gives what attention to the whole row gives", async () => {
  for (const window of [undefined, 3]) {
    const [rows, positions, prompt] = [5, 9, 6];
    const spans = [0, 6, 2, 6, 0, 3, 1, 4, 0, 6];
    const whole = Array.from({ length: rows }, (_, row) => [
      row * positions + spans[2 * row]!,
      (row + 1) * positions,
    ]).flat();
    const sizes = { ...GROUPED, ...(window === undefined ? {} : { window }) };
    const c = randomCase(whole, sizes);
    const { queryHeads, keyHeads, headSize } = c;
    const expected = attentionReference(c).out;
    const width = keyHeads * headSize;
    const prompts = (x: Float32Array) =>
      x.slice(0, rows * positions * width)
        .filter((_, i) => Math.floor(i / width) % positions < prompt);

    using spansTensor = gpu.tensor(Uint32Array.from(spans), [rows, 2]);
    using done = gpu.tensor(Uint32Array.of(0, 0, 0, 0, 1));
    using keyCache = gpu.zeros([rows, 8, keyHeads, headSize]);
    using valueCache = gpu.zeros([rows, 8, keyHeads, headSize]);
    using promptKeys = gpu.tensor(prompts(c.k), [rows, prompt, keyHeads, headSize]);
    using promptValues = gpu.tensor(prompts(c.v), [rows, prompt, keyHeads, headSize]);
    using out = gpu.empty([rows, queryHeads, headSize]);
    const filling = gpu.record();
    writeCache(filling, { key: promptKeys, value: promptValues, keyCache, valueCache });
    filling.submit();
    for (const step of [0, 1, 2]) {
      /** The token of each row at this step. */
      const now = (x: Float32Array, size: number) =>
        Float32Array.from({ length: rows * size }, (_, i) => {
          const row = Math.floor(i / size);
          return x[(row * positions + spans[2 * row + 1]! + step) * size + i % size]!;
        });
      using q = gpu.tensor(now(c.q, queryHeads * headSize), [rows, queryHeads, headSize]);
      using key = gpu.tensor(now(c.k, width), [rows, 1, keyHeads, headSize]);
      using value = gpu.tensor(now(c.v, width), [rows, 1, keyHeads, headSize]);
      const recorder = gpu.record();
      const after = { spans: spansTensor, step };
      writeCache(recorder, { key, value, keyCache, valueCache, after });
      attentionDecode(recorder, {
        q,
        keyCache,
        valueCache,
        ...after,
        done,
        ...(window === undefined ? {} : { window }),
        out,
      });
      const [decoded] = await recorder.read(out);
      const size = queryHeads * headSize;
      const wanted = now(Float32Array.from(expected), size).map((value, i) => {
        const row = Math.floor(i / size);
        // The last row has ended, and the first two run out of cache at step 2.
        return row === 4 || spans[2 * row + 1]! + step >= 8 ? 0 : value;
      });
      for (let i = 0; i < decoded!.length; i++) {
        const error = Math.abs(decoded![i]! - wanted[i]!);
        assert(error < 1e-6, `element ${i} of step ${step} is ${decoded![i]}, not ${wanted[i]}`);
      }
    }
  }
});

Deno.test("wrong shapes, heads and windows are refused", () => {
  using q = gpu.empty([6, 4, 8]);
  using k = gpu.empty([6, 2, 8]);
  using three = gpu.empty([6, 3, 8]);
  using cache = gpu.empty([2, 3, 2, 8]);
  using other = gpu.empty([2, 3, 4, 8]);
  using spans = gpu.empty([2, 2], "u32");
  using logSumExp = gpu.empty([6, 4]);
  using one = gpu.empty([2, 4, 8]);
  using done = gpu.empty([2], "u32");
  const recorder = gpu.record();
  const forward = { q, k, v: k, spans, longest: 3, out: q, logSumExp };
  assertRefused(() => attention(recorder, { ...forward, v: q }), /v has shape \[6,4,8\]/);
  assertRefused(
    () => attention(recorder, { ...forward, k: three, v: three }),
    /4 heads .* 3 of keys/,
  );
  assertRefused(() => attention(recorder, { ...forward, spans: done }), /spans has shape \[2\]/);
  assertRefused(() => attention(recorder, { ...forward, longest: 0.5 }), /has 0.5 tokens/);
  assertRefused(() => attention(recorder, { ...forward, window: 0 }), /window is 0/);
  assertRefused(() => attention(recorder, { ...forward, logSumExp: q }), /logSumExp has shape/);
  assertRefused(
    () => attentionBackward(recorder, { ...forward, gradOut: q, gradQ: q, gradK: q, gradV: k }),
    /gradK has shape \[6,4,8\], expected \[6, 2, 8\]/,
  );
  const decode = { q: one, keyCache: cache, valueCache: cache, spans, step: 0, done, out: one };
  assertRefused(() => attentionDecode(recorder, { ...decode, done: spans }), /done has shape/);
  assertRefused(
    () => writeCache(recorder, { key: cache, value: cache, keyCache: other, valueCache: other }),
    /keyCache has shape \[2,3,4,8\], expected \[2, any, 2, 8\]/,
  );
  recorder.submit();
});
