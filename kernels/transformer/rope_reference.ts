import { ropeFrequencies, type RopeSettings } from "./rope_table.ts";

/** What {@linkcode ropeReference} rotates. */
export interface RopeReferenceInput {
  /** Queries or keys, N·heads·headSize elements. */
  readonly x: ArrayLike<number>;
  /** The position of each token, N elements. */
  readonly positions: ArrayLike<number>;
  /** Number of heads. */
  readonly heads: number;
  /** Size of a head and frequencies. */
  readonly settings: RopeSettings;
  /** −1 to rotate back, which is the backward; 1 by default. */
  readonly direction?: 1 | -1;
}

/** Rotary position embedding in float64, the definition that rope.wgsl is held to. */
export function ropeReference(input: RopeReferenceInput): Float64Array {
  const { x, positions, heads, settings: { headSize }, direction = 1 } = input;
  const frequencies = ropeFrequencies(input.settings);
  const half = headSize / 2;
  return Float64Array.from({ length: x.length }, (_, at) => {
    const token = Math.floor(at / (heads * headSize));
    const i = at % half;
    const angle = direction * positions[token]! * frequencies[i]!;
    const isFirst = at % headSize < half;
    const other = isFirst ? -x[at + half]! : x[at - half]!;
    return x[at]! * Math.cos(angle) + other * Math.sin(angle);
  });
}
