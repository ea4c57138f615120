import { ShapeError } from "../runtime/errors.ts";
import { grid } from "../runtime/grid.ts";
import { limit, type Recorder } from "../runtime/recorder.ts";
import { rowBlocks } from "../runtime/row_blocks.ts";
import sumOfLanes from "../runtime/sum_of_lanes.wgsl" with { type: "text" };
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import code from "./gradient_norm.wgsl" with { type: "text" };
import normAndScale from "./norm_and_scale.wgsl" with { type: "text" };

/** What {@linkcode gradientNorm} takes. */
export interface GradientNormOptions {
  /** The gradient's tensors, of any shape in f32. */
  readonly gradients: readonly Tensor[];
  /** The largest norm that is allowed; Infinity for none. */
  readonly maxNorm: number;
  /** The norm and the scale, [2] in f32; {@linkcode readGradientNorm} names them. */
  readonly out: Tensor;
}

/** The norm of a gradient, and what clips it. */
export interface GradientNorm {
  /** The Euclidean norm over all its tensors. */
  readonly norm: number;
  /** What to multiply it with so that its norm is at most the largest; NaN where the norm is not finite. */
  readonly scale: number;
}

/** Names the words that {@linkcode gradientNorm} wrote, once they were read. */
export function readGradientNorm([norm, scale]: Iterable<number>): GradientNorm {
  return { norm: norm!, scale: scale! };
}

/**
 * The Euclidean norm of a gradient over all its tensors, and the scale that clips it: the smaller of 1 and
 * maxNorm / (norm + 1e-6). A norm that is not finite tells of NaN or Inf. Reference:
 * {@linkcode gradientNormReference}; matches `torch.nn.utils.clip_grad_norm_`, whose multiplication is left
 * to {@linkcode adamw}.
 *
 * @throws {ShapeError} if a type does not fit, or maxNorm is not positive.
 */
export function gradientNorm(
  recorder: Recorder,
  { gradients, maxNorm, out }: GradientNormOptions,
): void {
  if (!(maxNorm > 0)) throw new ShapeError(`maxNorm is ${maxNorm}, expected a positive number.`);
  expectTensor("out", out, "f32", [2]);
  const { gpu } = recorder;
  const { lanes, perLane } = gpu.tiles.elements;
  const program = (entryPoint: string) =>
    gpu.program({
      name: "gradient_norm",
      code: sumOfLanes + normAndScale + code,
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
      bindings: { gradient, sums },
      params: { size: count, blocks: own, first, max_norm: 0 },
      workgroups: grid(count, lanes * perLane),
    });
    first += own;
  }
  recorder.dispatch(program("total"), {
    bindings: { sums, gradient_norm: out },
    params: { size: 0, blocks, first: 0, max_norm: limit(maxNorm) },
    workgroups: [1],
  });
  recorder.recycle(sums);
}
