import type { Gpu } from "../runtime/gpu.ts";
import { grid } from "../runtime/grid.ts";
import { type Recorder, u32 } from "../runtime/recorder.ts";
import sumOfLanes from "../runtime/sum_of_lanes.wgsl" with { type: "text" };
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import meansCode from "./masked_means.wgsl" with { type: "text" };
import covarianceCode from "./token_covariance.wgsl" with { type: "text" };

/** What {@linkcode tokenCovariance} writes. */
export interface TokenCovariance extends Disposable {
  /** Covariance of each token, [N] in f32; 0 for padding. */
  readonly covariance: Tensor;
  /** Number of response tokens, [1] in u32. */
  readonly count: Tensor;
  /** Mean log-probability and mean advantage of response tokens, [2] in f32. */
  readonly means: Tensor;
  /** Mean covariance of response tokens, [1] in f32. */
  readonly mean: Tensor;
}

/** Makes room for the covariance of `size` tokens. */
export function emptyTokenCovariance(gpu: Gpu, size: number): TokenCovariance {
  const tensors = {
    covariance: gpu.empty([size]),
    count: gpu.empty([1], "u32"),
    means: gpu.empty([2]),
    mean: gpu.empty([1]),
  };
  return {
    ...tensors,
    [Symbol.dispose]() {
      for (const tensor of Object.values(tensors)) tensor.destroy();
    },
  };
}

/** The tokens whose covariance is taken, each of any shape with N elements. */
export interface TokenCovarianceInput {
  /** Log-probabilities of the current policy, in f32. */
  readonly logProb: Tensor;
  /** Advantages, in f32. */
  readonly advantages: Tensor;
  /** Not 0, whatever else, for response tokens; 0 for padding; in u32. */
  readonly mask: Tensor;
}

/**
 * The covariance of each response token with what its policy thought of it (paper, Eq. 10):
 * (ln π − mean ln π)·(A − mean A), the means over all response tokens. Sums run in a fixed order.
 * Reference: {@linkcode covarianceReference}.
 *
 * @throws {ShapeError} if shapes or types do not fit.
 */
export function tokenCovariance(
  recorder: Recorder,
  { logProb, advantages, mask }: TokenCovarianceInput,
  out: TokenCovariance,
): void {
  const { size, shape } = logProb;
  expectTensor("logProb", logProb, "f32", shape);
  expectTensor("advantages", advantages, "f32", shape);
  expectTensor("mask", mask, "u32", shape);
  expectTensor("out.covariance", out.covariance, "f32", [size]);
  const { gpu } = recorder;
  const { lanes, perLane } = gpu.tiles.elements;
  const constants = { LANES: lanes, PER_LANE: perLane };
  const blocks = Math.ceil(size / (lanes * perLane));
  const params = [u32(size), u32(blocks)];
  const workgroups = grid(size, lanes * perLane);
  const counts = recorder.temporary([blocks], "u32");
  const sums = recorder.temporary([blocks, 2]);
  const means = (entryPoint: string) =>
    gpu.program({ name: "masked_means", code: meansCode, entryPoint, constants });
  recorder.dispatch(means("partial"), {
    bindings: [mask, logProb, advantages, counts, sums],
    params,
    workgroups,
  });
  recorder.dispatch(means("total"), {
    bindings: [undefined, undefined, undefined, counts, sums, out.count, out.means],
    params,
    workgroups: [1],
  });
  const covariance = (entryPoint: string) =>
    gpu.program({
      name: "token_covariance",
      code: sumOfLanes + covarianceCode,
      entryPoint,
      constants,
    });
  recorder.dispatch(covariance("main"), {
    bindings: [mask, logProb, advantages, undefined, out.means, out.covariance, sums],
    params,
    workgroups,
  });
  recorder.dispatch(covariance("total"), {
    bindings: [undefined, undefined, undefined, out.count, undefined, undefined, sums, out.mean],
    params,
    workgroups: [1],
  });
  recorder.recycle(counts);
  recorder.recycle(sums);
}
