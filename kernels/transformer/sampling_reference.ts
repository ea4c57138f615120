import { keyOf, philox } from "../random/philox_reference.ts";

/** What {@linkcode sampleTokensReference} draws from. */
export interface SampleTokensInput {
  /** Rows of logits, row-major; −∞ is a masked token. */
  readonly logits: ArrayLike<number>;
  /** Number of columns. */
  readonly columns: number;
  /** Divides the logits; 0 takes the most likely token. */
  readonly temperature: number;
  /** The seed. */
  readonly seed: number;
  /** Tells apart rollouts of one seed. */
  readonly stream: number;
  /** Tells apart the tokens of a sequence. */
  readonly position: number;
}

/**
 * The score of each token of each row in float64, the definition that sampling.wgsl is held to: the token
 * of largest score is drawn. It is logit / temperature − ln E with E = −ln(1 − w) and w uniform, or the
 * logit where the temperature is 0.
 */
export function sampleScoresReference(input: SampleTokensInput): Float64Array {
  const { logits, columns, temperature, seed, stream, position } = input;
  return Float64Array.from(logits, (logit, at) => {
    if (temperature === 0) return logit;
    const [row, token] = [Math.floor(at / columns), at % columns];
    const bits = philox([token >>> 2, row, position, stream], keyOf(seed))[token & 3]!;
    const w = Math.min((bits + 0.5) * 2 ** -32, 1 - 2 ** -24);
    return logit / temperature - Math.log(-Math.log1p(-w));
  });
}

/** The token that is drawn for each row. */
export function sampleTokensReference(input: SampleTokensInput): Uint32Array {
  const { columns } = input;
  const scores = sampleScoresReference(input);
  return Uint32Array.from({ length: scores.length / columns }, (_, row) => {
    const own = scores.subarray(row * columns, (row + 1) * columns);
    return own.reduce((best, score, token) => score > own[best]! ? token : best, 0);
  });
}
