import { grid } from "../runtime/grid.ts";
import { type Recorder, u32 } from "../runtime/recorder.ts";
import type { Tensor } from "../runtime/tensor.ts";
import code from "./token_order.wgsl" with { type: "text" };

/** Tokens that one invocation counts, unless that makes too many counters or segments. */
const SEGMENT = 64;
const MOST_COUNTERS = 1 << 22;
const MOST_SEGMENTS = 1 << 16;

/** The places of each token of the vocabulary, in temporaries of the recorder. */
export interface TokenOrder {
  /** The places, from 0, sorted by token and then by place, [size] in u32. */
  readonly order: Tensor;
  /** Where the places of each token begin in `order`, and where the last ones end, [V + 1] in u32. */
  readonly starts: Tensor;
}

/**
 * Sorts `size` tokens from `first` on. Tokens outside the vocabulary are left out.
 *
 * @param tokens [N] in u32.
 */
export function tokenOrder(
  recorder: Recorder,
  tokens: Tensor,
  first: number,
  size: number,
  vocabulary: number,
): TokenOrder {
  const { gpu } = recorder;
  const { lanes } = gpu.tiles.elements;
  const most = Math.min(MOST_SEGMENTS, Math.max(1, Math.floor(MOST_COUNTERS / vocabulary)));
  const segmentSize = Math.max(SEGMENT, Math.ceil(size / most));
  const segments = Math.ceil(size / segmentSize);
  const counts = recorder.temporary([segments, vocabulary], "u32");
  const starts = recorder.temporary([vocabulary + 1], "u32");
  const order = recorder.temporary([size], "u32");
  const run = (entryPoint: string, used: boolean[], workgroups: [number, number?]) =>
    recorder.dispatch(
      gpu.program({ name: "token_order", code, entryPoint, constants: { LANES: lanes } }),
      {
        bindings: [tokens, counts, starts, order].map((tensor, i) => used[i] ? tensor : undefined),
        params: [u32(size), u32(first), u32(vocabulary), u32(segments), u32(segmentSize)],
        workgroups,
      },
    );
  const bySegment: [number] = [Math.ceil(segments / lanes)];
  recorder.clear(counts);
  run("count", [true, true, false, false], bySegment);
  run("rank", [false, true, true, false], grid(vocabulary, lanes));
  run("accumulate", [false, false, true, false], [1]);
  run("place", [true, true, true, true], bySegment);
  recorder.recycle(counts);
  return { order, starts };
}
