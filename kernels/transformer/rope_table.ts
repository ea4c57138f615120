import { ShapeError } from "../runtime/errors.ts";
import type { GpuContext } from "../runtime/context.ts";
import type { Tensor } from "../runtime/tensor.ts";

/** How Llama 3 stretches the low frequencies; the names are those of a Hugging Face `config.json`. */
export interface Llama3Scaling {
  /** Divides low frequencies. */
  readonly factor: number;
  /** Waves longer than the original context over this are low frequencies. */
  readonly low_freq_factor: number;
  /** Waves shorter than the original context over this stay as they are; between, the two are blended. */
  readonly high_freq_factor: number;
  /** The context of pretraining, in tokens. */
  readonly original_max_position_embeddings: number;
}

/** Settings of the rotary position embedding. */
export interface RopeSettings {
  /** Components of a head, an even number. */
  readonly headSize: number;
  /** The base of the frequencies, `rope_theta`. */
  readonly theta: number;
  /** Scaling of the frequencies, `rope_scaling`; none by default. */
  readonly scaling?: Llama3Scaling;
}

/**
 * The angle by which each pair of components turns from one position to the next, headSize / 2 numbers.
 * Matches Hugging Face's `_compute_default_rope_parameters` and `_compute_llama3_parameters`.
 *
 * @throws {ShapeError} if the head size is not a positive even number.
 */
export function ropeFrequencies({ headSize, theta, scaling }: RopeSettings): Float64Array {
  if (!Number.isSafeInteger(headSize) || headSize < 2 || headSize % 2 !== 0) {
    throw new ShapeError(`the head size is ${headSize}, expected a positive even number.`);
  }
  const frequencies = Float64Array.from(
    { length: headSize / 2 },
    (_, i) => theta ** (-2 * i / headSize),
  );
  return scaling === undefined
    ? frequencies
    : frequencies.map((frequency) => scaled(frequency, scaling));
}

function scaled(frequency: number, scaling: Llama3Scaling): number {
  const { factor, low_freq_factor: low, high_freq_factor: high } = scaling;
  const waves = scaling.original_max_position_embeddings * frequency / (2 * Math.PI);
  if (waves > high) return frequency;
  if (waves < low) return frequency / factor;
  const share = (waves - low) / (high - low);
  return (1 - share) * frequency / factor + share * frequency;
}

/**
 * Cosines and sines of the first `positions` positions, [positions, 2, headSize / 2] in f32, computed in
 * float64.
 *
 * @throws {ShapeError} if the head size is not a positive even number, or an angle is not finite.
 */
export function ropeTable(
  gpu: GpuContext,
  positions: number,
  settings: RopeSettings,
): Tensor<"f32"> {
  const frequencies = ropeFrequencies(settings);
  const half = frequencies.length;
  const endless = frequencies.find((frequency) => !Number.isFinite(positions * frequency));
  if (endless !== undefined) {
    throw new ShapeError(
      `the rotary embedding of theta ${settings.theta} turns by ${endless} each position, expected finite angles.`,
    );
  }
  const table = new Float32Array(positions * 2 * half);
  for (let position = 0; position < positions; position++) {
    for (const [i, frequency] of frequencies.entries()) {
      table[2 * position * half + i] = Math.cos(position * frequency);
      table[(2 * position + 1) * half + i] = Math.sin(position * frequency);
    }
  }
  return gpu.tensor(table, [positions, 2, half]);
}
