import { ShapeError } from "../runtime/errors.ts";
import { grid } from "../runtime/grid.ts";
import type { Recorder } from "../runtime/recorder.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import { keyOf } from "./philox_reference.ts";
import philox from "./philox.wgsl" with { type: "text" };
import code from "./uniforms.wgsl" with { type: "text" };

/** What {@linkcode uniforms} takes. */
export interface UniformsOptions {
  /** A whole number from 0 to 2^53 − 1. */
  readonly seed: number;
  /** Tells apart arrays of one seed, a 32-bit number; 0 by default. */
  readonly stream?: number;
  /** What is filled, of any shape, in f32. */
  readonly out: Tensor;
}

/**
 * Fills a tensor with random numbers in the open interval (0, 1) from Philox 4×32-10. Reference:
 * {@linkcode uniformsReference}.
 *
 * @throws {ShapeError} if the type does not fit, or the seed or the stream is out of range.
 */
export function uniforms(
  recorder: Recorder,
  { seed, stream = 0, out }: UniformsOptions,
): void {
  expectTensor("out", out, "f32", out.shape);
  const { lanes } = recorder.gpu.tiles.elements;
  const program = recorder.gpu.program({
    name: "uniforms",
    code: philox + code,
    constants: { LANES: lanes },
  });
  recorder.dispatch(program, {
    bindings: { out },
    params: { size: out.size, ...seedWords(seed), stream: streamWord(stream) },
    workgroups: grid(Math.ceil(out.size / 4), lanes),
  });
}

/**
 * A seed as two words of a shader's parameters, by their names in WGSL.
 *
 * @throws {ShapeError} if it is not a whole number from 0 to 2^53 − 1.
 */
export function seedWords(seed: number): { seed_low: number; seed_high: number } {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new ShapeError(`the seed is ${seed}, expected a whole number from 0 to 2^53 − 1.`);
  }
  const [seed_low, seed_high] = keyOf(seed);
  return { seed_low, seed_high };
}

/**
 * What tells apart random numbers of one seed, as a word of a shader's parameters.
 *
 * @param name What it is called, for the error.
 * @throws {ShapeError} if it is not a whole number from 0 to 2^32 − 1.
 */
export function streamWord(stream: number, name = "stream"): number {
  if (Number.isSafeInteger(stream) && stream >= 0 && stream < 2 ** 32) return stream;
  throw new ShapeError(`the ${name} is ${stream}, expected a whole number from 0 to 2^32 − 1.`);
}
