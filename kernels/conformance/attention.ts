import type { Gpu } from "../runtime/gpu.ts";
import { attention } from "../transformer/attention.ts";
import { attentionBackward } from "../transformer/attention_backward.ts";
import {
  attentionBackwardReference,
  attentionReference,
  type AttentionReferenceInput,
} from "../transformer/attention_reference.ts";
import { asFloat32, type Check, type Tally, ulp } from "./check.ts";
import { plainAttention } from "./plain_attention.ts";
import { RandomData } from "./random_data.ts";

const GROUPED: AttentionSizes = { queryHeads: 4, keyHeads: 2, headSize: 8 };

/** Sequences of many lengths, empty ones among them, with gaps between them. */
const SEQUENCES = [0, 21, 24, 42, 42, 59, 60, 61, 61, 61];

/** Spans, sizes, and the standard deviation of queries and keys. Every size of heads compiles shaders. */
const CASES: readonly (readonly [readonly number[], AttentionSizes, number])[] = [
  [[0, 1], GROUPED, 1],
  [[0, 0], GROUPED, 1],
  [SEQUENCES, GROUPED, 1],
  [SEQUENCES, { ...GROUPED, window: 1 }, 1],
  [SEQUENCES, { ...GROUPED, window: 2 }, 1],
  [SEQUENCES, { ...GROUPED, window: 5 }, 1],
  // Scores are far apart.
  [[0, 255, 255, 272], GROUPED, 4],
  [[0, 6, 7, 11], { queryHeads: 1, keyHeads: 1, headSize: 1 }, 1],
  [[0, 17, 17, 81], { queryHeads: 3, keyHeads: 1, headSize: 5 }, 1],
  // Heads that are cut into parts.
  [[0, 6, 7, 11], { queryHeads: 4, keyHeads: 1, headSize: 41 }, 1],
  [[9, 17, 1, 9, 3, 3], { queryHeads: 2, keyHeads: 2, headSize: 44, window: 5 }, 1],
];

/** {@linkcode attention} and its gradients: grouped heads, windows, empty sequences, heads of any size. */
export const attentionCheck: Check = {
  name: "attention",
  async run(gpu, tally) {
    const random = new RandomData(21);
    for (const [spans, sizes, deviation] of CASES) {
      await compareAttention(gpu, tally, attentionCase(random, spans, sizes, deviation));
    }
  },
};

/** Heads and the window. */
export type AttentionSizes = Pick<
  AttentionReferenceInput,
  "queryHeads" | "keyHeads" | "headSize" | "window"
>;

/** Packed sequences, and the gradient of the result. */
export interface AttentionCase extends AttentionReferenceInput {
  /** Queries. */
  readonly q: Float32Array<ArrayBuffer>;
  /** Keys. */
  readonly k: Float32Array<ArrayBuffer>;
  /** Values. */
  readonly v: Float32Array<ArrayBuffer>;
  /** The first token of each sequence and the one after its last. */
  readonly spans: Uint32Array<ArrayBuffer>;
  /** Gradient with respect to the result. */
  readonly gradOut: Float32Array<ArrayBuffer>;
}

/** What the kernels give. */
export interface AttentionResult {
  /** The result. */
  readonly attended: ArrayLike<number>;
  /** ln Σ exp(score) of each query. */
  readonly logSumExp: ArrayLike<number>;
  /** The gradient with respect to the queries. */
  readonly gradQ: ArrayLike<number>;
  /** The gradient with respect to the keys. */
  readonly gradK: ArrayLike<number>;
  /** The gradient with respect to the values. */
  readonly gradV: ArrayLike<number>;
}

/** A random case with two tokens more than the sequences have. */
export function attentionCase(
  random: RandomData,
  spans: readonly number[],
  sizes: AttentionSizes,
  deviation = 1,
): AttentionCase {
  const { queryHeads, keyHeads, headSize } = sizes;
  const tokens = Math.max(...spans) + 2;
  const queries = tokens * queryHeads * headSize;
  const keys = tokens * keyHeads * headSize;
  return {
    ...sizes,
    q: random.normal(queries, deviation),
    k: random.normal(keys, deviation),
    v: random.normal(keys),
    spans: Uint32Array.from(spans),
    gradOut: random.normal(queries),
  };
}

/** Compares {@linkcode attention} and its gradients with their references, and returns them. */
export async function compareAttention(
  gpu: Gpu,
  tally: Tally,
  c: AttentionCase,
): Promise<AttentionResult> {
  const actual = await run(gpu, c);
  const expected: AttentionResult = {
    ...attentionReference(c),
    ...attentionBackwardReference(c, c.gradOut),
  };
  const plain = plainAttention(c, c.gradOut);
  const label = `tokens ${c.spans}, ${c.queryHeads}/${c.keyHeads} heads of ${c.headSize}${
    c.window === undefined ? "" : `, a window of ${c.window}`
  }`;
  for (const name of ["attended", "logSumExp", "gradQ", "gradK", "gradV"] as const) {
    // These may be differences of equal numbers of about 16, where plain rounding is exact by luck.
    const slack = name === "gradQ" || name === "gradK" ? ulp(16) : 0;
    const tolerance = asFloat32(expected[name], plain[name]) + slack;
    tally.near(`${name} of ${label}`, actual[name], expected[name], tolerance);
  }
  return actual;
}

async function run(gpu: Gpu, c: AttentionCase): Promise<AttentionResult> {
  const { queryHeads, keyHeads, headSize, window } = c;
  const rows = c.spans.length / 2;
  const tokens = c.q.length / (queryHeads * headSize);
  const lengths = Array.from({ length: rows }, (_, i) => c.spans[2 * i + 1]! - c.spans[2 * i]!);
  const queryShape = [tokens, queryHeads, headSize];
  const keyShape = [tokens, keyHeads, headSize];
  using q = gpu.tensor(c.q, queryShape);
  using k = gpu.tensor(c.k, keyShape);
  using v = gpu.tensor(c.v, keyShape);
  using spans = gpu.tensor(c.spans, [rows, 2]);
  // Tokens outside the sequences are not written.
  using attended = gpu.zeros(queryShape);
  using logSumExp = gpu.zeros(queryShape.slice(0, 2));
  using gradOut = gpu.tensor(c.gradOut, queryShape);
  using gradQ = gpu.zeros(queryShape);
  using gradK = gpu.zeros(keyShape);
  using gradV = gpu.zeros(keyShape);
  const input = {
    q,
    k,
    v,
    spans,
    longest: Math.max(...lengths),
    ...(window === undefined ? {} : { window }),
  };
  const output = { attended, logSumExp };
  const recorder = gpu.record("attention");
  attention(recorder, { ...input, out: output });
  attentionBackward(recorder, { ...input, ...output, gradOut, out: { gradQ, gradK, gradV } });
  const [sums, logSums, ofQ, ofK, ofV] = await recorder.read(
    attended,
    logSumExp,
    gradQ,
    gradK,
    gradV,
  );
  return { attended: sums, logSumExp: logSums, gradQ: ofQ, gradK: ofK, gradV: ofV };
}
