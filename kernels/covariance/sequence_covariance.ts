import { ShapeError } from "../runtime/errors.ts";
import { grid } from "../runtime/grid.ts";
import type { Recorder } from "../runtime/recorder.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import code from "./sequence_covariance.wgsl" with { type: "text" };
import type { GroupCovariance } from "./sequence_covariance_reference.ts";

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
  const { lanes } = gpu.tiles.elements;
  const program = (entryPoint: string) =>
    gpu.program({ name: "sequence_covariance", code, entryPoint, constants: { LANES: lanes } });
  const params = { rows, columns, group };
  const responses = recorder.temporary([rows, 4]);
  recorder.dispatch(program("response_means"), {
    bindings: { mask, log_prob: logProb, advantages, responses },
    params,
    workgroups: grid(rows, lanes),
  });
  recorder.dispatch(program("group_covariance"), {
    bindings: { responses, covariance: out },
    params,
    workgroups: grid(groups, lanes),
  });
  recorder.recycle(responses);
}

/** Names the numbers that {@linkcode sequenceCovariance} wrote, once they were read: those of each group. */
export function readSequenceCovariance(values: ArrayLike<number>): GroupCovariance[] {
  return Array.from({ length: values.length / 2 }, (_, group) => ({
    withAdvantage: values[2 * group]!,
    withPolicyAdvantage: values[2 * group + 1]!,
  }));
}
