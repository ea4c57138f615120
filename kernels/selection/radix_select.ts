import { ShapeError } from "../runtime/errors.ts";
import philox from "../random/philox.wgsl" with { type: "text" };
import type { Recorder } from "../runtime/recorder.ts";
import { sliceRows } from "../runtime/rows.ts";
import type { Tensor } from "../runtime/tensor.ts";
import {
  type CandidateList,
  emptyCandidates,
  type Lister,
  recycleCandidates,
  workgroupsFor,
} from "./candidates.ts";
import countsCode from "./counts.wgsl" with { type: "text" };
import fraction from "./fraction.wgsl" with { type: "text" };
import code from "./radix_select.wgsl" with { type: "text" };
import stateCode from "./selection_state.wgsl" with { type: "text" };

/** How many tokens to select: max(⌊share·N⌋, atLeast), N the number of response tokens, at most all candidates. */
export interface Amount {
  /** Of the response tokens, 0 to 1; the product is rounded to float64 as Python rounds it. */
  readonly share: number;
  /** The least number: 0 in the paper, 1 in verl; 0 by default. */
  readonly atLeast?: number;
}

/** Words of a SelectionState of selection_state.wgsl. */
export const STATE_WORDS = 7;

/** Tokens of which the lowest key to list is estimated. */
const SAMPLE = 2048;
/** As many standard deviations more of them are listed than are expected to be selected. */
const DEVIATIONS = 4;

/** Digits of 8 bits, from the highest. */
const SHIFTS = [24, 16, 8, 0] as const;

/**
 * Lists at least the candidates of the k largest keys, k being the amount, and few others where the keys of some
 * tokens tell how large those are; finds the k-th largest.
 *
 * @param out A SelectionState, [7] in u32.
 * @throws {ShapeError} if the share or the least number is out of range.
 */
export function listLargest(
  recorder: Recorder,
  lister: Lister,
  amount: Amount,
  out: Tensor,
): CandidateList {
  checkAmount(amount);
  const candidates = emptyCandidates(recorder, lister);
  const isEstimated = estimateLowest(recorder, lister, amount, candidates.listing);
  lister.list(candidates, { stride: 1, few: false });
  begin(recorder, candidates, amount, out);
  // Does nothing where enough are listed.
  if (isEstimated) lister.list(candidates, { stride: 1, few: true });
  search(recorder, candidates, { state: out, shifts: SHIFTS, byIndex: false });
  return candidates;
}

/** What {@linkcode findKth} takes. */
export interface FindKthOptions extends Amount {
  /** All candidates. */
  readonly candidates: CandidateList;
  /** A SelectionState, [7] in u32. */
  readonly out: Tensor;
}

/**
 * Finds the k-th largest key, k being the amount.
 *
 * @throws {ShapeError} if the share or the least number is out of range.
 */
export function findKth(
  recorder: Recorder,
  { candidates, out: state, ...amount }: FindKthOptions,
): void {
  checkAmount(amount);
  begin(recorder, candidates, amount, state);
  search(recorder, candidates, { state, shifts: SHIFTS, byIndex: false });
}

/** What {@linkcode markLargest} takes. */
export interface MarkLargestOptions {
  /** The candidates, those of the k largest keys at least. */
  readonly candidates: CandidateList;
  /** What was found of them. */
  readonly state: Tensor;
  /** 1 for the tokens of the k largest keys, 0 for others, [N] in u32. */
  readonly out: Tensor;
}

/** Marks the tokens of the k largest keys, ties by the lowest index. */
export function markLargest(
  recorder: Recorder,
  { candidates, state, out: selected }: MarkLargestOptions,
): void {
  const { gpu } = recorder;
  search(recorder, candidates, { state, shifts: SHIFTS, byIndex: true });
  recorder.clear(selected);
  const { parts, lists, counts } = candidates;
  for (const [part, { first, count }] of parts.entries()) {
    const groups = workgroupsFor(gpu, count);
    recorder.dispatch(radixProgram(recorder, "mark"), {
      bindings: {
        list: lists[part]!,
        counts,
        state,
        selected: sliceRows(gpu, selected, { width: 1, first, count }),
      },
      params: params({ part, first, invocations: gpu.tiles.tokens.lanes * groups }),
      workgroups: [groups],
    });
  }
}

