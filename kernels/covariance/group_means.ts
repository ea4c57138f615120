import type { Recorder } from "../runtime/recorder.ts";
import sumOfLanes from "../runtime/sum_of_lanes.wgsl" with { type: "text" };
import { stagedCode, stageInputs } from "../runtime/staged_reads.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import { blocksOf, tokenParts } from "../runtime/token_parts.ts";
import tokenVectors from "../runtime/token_vectors.wgsl" with { type: "text" };
import { listAll, recycleCandidates } from "../selection/candidates.ts";
import floatKeys from "../selection/float_keys.wgsl" with { type: "text" };
import { findKth, STATE_WORDS } from "../selection/radix_select.ts";
import {
  checkSelectionInput,
  covarianceLister,
  type SelectionInput,
} from "../selection/selection_keys.ts";
import selectionState from "../selection/selection_state.wgsl" with { type: "text" };
import code from "./group_means.wgsl" with { type: "text" };

/** The groups of the paper's Table 1: the top 0.02 %, 0.2 %, 2 %, 20 %, 50 % and all tokens by covariance. */
export const TABLE_1_SHARES: readonly number[] = [0.0002, 0.002, 0.02, 0.2, 0.5, 1];

/** What {@linkcode groupMeans} takes. */
export interface GroupMeansOptions extends SelectionInput {
  /** The groups, as shares of the response tokens; {@linkcode TABLE_1_SHARES} by default. */
  readonly shares?: readonly number[];
  /** The means, [number of shares] in f32. */
  readonly out: Tensor;
}

/**
 * Mean covariance of the tokens of highest covariance (paper, Table 1), for each share r of the max(⌊rN⌋, 1)
 * highest of N response tokens; 0 where there is none, NaN where one has the covariance NaN. Reference:
 * {@linkcode groupMeansReference}.
 *
 * @throws {ShapeError} if shapes or types do not fit, or a share is not from 0 to 1.
 */
export function groupMeans(
  recorder: Recorder,
  { covariance, mask, shares = TABLE_1_SHARES, out }: GroupMeansOptions,
): void {
  const size = checkSelectionInput({ covariance, mask });
  expectTensor("out", out, "f32", [shares.length]);
  const { gpu } = recorder;
  const { lanes, vectors } = gpu.tiles.tokens;
  const program = (entryPoint: string) =>
    gpu.program({
      name: "group_means",
      code: sumOfLanes + selectionState + floatKeys + tokenVectors +
        stagedCode(gpu, code, ["mask", "covariance"]),
      entryPoint,
      constants: { LANES: lanes, VECTORS: vectors },
    });
  const candidates = listAll(recorder, covarianceLister(recorder, { covariance, mask }));
  const state = recorder.temporary([STATE_WORDS], "u32");
  const parts = tokenParts(gpu, { size }, mask, covariance);
  const blocks = blocksOf(parts);
  const read = ({ slices: [mask, covariance] }: (typeof parts)[number]) =>
    stageInputs(recorder, { mask, covariance });
  const only = parts.length === 1 ? read(parts[0]!) : undefined;
  const sums = recorder.temporary([blocks]);
  for (const [group, share] of shares.entries()) {
    findKth(recorder, { candidates, share, atLeast: 1, out: state });
    for (const part of parts) {
      const { count, blocks, firstBlock, workgroups } = part;
      recorder.dispatch(program("partial"), {
        bindings: { ...(only ?? read(part)), state, sums },
        params: { size: count, blocks, first_block: firstBlock, group },
        workgroups,
      });
    }
    recorder.dispatch(program("total"), {
      bindings: { state, sums, means: out },
      params: { size, blocks, first_block: 0, group },
      workgroups: [1],
    });
  }
  recycleCandidates(recorder, candidates);
  for (const tensor of [state, sums]) recorder.recycle(tensor);
}
