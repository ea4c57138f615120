import { ShapeError } from "../runtime/errors.ts";
import type { Gpu } from "../runtime/gpu.ts";
import type { Recorder } from "../runtime/recorder.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import {
  checkSelectionInput,
  covarianceKeys,
  type Keys,
  randomKeys,
  type SampleOptions,
  type SelectionInput,
} from "./keys.ts";
import { type Amount, findKth, markLargest } from "./radix_select.ts";

/** What a selection writes. */
export interface Selection extends Disposable {
  /** 1 for selected tokens, 0 for others, [N] in u32. */
  readonly selected: Tensor;
  /**
   * Number selected, number of candidates, number of response tokens, and two working values, [5] in u32. Of
   * {@linkcode selectTop}, fewer candidates than response tokens tell that some have the covariance NaN.
   */
  readonly counts: Tensor;
}

/** Makes room for a selection among `size` tokens. */
export function emptySelection(gpu: Gpu, size: number): Selection {
  const selected = gpu.empty([size], "u32");
  const counts = gpu.empty([5], "u32");
  return {
    selected,
    counts,
    [Symbol.dispose]() {
      selected.destroy();
      counts.destroy();
    },
  };
}

/**
 * The response tokens of highest covariance, exactly as many as `amount` says, ties by the lowest index
 * (KL-Cov: paper, Eq. 13; `torch.topk` in verl). A token whose covariance is NaN is never selected, where
 * `torch.topk` would take it first: it counts as a response token, of which the amount is a share, but not as
 * a candidate, so that {@linkcode Selection.counts} holds fewer candidates than response tokens. One input of
 * {@linkcode tokenCovariance} that is NaN makes all covariances NaN, and nothing is selected. Runs on the GPU
 * without a readback. Reference: {@linkcode topReference}.
 *
 * @throws {ShapeError} if shapes or types do not fit, or the amount is out of range.
 */
export function selectTop(
  recorder: Recorder,
  input: SelectionInput,
  amount: Amount,
  out: Selection,
): void {
  checkInput(input, out);
  select(recorder, covarianceKeys(recorder, input), amount, out);
}

/**
 * A uniform sample without replacement of the response tokens whose covariance lies in an open interval,
 * exactly as many as `amount` says (Clip-Cov: paper, Eq. 11; `torch.randperm` in verl). Each candidate gets
 * a random key from Philox, and those of the largest keys are taken. A token whose covariance is NaN is no
 * candidate, nor, where PPO's clip is to be left out, is one whose loss is no number. Reference:
 * {@linkcode sampleReference}.
 *
 * @throws {ShapeError} if shapes or types do not fit, or the amount is out of range.
 */
export function selectSample(
  recorder: Recorder,
  input: SelectionInput,
  amount: Amount,
  options: SampleOptions,
  out: Selection,
): void {
  checkInput(input, out);
  if (!(options.low < options.high)) {
    throw new ShapeError(`the interval is (${options.low}, ${options.high}), expected low < high.`);
  }
  select(recorder, randomKeys(recorder, input, options), amount, out);
}

function checkInput(input: SelectionInput, out: Selection): void {
  expectTensor("out.selected", out.selected, "u32", [checkSelectionInput(input)]);
  expectTensor("out.counts", out.counts, "u32", [5]);
}

function select(recorder: Recorder, keys: Keys, amount: Amount, out: Selection): void {
  findKth(recorder, keys, amount, out.counts);
  markLargest(recorder, keys, out.counts, out.selected);
  recorder.recycle(keys.keys);
  recorder.recycle(keys.counts);
}
