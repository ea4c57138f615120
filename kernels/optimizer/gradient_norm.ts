import { ShapeError } from "../runtime/errors.ts";
import { grid } from "../runtime/grid.ts";
import { f32, limit, type Recorder, u32 } from "../runtime/recorder.ts";
import { rowBlocks } from "../runtime/row_blocks.ts";
import sumOfLanes from "../runtime/sum_of_lanes.wgsl" with { type: "text" };
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import code from "./gradient_norm.wgsl" with { type: "text" };

/**
 * The Euclidean norm of a gradient over all its tensors, and the factor that clips it: the smaller of 1 and
 * maxNorm / (norm + 1e-6). Reference: {@linkcode gradientNormReference}; matches
 * `torch.nn.utils.clip_grad_norm_`, whose multiplication is left to {@linkcode adamw}.
 *
 * @param gradients Tensors of any shape in f32.
 * @param maxNorm The largest norm; Infinity for none.
 * @param out The norm and the factor, [2] in f32; a norm that is not finite, with the factor NaN, tells of NaN
 * or Inf.
 * @throws {ShapeError} if a type does not fit, or maxNorm is not positive.
 */
export function gradientNorm(
  recorder: Recorder,
  gradients: readonly Tensor[],
  maxNorm: number,
  out: Tensor,
): void {
  if (!(maxNorm > 0)) throw new ShapeError(`maxNorm is ${maxNorm}, expected a positive number.`);
  expectTensor("out", out, "f32", [2]);
  const { gpu } = recorder;
  const { lanes, perLane } = gpu.tiles.elements;
  const program = (entryPoint: string) =>
    gpu.program({
      name: "gradient_norm",
      code: sumOfLanes + code,
      entryPoint,
      constants: { LANES: lanes, PER_LANE: perLane },
    });
  const parts = gradients.flatMap((gradient) => {
    expectTensor("gradient", gradient, "f32", gradient.shape);
    return Array.from(rowBlocks(gpu, gradient.size, gradient));
  });
  const blocksOf = (elements: number) => Math.ceil(elements / (lanes * perLane));
  const blocks = parts.reduce((sum, { count }) => sum + blocksOf(count), 0);
  const sums = recorder.temporary([blocks]);
  let first = 0;
  for (const { count, slices: [gradient] } of parts) {
    const own = blocksOf(count);
    recorder.dispatch(program("partial"), {
      bindings: [gradient, sums],
      params: [u32(count), u32(own), u32(first), f32(0)],
      workgroups: grid(count, lanes * perLane),
    });
    first += own;
  }
  recorder.dispatch(program("total"), {
    bindings: [undefined, sums, out],
    params: [u32(0), u32(blocks), u32(0), limit(maxNorm)],
    workgroups: [1],
  });
  recorder.recycle(sums);
}
