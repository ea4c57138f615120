/** Attention, its gradients, and decoding from a cache; their checks hold them to the references. */
import assert from "node:assert/strict";
import {
  attentionCase,
  attentionCheck,
  compareAttention,
} from "../../../kernels/conformance/attention.ts";
import { attentionDecodeCheck } from "../../../kernels/conformance/attention_decode.ts";
import { Tally } from "../../../kernels/conformance/check.ts";
import { RandomData } from "../../../kernels/conformance/random_data.ts";
import { requestGpu } from "../../../kernels/runtime/gpu.ts";
import { attention, attentionDecode } from "../../../kernels/transformer/attention.ts";
import { attentionBackward } from "../../../kernels/transformer/attention_backward.ts";
import {
  attentionBackwardReference,
  attentionReference,
} from "../../../kernels/transformer/attention_reference.ts";
import { writeCache } from "../../../kernels/transformer/key_value_cache.ts";
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

const random = new RandomData(6);

const GROUPED = { queryHeads: 4, keyHeads: 2, headSize: 8 };

Deno.test("the tile sizes of hardware do as well", async () => {
  const hardware = withHardwareTiles(gpu);
  await passing((tally) => attentionCheck.run(hardware, tally));
  await passing((tally) => attentionDecodeCheck.run(hardware, tally));
  assert.equal(hardware.liveBytes, 0);
});

Deno.test("the same sequences give the same bits, wherever they lie", async () => {
  const spans = Array.from({ length: 20 }, (_, i) => 7 * Math.floor(i / 2) + (i % 2 === 0 ? 1 : 7));
  const c = attentionCase(random, spans, GROUPED);
  const once = await passing((tally) => compareAttention(gpu, tally, c));
  assert.deepEqual(await passing((tally) => compareAttention(gpu, tally, c)), once);
  const one = { ...c, spans: c.spans.subarray(18) };
  const last = await passing((tally) => compareAttention(gpu, tally, one));
  const size = c.queryHeads * c.headSize;
  for (const name of ["attended", "gradQ"] as const) {
    const [alone, together] = [last, once].map((result) =>
      Array.from(result[name]).slice(spans[18]! * size, spans[19]! * size)
    );
    assert.deepEqual(alone, together);
  }
});

Deno.test("tokens that no binding holds are refused", () => {
  const small = withSmallBindings(gpu, 1000);
  const c = attentionCase(random, [0, 40], GROUPED);
  return assert.rejects(
    compareAttention(small, new Tally("refused"), c),
    /attention was given a tensor of shape \[42,4,8\]/,
  );
});

Deno.test("the reference's gradients are those of differences", () => {
  const sizes = { ...GROUPED, headSize: 3, window: 3 };
  const c = attentionCase(random, [0, 4, 5, 7], sizes);
  const { gradQ, gradK, gradV } = attentionBackwardReference(c, c.gradOut);
  const loss = (part: object) => inner(attentionReference({ ...c, ...part }).attended, c.gradOut);
  assertGradient("gradQ", gradQ, (q) => loss({ q }), c.q);
  assertGradient("gradK", gradK, (k) => loss({ k }), c.k);
  assertGradient("gradV", gradV, (v) => loss({ v }), c.v);
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
  const output = { attended: q, logSumExp };
  const forward = { q, k, v: k, spans, longest: 3, out: output };
  assertRefused(() => attention(recorder, { ...forward, v: q }), /v has shape \[6,4,8\]/);
  assertRefused(
    () => attention(recorder, { ...forward, k: three, v: three }),
    /4 heads .* 3 of keys/,
  );
  assertRefused(() => attention(recorder, { ...forward, spans: done }), /spans has shape \[2\]/);
  assertRefused(() => attention(recorder, { ...forward, longest: 0.5 }), /has 0.5 tokens/);
  assertRefused(() => attention(recorder, { ...forward, window: 0 }), /window is 0/);
  assertRefused(
    () => attention(recorder, { ...forward, out: { ...output, logSumExp: q } }),
    /out.logSumExp has shape/,
  );
  const backward = { ...forward, ...output, gradOut: q };
  assertRefused(
    () => attentionBackward(recorder, { ...backward, out: { gradQ: q, gradK: q, gradV: k } }),
    /out.gradK has shape \[6,4,8\], expected \[6, 2, 8\]/,
  );
  const decode = { q: one, keyCache: cache, valueCache: cache, spans, step: 0, done, out: one };
  assertRefused(() => attentionDecode(recorder, { ...decode, done: spans }), /done has shape/);
  assertRefused(
    () =>
      writeCache(recorder, {
        key: cache,
        value: cache,
        out: { keyCache: other, valueCache: other },
      }),
    /out.keyCache has shape \[2,3,4,8\], expected \[2, any, 2, 8\]/,
  );
  recorder.submit();
});
