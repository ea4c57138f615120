import type { Gpu } from "../runtime/gpu.ts";
import { attentionDecode } from "../transformer/attention.ts";
import { attentionReference } from "../transformer/attention_reference.ts";
import { writeCache } from "../transformer/key_value_cache.ts";
import { writeCacheReference } from "../transformer/key_value_cache_reference.ts";
import { attentionCase, type AttentionSizes } from "./attention.ts";
import { asFloat32, type Check, type Tally } from "./check.ts";
import { plainAttention } from "./plain_attention.ts";
import { RandomData } from "./random_data.ts";

const SIZES: readonly AttentionSizes[] = [
  { queryHeads: 1, keyHeads: 1, headSize: 1 },
  { queryHeads: 4, keyHeads: 2, headSize: 8 },
  { queryHeads: 4, keyHeads: 2, headSize: 8, window: 3 },
  { queryHeads: 3, keyHeads: 1, headSize: 3, window: 1 },
  { queryHeads: 4, keyHeads: 1, headSize: 44 },
];

/** Where each row's prompt lies among the positions of a prompt. */
const SPANS = [0, 6, 2, 6, 0, 3, 1, 4, 0, 6];
const ROWS = SPANS.length / 2;
const PROMPT = 6;
const STEPS = 3;
/** Positions of a row of the whole, and of its cache, which the longest rows run out of. */
const POSITIONS = PROMPT + STEPS;
const CAPACITY = 8;
/** This row has ended. */
const ENDED = 4;

/**
 * {@linkcode writeCache} and {@linkcode attentionDecode}, step by step, against attention to the whole
 * rows: prompts of different lengths, a row that has ended, and rows longer than the cache.
 */
export const attentionDecodeCheck: Check = {
  name: "attention-decode",
  async run(gpu, tally) {
    const random = new RandomData(22);
    for (const sizes of SIZES) await compare(gpu, tally, random, sizes);
  },
};

async function compare(
  gpu: Gpu,
  tally: Tally,
  random: RandomData,
  sizes: AttentionSizes,
): Promise<void> {
  const { queryHeads, keyHeads, headSize, window } = sizes;
  const queryWidth = queryHeads * headSize;
  const width = keyHeads * headSize;
  const c = attentionCase(random, wholeRows(), sizes);
  const expected = attentionReference(c).attended;
  const plain = plainAttention(c, c.gradOut).attended;
  const caches = [c.k, c.v].map((x) => promptCache(x, width));

  using spans = gpu.tensor(Uint32Array.from(SPANS), [ROWS, 2]);
  using done = gpu.tensor(Uint32Array.from({ length: ROWS }, (_, row) => Number(row === ENDED)));
  using keyCache = gpu.zeros([ROWS, CAPACITY, keyHeads, headSize]);
  using valueCache = gpu.zeros([ROWS, CAPACITY, keyHeads, headSize]);
  using promptKeys = gpu.tensor(prompts(c.k, width), [ROWS, PROMPT, keyHeads, headSize]);
  using promptValues = gpu.tensor(prompts(c.v, width), [ROWS, PROMPT, keyHeads, headSize]);
  using out = gpu.empty([ROWS, queryHeads, headSize]);
  const filling = gpu.record("prompts");
  writeCache(filling, { key: promptKeys, value: promptValues, out: { keyCache, valueCache } });
  filling.submit();
  for (let step = 0; step < STEPS; step++) {
    const [keys, values] = [c.k, c.v].map((x) => tokensAt(step, x, width));
    using q = gpu.tensor(tokensAt(step, c.q, queryWidth), [ROWS, queryHeads, headSize]);
    using key = gpu.tensor(keys!, [ROWS, 1, keyHeads, headSize]);
    using value = gpu.tensor(values!, [ROWS, 1, keyHeads, headSize]);
    const recorder = gpu.record("decoding");
    const after = { spans, step };
    writeCache(recorder, { key, value, after, out: { keyCache, valueCache } });
    attentionDecode(recorder, {
      q,
      keyCache,
      valueCache,
      ...after,
      done,
      ...(window === undefined ? {} : { window }),
      out,
    });
    const [decoded, cachedKeys, cachedValues] = await recorder.read(out, keyCache, valueCache);
    for (const [i, x] of [keys!, values!].entries()) {
      const token = { x, spans: SPANS, positions: 1, capacity: CAPACITY, width, step };
      writeCacheReference(caches[i]!, token);
    }
    const label = `step ${step}, ${queryHeads}/${keyHeads} heads of ${headSize}${
      window === undefined ? "" : `, a window of ${window}`
    }`;
    tally.same(`cached keys at ${label}`, cachedKeys, caches[0]!);
    tally.same(`cached values at ${label}`, cachedValues, caches[1]!);
    const [want, rounded] = [expected, plain].map((x) => resultsAt(step, x, queryWidth));
    tally.near(`result at ${label}`, decoded, want!, asFloat32(want!, rounded!));
  }
}

/** The spans of the rows with all that is decoded, one row after the other. */
function wholeRows(): number[] {
  return SPANS.map((position, i) => {
    const row = Math.floor(i / 2);
    return i % 2 === 0 ? row * POSITIONS + position : (row + 1) * POSITIONS;
  });
}

/** The first positions of each row. */
function prompts(x: Float32Array<ArrayBuffer>, width: number): Float32Array<ArrayBuffer> {
  return x.slice(0, ROWS * POSITIONS * width)
    .filter((_, i) => Math.floor(i / width) % POSITIONS < PROMPT);
}

/** A cache that holds the prompts. */
function promptCache(x: Float32Array<ArrayBuffer>, width: number): Float32Array {
  const cache = new Float32Array(ROWS * CAPACITY * width);
  writeCacheReference(cache, {
    x: prompts(x, width),
    spans: SPANS,
    positions: PROMPT,
    capacity: CAPACITY,
    width,
  });
  return cache;
}

/** What each row has at a step. */
function tokensAt(step: number, x: ArrayLike<number>, width: number): number[] {
  return Array.from({ length: ROWS * width }, (_, i) => {
    const row = Math.floor(i / width);
    return x[(row * POSITIONS + SPANS[2 * row + 1]! + step) * width + i % width]!;
  });
}

/** The same, and zeros for the row that has ended and for tokens that the cache has no place for. */
function resultsAt(step: number, x: ArrayLike<number>, width: number): number[] {
  return tokensAt(step, x, width).map((value, i) => {
    const row = Math.floor(i / width);
    return row === ENDED || SPANS[2 * row + 1]! + step >= CAPACITY ? 0 : value;
  });
}
