import { ShapeError } from "../runtime/errors.ts";
import { grid } from "../runtime/grid.ts";
import philox from "../random/philox.wgsl" with { type: "text" };
import type { Recorder } from "../runtime/recorder.ts";
import type { Tensor } from "../runtime/tensor.ts";
import countsCode from "./counts.wgsl" with { type: "text" };
import fraction from "./fraction.wgsl" with { type: "text" };
import type { Keys } from "./selection_keys.ts";
import code from "./radix_select.wgsl" with { type: "text" };
import stateCode from "./selection_state.wgsl" with { type: "text" };

/** How many tokens to select: max(⌊share·N⌋, atLeast), N the number of response tokens, at most all candidates. */
export interface Amount {
  /** Of the response tokens, 0 to 1; the product is rounded to float64 as Python rounds it. */
  readonly share: number;
  /** The least number: 0 in the paper, 1 in verl; 0 by default. */
  readonly atLeast?: number;
}

/** Elements of an invocation in a histogram: many, since each workgroup pays for 256 bins. */
const PER_LANE_HISTOGRAM = 512;

/** Words of a SelectionState of selection_state.wgsl. */
export const STATE_WORDS = 5;

/** What {@linkcode findKth} takes. */
export interface FindKthOptions extends Amount {
  /** The keys of the tokens. */
  readonly keys: Keys;
  /** A SelectionState, [5] in u32. */
  readonly out: Tensor;
}

/**
 * Finds the k-th largest key, k being the amount.
 *
 * @throws {ShapeError} if the share or the least number is out of range.
 */
export function findKth(
  recorder: Recorder,
  { keys: { keys, counts }, share, atLeast = 0, out: state }: FindKthOptions,
): void {
  if (!(share >= 0 && share <= 1)) {
    throw new ShapeError(`the share is ${share}, expected a number from 0 to 1.`);
  }
  if (!Number.isSafeInteger(atLeast) || atLeast < 0 || atLeast >= 2 ** 32) {
    throw new ShapeError(`atLeast is ${atLeast}, expected a whole number from 0 to 2^32 − 1.`);
  }
  const { size } = keys;
  const { lanes } = recorder.gpu.tiles.elements;
  // A power of two, since each number would be a program of its own.
  const perHistogram = Math.min(
    PER_LANE_HISTOGRAM,
    2 ** Math.ceil(Math.log2(Math.max(1, size / lanes))),
  );
  const histogram = recorder.temporary([256], "u32");
  recorder.clear(histogram);
  const params = (shift: number) => ({
    size,
    blocks: 0,
    shift,
    ...shareWords(share),
    at_least: atLeast,
  });
  const program = (entryPoint: string) => radixProgram(recorder, entryPoint, perHistogram);
  recorder.dispatch(program("begin"), {
    bindings: { counts, state },
    params: params(0),
    workgroups: [1],
  });
  for (const shift of [24, 16, 8, 0]) {
    recorder.dispatch(program("count_digits"), {
      bindings: { keys, state, histogram },
      params: params(shift),
      workgroups: grid(size, lanes * perHistogram),
    });
    recorder.dispatch(program("choose_digit"), {
      bindings: { state, histogram },
      params: params(shift),
      workgroups: [1],
    });
  }
  recorder.recycle(histogram);
}

/** What {@linkcode markLargest} takes. */
export interface MarkLargestOptions {
  /** The keys of the tokens. */
  readonly keys: Keys;
  /** What {@linkcode findKth} found. */
  readonly state: Tensor;
  /** 1 for the tokens of the k largest keys, 0 for others, [N] in u32. */
  readonly out: Tensor;
}

/** Marks the k largest keys that {@linkcode findKth} found, ties by the lowest index. */
export function markLargest(
  recorder: Recorder,
  { keys: { keys }, state, out: selected }: MarkLargestOptions,
): void {
  const { size } = keys;
  const { lanes, perLane } = recorder.gpu.tiles.elements;
  const blocks = Math.ceil(size / (lanes * perLane));
  const ties = recorder.temporary([blocks], "u32");
  const params = { size, blocks, shift: 0, ...shareWords(0), at_least: 0 };
  const workgroups = grid(size, lanes * perLane);
  const program = (entryPoint: string) => radixProgram(recorder, entryPoint, 1);
  recorder.dispatch(program("count_ties"), {
    bindings: { keys, state, ties },
    params,
    workgroups,
  });
  recorder.dispatch(program("sum_ties"), {
    bindings: { ties },
    params,
    workgroups: [1],
  });
  recorder.dispatch(program("mark"), {
    bindings: { keys, state, ties, selected },
    params,
    workgroups,
  });
  recorder.recycle(ties);
}

function radixProgram(recorder: Recorder, entryPoint: string, perHistogram: number) {
  const { lanes, perLane } = recorder.gpu.tiles.elements;
  return recorder.gpu.program({
    name: "radix_select",
    code: philox + fraction + countsCode + stateCode + code,
    entryPoint,
    constants: { LANES: lanes, PER_LANE: perLane, PER_LANE_HISTOGRAM: perHistogram },
  });
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
