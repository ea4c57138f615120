import { ShapeError } from "../runtime/errors.ts";
import type { GpuContext } from "../runtime/context.ts";
import type { Recorder } from "../runtime/recorder.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import { type Lister, recycleCandidates } from "./candidates.ts";
import { type Amount, listLargest, markLargest, STATE_WORDS } from "./radix_select.ts";
import {
  checkSelectionInput,
  covarianceLister,
  randomLister,
  type SampleOptions,
  type SelectionInput,
} from "./selection_keys.ts";

/** What a selection writes. */
export interface Selection extends Disposable {
  /** 1 for selected tokens, 0 for others, [N] in u32. */
  readonly selected: Tensor<"u32">;
  /** How many there are, [7] in u32; {@linkcode readSelectionCounts} names them, the last four are working values. */
  readonly counts: Tensor<"u32">;
}

/** How many tokens a selection found. */
export interface SelectionCounts {
  /** Number of selected tokens. */
  readonly selected: number;
  /**
   * Number of candidates. Of {@linkcode selectTop}, fewer candidates than response tokens tell that some have
   * the covariance NaN.
   */
  readonly candidates: number;
  /** Number of response tokens. */
  readonly tokens: number;
}

/** Names the words of {@linkcode Selection.counts}, once they were read. */
export function readSelectionCounts(words: ArrayLike<number>): SelectionCounts {
  return { selected: words[0]!, candidates: words[1]!, tokens: words[2]! };
}

/** Makes room for a selection among `size` tokens. */
export function emptySelection(gpu: GpuContext, size: number): Selection {
  const selected = gpu.empty([size], "u32");
  const counts = gpu.empty([STATE_WORDS], "u32");
  return {
    selected,
    counts,
    [Symbol.dispose]() {
      selected.destroy();
      counts.destroy();
    },
  };
}

/** What {@linkcode selectTop} takes. */
export interface SelectTopOptions extends SelectionInput, Amount {
  /** Where the selection goes. */
  readonly out: Selection;
}

/** What {@linkcode selectSample} takes. */
export interface SelectSampleOptions extends SelectTopOptions, SampleOptions {}

/**
 * The response tokens of highest covariance, exactly max(⌊share·N⌋, atLeast) of N, ties by the lowest
 * index (KL-Cov: paper, Eq. 13; `torch.topk` in verl). A token whose covariance is NaN is never selected, where
 * `torch.topk` would take it first: it counts as a response token, of which `share` is meant, but not as
 * a candidate, so that {@linkcode SelectionCounts} holds fewer candidates than response tokens. One input of
 * {@linkcode tokenCovariance} that is NaN makes all covariances NaN, and nothing is selected. Runs on the GPU
 * without a readback. Reference: {@linkcode topReference}.
 *
 * @throws {ShapeError} if shapes or types do not fit, or the share or the least number is out of range.
 */
export function selectTop(recorder: Recorder, options: SelectTopOptions): void {
  checkInput(options);
  select(recorder, covarianceLister(recorder, options), options);
}

/**
 * A uniform sample without replacement of the response tokens whose covariance lies in an open interval,
 * exactly max(⌊share·N⌋, atLeast) of N (Clip-Cov: paper, Eq. 11; `torch.randperm` in verl). Each candidate gets
 * a random key from Philox, and those of the largest keys are taken. A token whose covariance is NaN is no
 * candidate, nor, where PPO's clip is to be left out, is one whose loss is no number. Reference:
 * {@linkcode sampleReference}.
 *
 * @throws {ShapeError} if shapes or types do not fit, or the share or the least number is out of range.
 */
export function selectSample(recorder: Recorder, options: SelectSampleOptions): void {
  checkInput(options);
  const { covarianceLow: low, covarianceHigh: high } = options;
  if (!(low < high)) {
    throw new ShapeError(`the interval is (${low}, ${high}), expected low < high.`);
  }
  select(recorder, randomLister(recorder, options), options);
}

function checkInput({ covariance, mask, out }: SelectTopOptions): void {
  const size = checkSelectionInput({ covariance, mask });
  expectTensor("out.selected", out.selected, "u32", [size]);
  expectTensor("out.counts", out.counts, "u32", [STATE_WORDS]);
}

function select(recorder: Recorder, lister: Lister, { out, ...amount }: SelectTopOptions): void {
  const candidates = listLargest(recorder, lister, amount, out.counts);
  markLargest(recorder, { candidates, state: out.counts, out: out.selected });
  recycleCandidates(recorder, candidates);
}
