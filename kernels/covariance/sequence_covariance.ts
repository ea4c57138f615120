import { ShapeError } from "../runtime/errors.ts";
import { grid } from "../runtime/grid.ts";
import type { Recorder } from "../runtime/recorder.ts";
import { rowBlocks } from "../runtime/row_blocks.ts";
import { bindRows } from "../runtime/rows.ts";
import { stagedCode, stageInputs } from "../runtime/staged_reads.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import { tokenParts } from "../runtime/token_parts.ts";
import code from "./sequence_covariance.wgsl" with { type: "text" };
import type { GroupCovariance } from "./sequence_covariance_reference.ts";

/** Bytes of a response's sums, twice, so that those of a part with what it shares with others fit into a binding. */
const SUM_BYTES = 32;

/** What {@linkcode sequenceCovariance} takes. */
export interface SequenceCovarianceOptions {
  /** Log-probabilities, [B, T] in f32. */
  readonly logProb: Tensor;
  /** Advantages, [B, T] in f32. */
  readonly advantages: Tensor;
  /** Not 0, whatever else, for response tokens; 0 for padding; [B, T] in u32. */
  readonly mask: Tensor;
  /** Responses of a prompt, one after the other. */
  readonly group: number;
  /**
   * Cov(ln π, A) and Cov(ln π, π·A) of each group, [⌈B / group⌉, 2] in f32; {@linkcode readSequenceCovariance}
   * names them.
   */
  readonly out: Tensor;
}

/**
 * Covariance per prompt group over whole responses (paper, Eqs. 8 and 9): ln π(y) is the mean token
 * log-probability, which normalises for length, and A(y) the mean token advantage. Responses without
 * tokens are left out. Reference: {@linkcode sequenceCovarianceReference}.
 *
 * @throws {ShapeError} if shapes or types do not fit, or the group is not a positive whole number.
 */
export function sequenceCovariance(recorder: Recorder, options: SequenceCovarianceOptions): void {
  const { logProb, advantages, mask, group, out } = options;
  expectTensor("logProb", logProb, "f32", [-1, -1]);
  expectTensor("advantages", advantages, "f32", logProb.shape);
  expectTensor("mask", mask, "u32", logProb.shape);
  if (!Number.isSafeInteger(group) || group < 1) {
    throw new ShapeError(`the group is ${group}, expected a positive whole number of responses.`);
  }
  const [rows, columns] = logProb.shape as [number, number];
  const groups = Math.ceil(rows / group);
  expectTensor("out", out, "f32", [groups, 2]);
  const { gpu } = recorder;
  const { lanes } = gpu.tiles.tokens;
  const program = (entryPoint: string) =>
    gpu.program({
      name: "sequence_covariance",
      code: stagedCode(gpu, code, ["mask", "log_prob", "advantages"]),
      entryPoint,
      constants: { LANES: lanes },
    });
  const most = Math.min(group, rows);
  // Whole groups, so that they can be bound by groups.
  const responses = recorder.temporary([groups * most, 4]);
  recorder.clear(responses);
  const common = { columns, group: most };
  const parts = tokenParts(
    gpu,
    { size: logProb.size, bytes: Math.max(4, Math.ceil(SUM_BYTES / Math.max(1, columns))) },
    mask,
    logProb,
    advantages,
  );
  for (const { first, count, slices: [maskPart, logProbs, ofAdvantages] } of parts) {
    const firstRow = Math.floor(first / columns);
    const ownRows = Math.floor((first + count - 1) / columns) + 1 - firstRow;
    const bound = bindRows(gpu, responses, { width: 4, first: firstRow, count: ownRows });
    const inputs = { mask: maskPart, log_prob: logProbs, advantages: ofAdvantages };
    recorder.dispatch(program("response_sums"), {
      bindings: { ...stageInputs(recorder, inputs), responses: bound.slice },
      params: {
        ...common,
        rows: ownRows,
        first_row: firstRow,
        offset: bound.offset / 4,
        size: count,
        first,
      },
      workgroups: grid(ownRows, 1),
    });
  }
  const byGroup = responses.reshape([groups, 4 * most]);
  for (const { first, count, slices: [own, covariance] } of rowBlocks(gpu, groups, byGroup, out)) {
    recorder.dispatch(program("group_covariance"), {
      bindings: { responses: own, covariance },
      params: {
        ...common,
        rows: Math.min(count * most, rows - first * most),
        first_row: 0,
        offset: 0,
        size: 0,
        first: 0,
      },
      workgroups: grid(count, lanes),
    });
  }
  recorder.recycle(responses);
}

/** Names the numbers that {@linkcode sequenceCovariance} wrote, once they were read: those of each group. */
export function readSequenceCovariance(values: ArrayLike<number>): GroupCovariance[] {
  return Array.from({ length: values.length / 2 }, (_, group) => ({
    withAdvantage: values[2 * group]!,
    withPolicyAdvantage: values[2 * group + 1]!,
  }));
}
