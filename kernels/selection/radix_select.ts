import { ShapeError } from "../runtime/errors.ts";
import { grid } from "../runtime/grid.ts";
import philox from "../random/philox.wgsl" with { type: "text" };
import { type Recorder, u32, type Word } from "../runtime/recorder.ts";
import type { Tensor } from "../runtime/tensor.ts";
import fraction from "./fraction.wgsl" with { type: "text" };
import type { Keys } from "./keys.ts";
import code from "./radix_select.wgsl" with { type: "text" };

/** How many tokens to select: max(⌊ratio·N⌋, atLeast), N the number of response tokens, at most all candidates. */
export interface Amount {
  /** A share of the response tokens, 0 to 1; the product is rounded to float64 as Python rounds it. */
  readonly ratio: number;
  /** The least number: 0 in the paper, 1 in verl; 0 by default. */
  readonly atLeast?: number;
}

/** Elements of an invocation in a histogram: many, since each workgroup pays for 256 bins. */
const PER_LANE_HISTOGRAM = 512;

/**
 * Finds the k-th largest key, k being the amount.
 *
 * @param state Written: k, candidates, response tokens, the k-th largest key, and how many tokens of that
 * very key are among the k, [5] in u32.
 * @throws {ShapeError} if the ratio or the least number is out of range.
 */
export function findKth(
  recorder: Recorder,
  { keys, counts }: Keys,
  { ratio, atLeast = 0 }: Amount,
  state: Tensor,
): void {
  if (!(ratio >= 0 && ratio <= 1)) {
    throw new ShapeError(`the ratio is ${ratio}, expected a share from 0 to 1.`);
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
  const params = (shift: number) => [
    u32(size),
    u32(0),
    u32(shift),
    ...ratioWords(ratio),
    u32(atLeast),
  ];
  const program = (entryPoint: string) => radixProgram(recorder, entryPoint, perHistogram);
  recorder.dispatch(program("begin"), {
    bindings: [undefined, counts, state],
    params: params(0),
    workgroups: [1],
  });
  for (const shift of [24, 16, 8, 0]) {
    recorder.dispatch(program("count_digits"), {
      bindings: [keys, undefined, state, histogram],
      params: params(shift),
      workgroups: grid(size, lanes * perHistogram),
    });
    recorder.dispatch(program("choose_digit"), {
      bindings: [undefined, undefined, state, histogram],
      params: params(shift),
      workgroups: [1],
    });
  }
  recorder.recycle(histogram);
}

/** Marks the k largest keys that {@linkcode findKth} found, ties by the lowest index. */
export function markLargest(
  recorder: Recorder,
  { keys }: Keys,
  state: Tensor,
  selected: Tensor,
): void {
  const { size } = keys;
  const { lanes, perLane } = recorder.gpu.tiles.elements;
  const blocks = Math.ceil(size / (lanes * perLane));
  const ties = recorder.temporary([blocks], "u32");
  const params = [u32(size), u32(blocks), u32(0), u32(0), u32(0), u32(0), u32(0)];
  const workgroups = grid(size, lanes * perLane);
  const program = (entryPoint: string) => radixProgram(recorder, entryPoint, 1);
  recorder.dispatch(program("count_ties"), {
    bindings: [keys, undefined, state, undefined, ties],
    params,
    workgroups,
  });
  recorder.dispatch(program("sum_ties"), {
    bindings: [undefined, undefined, undefined, undefined, ties],
    params,
    workgroups: [1],
  });
  recorder.dispatch(program("mark"), {
    bindings: [keys, undefined, state, undefined, ties, selected],
    params,
    workgroups,
  });
  recorder.recycle(ties);
}

function radixProgram(recorder: Recorder, entryPoint: string, perHistogram: number) {
  const { lanes, perLane } = recorder.gpu.tiles.elements;
  return recorder.gpu.program({
    name: "radix_select",
    code: philox + fraction + code,
    entryPoint,
    constants: { LANES: lanes, PER_LANE: perLane, PER_LANE_HISTOGRAM: perHistogram },
  });
}

/** A ratio from 0 to 1 as the two words of its mantissa and its exponent: (high·2^32 + low)·2^exponent. */
function ratioWords(ratio: number): [Word, Word, Word] {
  let exponent = 0;
  let mantissa = ratio;
  while (mantissa !== 0 && !Number.isInteger(mantissa)) {
    mantissa *= 2;
    exponent--;
  }
  return [u32(mantissa % 2 ** 32), u32(Math.floor(mantissa / 2 ** 32)), u32(exponent >>> 0)];
}