/** Writes the lowest key to list; whether it could. */
function estimateLowest(
  recorder: Recorder,
  lister: Lister,
  { share, atLeast = 0 }: Amount,
  listing: Tensor,
): boolean {
  const { size } = lister;
  const stride = Math.floor(size / SAMPLE);
  const expected = Math.max(atLeast, share * size) / Math.max(1, stride);
  const rank = Math.ceil(expected + DEVIATIONS * (Math.sqrt(expected) + 1));
  if (stride < 4 || rank > SAMPLE / 4) return false;
  const sample = emptyCandidates(recorder, lister, stride);
  const state = recorder.temporary([STATE_WORDS], "u32");
  lister.list(sample, { stride, few: true });
  const program = (entryPoint: string) => radixProgram(recorder, entryPoint);
  recorder.dispatch(program("begin_lowest"), {
    bindings: { state },
    params: params({ at_least: rank }),
    workgroups: [1],
  });
  // The upper half of the key will do.
  search(recorder, sample, { state, shifts: SHIFTS.slice(0, 2), byIndex: false });
  recorder.dispatch(program("end_lowest"), {
    bindings: { state, listing },
    params: params({ at_least: 1 }),
    workgroups: [1],
  });
  recycleCandidates(recorder, sample);
  recorder.recycle(state);
  return true;
}

function begin(
  recorder: Recorder,
  { parts, counts, listing }: CandidateList,
  { share, atLeast = 0 }: Amount,
  state: Tensor,
): void {
  recorder.dispatch(radixProgram(recorder, "begin"), {
    bindings: { counts, listing, state },
    params: params({ parts: parts.length, ...shareWords(share), at_least: atLeast }),
    workgroups: [1],
  });
}

/** Fixes digits of the k-th key, or of its last index. */
function search(
  recorder: Recorder,
  { parts, lists, counts }: CandidateList,
  { state, shifts, byIndex }: {
    readonly state: Tensor;
    readonly shifts: readonly number[];
    readonly byIndex: boolean;
  },
): void {
  const { gpu } = recorder;
  const histogram = recorder.temporary([256], "u32");
  recorder.clear(histogram);
  const by_index = Number(byIndex);
  for (const shift of shifts) {
    for (const [part, list] of lists.entries()) {
      const groups = workgroupsFor(gpu, parts[part]!.count);
      recorder.dispatch(radixProgram(recorder, "count_digits"), {
        bindings: { list, counts, state, histogram },
        params: params({
          part,
          invocations: gpu.tiles.tokens.lanes * groups,
          by_index,
          shift,
        }),
        workgroups: [groups],
      });
    }
    recorder.dispatch(radixProgram(recorder, "choose_digit"), {
      bindings: { state, histogram },
      params: params({ by_index, shift }),
      workgroups: [1],
    });
  }
  recorder.recycle(histogram);
}

function checkAmount({ share, atLeast = 0 }: Amount): void {
  if (!(share >= 0 && share <= 1)) {
    throw new ShapeError(`the share is ${share}, expected a number from 0 to 1.`);
  }
  if (!Number.isSafeInteger(atLeast) || atLeast < 0 || atLeast >= 2 ** 32) {
    throw new ShapeError(`atLeast is ${atLeast}, expected a whole number from 0 to 2^32 − 1.`);
  }
}

function radixProgram(recorder: Recorder, entryPoint: string) {
  return recorder.gpu.program({
    name: "radix_select",
    code: philox + fraction + countsCode + stateCode + code,
    entryPoint,
    constants: { LANES: recorder.gpu.tiles.tokens.lanes },
  });
}

/** Parameters of radix_select.wgsl; those that an entry point does not read are 0. */
function params(given: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return {
    parts: 0,
    part: 0,
    first: 0,
    invocations: 0,
    by_index: 0,
    shift: 0,
    ...shareWords(0),
    at_least: 0,
    ...given,
  };
}

/** A share from 0 to 1 as the two words of its mantissa and its exponent: (high·2^32 + low)·2^exponent. */
function shareWords(share: number) {
  let exponent = 0;
  let mantissa = share;
  while (mantissa !== 0 && !Number.isInteger(mantissa)) {
    mantissa *= 2;
    exponent--;
  }
  return {
    share_low: mantissa % 2 ** 32,
    share_high: Math.floor(mantissa / 2 ** 32),
    share_exponent: exponent,
  };
}
