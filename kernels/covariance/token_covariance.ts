import type { GpuContext } from "../runtime/context.ts";
import type { Recorder } from "../runtime/recorder.ts";
import sumOfLanes from "../runtime/sum_of_lanes.wgsl" with { type: "text" };
import { stagedCode, stageInputs } from "../runtime/staged_reads.ts";
import { expectElements, expectTensor, type Tensor } from "../runtime/tensor.ts";
import { blocksOf, tokenParts } from "../runtime/token_parts.ts";
import tokenVectors from "../runtime/token_vectors.wgsl" with { type: "text" };
import maskedMeans from "./masked_means.wgsl" with { type: "text" };
import meansCode from "./means.wgsl" with { type: "text" };
import covarianceCode from "./token_covariance.wgsl" with { type: "text" };

/** What both passes read. */
const READ = ["mask", "log_prob", "advantages"] as const;

/** What {@linkcode tokenCovariance} writes. */
export interface TokenCovariance extends Disposable {
  /** Covariance of each token, [N] in f32; 0 for padding. */
  readonly covariance: Tensor<"f32">;
  /** Number of response tokens, [1] in u32. */
  readonly count: Tensor<"u32">;
  /** Mean log-probability and mean advantage of response tokens, [2] in f32. */
  readonly means: Tensor<"f32">;
  /** Mean covariance of response tokens, [1] in f32. */
  readonly mean: Tensor<"f32">;
}

/** Makes room for the covariance of `size` tokens. */
export function emptyTokenCovariance(gpu: GpuContext, size: number): TokenCovariance {
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

/** What {@linkcode tokenCovariance} takes; tensors of any shape with N elements. */
export interface TokenCovarianceOptions {
  /** Log-probabilities of the current policy, in f32. */
  readonly logProb: Tensor;
  /** Advantages, in f32. */
  readonly advantages: Tensor;
  /** Not 0, whatever else, for response tokens; 0 for padding; in u32. */
  readonly mask: Tensor;
  /** Where the results go. */
  readonly out: TokenCovariance;
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
  { logProb, advantages, mask, out }: TokenCovarianceOptions,
): void {
  const { size } = logProb;
  expectElements("logProb", logProb, "f32", size);
  expectElements("advantages", advantages, "f32", size);
  expectElements("mask", mask, "u32", size);
  expectTensor("out.covariance", out.covariance, "f32", [size]);
  expectTensor("out.count", out.count, "u32", [1]);
  expectTensor("out.means", out.means, "f32", [2]);
  expectTensor("out.mean", out.mean, "f32", [1]);
  const { gpu } = recorder;
  const { lanes, vectors } = gpu.tiles.tokens;
  const constants = { LANES: lanes, VECTORS: vectors };
  const parts = tokenParts(gpu, { size }, mask, logProb, advantages, out.covariance);
  const blocks = blocksOf(parts);
  const all = { params: { size, blocks, first_block: 0 }, workgroups: [1] } as const;
  const sums = recorder.temporary([blocks, 4], "u32");
  const means = (entryPoint: string) =>
    gpu.program({
      name: "masked_means",
      code: meansCode + tokenVectors + stagedCode(gpu, maskedMeans, READ),
      entryPoint,
      constants,
    });
  const read = ({ slices: [mask, logProb, advantages] }: (typeof parts)[number]) =>
    stageInputs(recorder, { mask, log_prob: logProb, advantages });
  // Both passes read the same where there is one part.
  const only = parts.length === 1 ? read(parts[0]!) : undefined;
  for (const part of parts) {
    const { count, blocks, firstBlock, workgroups } = part;
    recorder.dispatch(means("partial"), {
      bindings: { ...(only ?? read(part)), sums },
      params: { size: count, blocks, first_block: firstBlock },
      workgroups,
    });
  }
  recorder.dispatch(means("total"), {
    bindings: { sums, count: out.count, means: out.means },
    ...all,
  });
  const covariance = (entryPoint: string) =>
    gpu.program({
      name: "token_covariance",
      code: sumOfLanes + meansCode + tokenVectors + stagedCode(gpu, covarianceCode, READ),
      entryPoint,
      constants,
    });
  for (const part of parts) {
    const { count, blocks, firstBlock, workgroups, slices } = part;
    recorder.dispatch(covariance("main"), {
      bindings: {
        ...(only ?? read(part)),
        means: out.means,
        covariance: slices[3],
        sums,
      },
      params: { size: count, blocks, first_block: firstBlock },
      workgroups,
    });
  }
  recorder.dispatch(covariance("total"), {
    bindings: { count: out.count, sums, mean_covariance: out.mean },
    ...all,
  });
  recorder.recycle(sums);
}
