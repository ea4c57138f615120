import { ShapeError } from "../runtime/errors.ts";
import { grid } from "../runtime/grid.ts";
import { type Recorder, u32, type Word } from "../runtime/recorder.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import { keyOf } from "./philox_reference.ts";
import philox from "./philox.wgsl" with { type: "text" };
import code from "./uniforms.wgsl" with { type: "text" };

/**
 * Fills a tensor of any shape in f32 with random numbers in the open interval (0, 1) from Philox 4×32-10.
 * Reference: {@linkcode uniformsReference}.
 *
 * @param seed A whole number from 0 to 2^53 − 1.
 * @param stream Tells apart arrays of one seed, a 32-bit number.
 * @throws {ShapeError} if the seed or the stream is out of range.
 */
export function uniforms(recorder: Recorder, out: Tensor, seed: number, stream = 0): void {
  expectTensor("out", out, "f32", out.shape);
  const { lanes } = recorder.gpu.tiles.elements;
  const program = recorder.gpu.program({
    name: "uniforms",
    code: philox + code,
    constants: { LANES: lanes },
  });
  recorder.dispatch(program, {
    bindings: [out],
    params: [u32(out.size), ...seedWords(seed), streamWord(stream)],
    workgroups: grid(Math.ceil(out.size / 4), lanes),
  });
}

/**
 * A seed as two words of a shader's parameters.
 *
 * @throws {ShapeError} if it is not a whole number from 0 to 2^53 − 1.
 */
export function seedWords(seed: number): [Word, Word] {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new ShapeError(`the seed is ${seed}, expected a whole number from 0 to 2^53 − 1.`);
  }
  const [low, high] = keyOf(seed);
  return [u32(low), u32(high)];
}

/**
 * What tells apart random numbers of one seed, as a word of a shader's parameters.
 *
 * @param name What it is called, for the error.
 * @throws {ShapeError} if it is not a whole number from 0 to 2^32 − 1.
 */
export function streamWord(stream: number, name = "stream"): Word {
  if (Number.isSafeInteger(stream) && stream >= 0 && stream < 2 ** 32) return u32(stream);
  throw new ShapeError(`the ${name} is ${stream}, expected a whole number from 0 to 2^32 − 1.`);
}
