import type {
  AttentionReferenceGradients,
  AttentionReferenceInput,
  AttentionReferenceOutput,
} from "../transformer/attention_reference.ts";

const round = Math.fround;

/** Numbers, and where a vector begins among them. */
type Vector = readonly [ArrayLike<number>, number];

/** The result of attention, its log-sum-exp and its gradients in float32. */
export type PlainAttention = {
  readonly [Name in keyof (AttentionReferenceOutput & AttentionReferenceGradients)]: Float32Array;
};

/** Attention and its gradients as one would write them in float32 on the CPU, every operation rounded. */
export function plainAttention(
  input: AttentionReferenceInput,
  gradOut: ArrayLike<number>,
): PlainAttention {
  const { q, k, v, spans, queryHeads, keyHeads, headSize, window = Infinity } = input;
  const attended = new Float32Array(q.length);
  const logSumExp = new Float32Array(q.length / headSize);
  const gradQ = new Float32Array(q.length);
  const gradK = new Float32Array(k.length);
  const gradV = new Float32Array(v.length);
  const dot = ([a, i]: Vector, [b, j]: Vector) => {
    let sum = 0;
    for (let c = 0; c < headSize; c++) sum = round(sum + round(a[i + c]! * b[j + c]!));
    return sum;
  };
  const scale = round(1 / Math.sqrt(headSize));
  const firsts = firstTokens(spans, q.length / (queryHeads * headSize));
  for (const vector of logSumExp.keys()) {
    const position = Math.floor(vector / queryHeads);
    const first = firsts[position];
    if (first === undefined) continue;
    const begin = Math.max(first, position + 1 - window);
    const keyHead = Math.floor((vector % queryHeads) / (queryHeads / keyHeads));
    const keys = Array.from(
      { length: position + 1 - begin },
      (_, i) => ((begin + i) * keyHeads + keyHead) * headSize,
    );
    const at = vector * headSize;
    const scores = keys.map((key) => round(dot([q, at], [k, key]) * scale));
    const top = Math.max(...scores);
    let total = 0;
    for (const score of scores) total = round(total + round(Math.exp(round(score - top))));
    logSumExp[vector] = round(top + round(Math.log(total)));
    const p = scores.map((score) => round(Math.exp(round(score - logSumExp[vector]!))));
    for (const [i, key] of keys.entries()) {
      for (let c = 0; c < headSize; c++) attended[at + c]! += round(p[i]! * v[key + c]!);
    }
    const mean = dot([gradOut, at], [attended, at]);
    for (const [i, key] of keys.entries()) {
      const difference = round(dot([gradOut, at], [v, key]) - mean);
      const gradScore = round(round(p[i]! * difference) * scale);
      for (let c = 0; c < headSize; c++) {
        gradQ[at + c]! += round(gradScore * k[key + c]!);
        gradK[key + c]! += round(gradScore * q[at + c]!);
        gradV[key + c]! += round(p[i]! * gradOut[at + c]!);
      }
    }
  }
  return { attended, logSumExp, gradQ, gradK, gradV };
}

/** The first token of the sequence of each token; none outside the sequences. */
function firstTokens(spans: ArrayLike<number>, tokens: number): (number | undefined)[] {
  const firsts = new Array<number | undefined>(tokens);
  for (let i = 0; i < spans.length; i += 2) firsts.fill(spans[i], spans[i], spans[i + 1]);
  return firsts;
}
