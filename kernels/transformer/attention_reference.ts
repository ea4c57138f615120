/** What {@linkcode attentionReference} reads; arrays are row-major. */
export interface AttentionReferenceInput {
  /** Queries, N·H·headSize elements. */
  readonly q: ArrayLike<number>;
  /** Keys, N·KV·headSize elements. */
  readonly k: ArrayLike<number>;
  /** Values, N·KV·headSize elements. */
  readonly v: ArrayLike<number>;
  /** The first token of each sequence and the one after its last, B·2 elements. */
  readonly spans: ArrayLike<number>;
  /** Heads of the queries, H. */
  readonly queryHeads: number;
  /** Heads of the keys, KV. */
  readonly keyHeads: number;
  /** Components of a head. */
  readonly headSize: number;
  /** A query sees this many keys at most, its own included; all by default. */
  readonly window?: number;
}

/** What {@linkcode attentionReference} gives. */
export interface AttentionReferenceOutput {
  /** The result, N·H·headSize elements; zeros outside the sequences. */
  readonly attended: Float64Array;
  /** ln Σ exp(score) of each query, N·H elements; zeros outside the sequences. */
  readonly logSumExp: Float64Array;
}

/** Gradients of {@linkcode attentionReference}. */
export interface AttentionReferenceGradients {
  /** With respect to the queries. */
  readonly gradQ: Float64Array;
  /** With respect to the keys. */
  readonly gradK: Float64Array;
  /** With respect to the values. */
  readonly gradV: Float64Array;
}

/** One query and what it sees. */
interface Query {
  /** Its index in the log-sum-exp, and that of its first component. */
  readonly vector: number;
  readonly at: number;
  /** The index of the first component of each key that it sees. */
  readonly keys: readonly number[];
}

/** The queries of all sequences. */
function* queriesOf(input: AttentionReferenceInput): Generator<Query> {
  const { spans, queryHeads, keyHeads, headSize, window = Infinity } = input;
  for (let row = 0; row < spans.length / 2; row++) {
    const [first, end] = [spans[2 * row]!, spans[2 * row + 1]!];
    for (let position = first; position < end; position++) {
      for (let head = 0; head < queryHeads; head++) {
        const vector = position * queryHeads + head;
        const keyHead = Math.floor(head / (queryHeads / keyHeads));
        const keys: number[] = [];
        for (let key = first; key <= position; key++) {
          if (position - key >= window) continue;
          keys.push((key * keyHeads + keyHead) * headSize);
        }
        yield { vector, at: vector * headSize, keys };
      }
    }
  }
}

/** The scores of a query, and ln Σ exp of them. */
function scoresOf(input: AttentionReferenceInput, { at, keys }: Query) {
  const { q, k, headSize } = input;
  const scores = keys.map((key) => dot([q, at], [k, key], headSize) / Math.sqrt(headSize));
  const top = scores.reduce((a, b) => Math.max(a, b));
  const logSum = top + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - top), 0));
  return { scores, logSum };
}

/** Causal attention in float64, the definition that attention.wgsl is held to. */
export function attentionReference(input: AttentionReferenceInput): AttentionReferenceOutput {
  const { q, v, headSize } = input;
  const attended = new Float64Array(q.length);
  const logSumExp = new Float64Array(q.length / headSize);
  for (const query of queriesOf(input)) {
    const { scores, logSum } = scoresOf(input, query);
    logSumExp[query.vector] = logSum;
    for (const [i, key] of query.keys.entries()) {
      const p = Math.exp(scores[i]! - logSum);
      for (let c = 0; c < headSize; c++) attended[query.at + c]! += p * v[key + c]!;
    }
  }
  return { attended, logSumExp };
}

/** Its gradients, from the gradient with respect to the result. */
export function attentionBackwardReference(
  input: AttentionReferenceInput,
  gradOut: ArrayLike<number>,
): AttentionReferenceGradients {
  const { q, k, v, headSize } = input;
  const gradQ = new Float64Array(q.length);
  const gradK = new Float64Array(k.length);
  const gradV = new Float64Array(v.length);
  for (const query of queriesOf(input)) {
    const { scores, logSum } = scoresOf(input, query);
    const p = scores.map((score) => Math.exp(score - logSum));
    const gradP = query.keys.map((key) => dot([gradOut, query.at], [v, key], headSize));
    const mean = p.reduce((sum, probability, i) => sum + probability * gradP[i]!, 0);
    for (const [i, key] of query.keys.entries()) {
      const gradScore = p[i]! * (gradP[i]! - mean) / Math.sqrt(headSize);
      for (let c = 0; c < headSize; c++) {
        gradQ[query.at + c]! += gradScore * k[key + c]!;
        gradK[key + c]! += gradScore * q[query.at + c]!;
        gradV[key + c]! += p[i]! * gradOut[query.at + c]!;
      }
    }
  }
  return { gradQ, gradK, gradV };
}

/** Numbers, and where a vector begins among them. */
type Vector = readonly [ArrayLike<number>, number];

function dot([a, aFirst]: Vector, [b, bFirst]: Vector, size: number): number {
  let sum = 0;
  for (let c = 0; c < size; c++) sum += a[aFirst + c]! * b[bFirst + c]!;
  return sum;
}
