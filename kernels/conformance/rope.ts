import type { Gpu } from "../runtime/gpu.ts";
import { rope, ropeBackward } from "../transformer/rope.ts";
import { ropeReference } from "../transformer/rope_reference.ts";
import { ropeFrequencies, type RopeSettings, ropeTable } from "../transformer/rope_table.ts";
import { asFloat32, type Check, type Tally } from "./check.ts";
import { RandomData } from "./random_data.ts";

/** Positions of the table. */
const MOST = 50;

/** Tokens, heads, components of a head. */
const SHAPES: readonly (readonly [number, number, number])[] = [
  [1, 1, 2],
  [2, 3, 4],
  [30, 3, 6],
  [130, 4, 16],
  [7, 2, 24],
  [17, 1, 34],
  [5, 1, 64],
  [255, 2, 8],
];

/** {@linkcode rope} and its backward, decoding steps, positions past the table, scaled frequencies. */
export const ropeCheck: Check = {
  name: "rope",
  async run(gpu, tally) {
    const random = new RandomData(20);
    for (const [tokens, heads, headSize] of SHAPES) {
      const c = ropeCase(random, tokens, heads, { headSize, theta: 10_000 });
      for (const step of [0, 3]) await compareRope(gpu, tally, c, step);
    }
    const scaling = {
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 32,
    };
    const settings = { headSize: 16, theta: 500_000, scaling };
    await compareRope(gpu, tally, ropeCase(random, 17, 3, settings), 0);
    await compareRope(gpu, tally, ropeCase(random, 17, 3, settings), MOST - 5);
  },
};

/** What is rotated, and by how much. */
export interface RopeCase {
  /** Queries or keys, and a gradient for the backward alike. */
  readonly x: Float32Array<ArrayBuffer>;
  /** The position of each token. */
  readonly positions: Uint32Array<ArrayBuffer>;
  /** Number of heads. */
  readonly heads: number;
  /** Size of a head and frequencies. */
  readonly settings: RopeSettings;
}

/** A random case. */
export function ropeCase(
  random: RandomData,
  tokens: number,
  heads: number,
  settings: RopeSettings,
): RopeCase {
  return {
    x: random.normal(tokens * heads * settings.headSize),
    positions: random.integers(tokens, MOST),
    heads,
    settings,
  };
}

/** Compares {@linkcode rope} and its backward with their reference, and returns what they give. */
export async function compareRope(
  gpu: Gpu,
  tally: Tally,
  c: RopeCase,
  step: number,
): Promise<ArrayLike<number>[]> {
  const shape = [c.positions.length, c.heads, c.settings.headSize];
  const positions = c.positions.map((position) => Math.min(position + step, MOST - 1));
  const results: ArrayLike<number>[] = [];
  using positionsTensor = gpu.tensor(c.positions);
  using table = ropeTable(gpu, MOST, c.settings);
  for (const direction of [1, -1] as const) {
    using q = gpu.tensor(c.x, shape);
    // Keys of one head more, of the same numbers again and again.
    const keys = { ...c, heads: c.heads + 1, x: repeated(c.x, c.heads + 1, c) };
    using k = gpu.tensor(keys.x, [shape[0]!, keys.heads, c.settings.headSize]);
    const recorder = gpu.record("rope");
    const rotate = direction === 1 ? rope : ropeBackward;
    rotate(recorder, { q, k, positions: positionsTensor, table, step });
    const rotated = await recorder.read(q, k);
    for (const [i, of] of [c, keys].entries()) {
      const turned = { ...of, positions, direction };
      const expected = ropeReference(turned);
      const label = `${direction === 1 ? "forward" : "backward"} of ${
        i === 0 ? "queries" : "keys"
      } of [${shape}] at step ${step}`;
      tally.near(label, rotated[i]!, expected, asFloat32(expected, plainRope(turned)));
    }
    results.push(...rotated);
  }
  return results;
}

/** The first numbers of another number of heads, from the first again once there are no more. */
function repeated(
  x: Float32Array,
  heads: number,
  { positions, settings }: RopeCase,
): Float32Array<ArrayBuffer> {
  const count = positions.length * heads * settings.headSize;
  return Float32Array.from({ length: count }, (_, i) => x[i % x.length]!);
}

const round = Math.fround;

/** Every operation rounded to float32, cosines and sines too. */
function plainRope(
  { x, positions, heads, settings, direction }: RopeCase & { readonly direction: number },
): Float32Array {
  const frequencies = ropeFrequencies(settings);
  const half = settings.headSize / 2;
  return x.map((value, at) => {
    const angle = positions[Math.floor(at / (heads * 2 * half))]! * frequencies[at % half]!;
    const isFirst = at % (2 * half) < half;
    const other = isFirst ? -x[at + half]! : x[at - half]!;
    return round(value * round(Math.cos(angle))) +
      round(other * round(Math.sin(direction * angle)));
  });
}
