import { grid } from "../runtime/grid.ts";
import type { Dispatch, Recorder } from "../runtime/recorder.ts";
import type { Tensor } from "../runtime/tensor.ts";
import code from "./token_order.wgsl" with { type: "text" };

/** Tokens that one invocation counts, unless that makes too many counters or segments. */
const SEGMENT = 64;
const MOST_COUNTERS = 1 << 22;
const MOST_SEGMENTS = 1 << 16;

/** What {@linkcode tokenOrder} takes. */
export interface TokenOrderOptions {
  /** The tokens, [N] in u32. */
  readonly tokens: Tensor;
  /** The first one to sort, whose place is 0. */
  readonly first: number;
  /** How many to sort. */
  readonly size: number;
  /** The number V of tokens there are; others are left out. */
  readonly vocabulary: number;
}

/** The places of each token of the vocabulary, in temporaries of the recorder. */
export interface TokenOrder {
  /** The places, from 0, sorted by token and then by place, [size] in u32. */
  readonly order: Tensor<"u32">;
  /** Where the places of each token begin in `order`, and where the last ones end, [V + 1] in u32. */
  readonly starts: Tensor<"u32">;
}

/** Sorts some tokens, those of a list or of a part of it. */
export function tokenOrder(
  recorder: Recorder,
  { tokens, first, size, vocabulary }: TokenOrderOptions,
): TokenOrder {
  const { gpu } = recorder;
  const { lanes } = gpu.tiles.elements;
  const most = Math.min(MOST_SEGMENTS, Math.max(1, Math.floor(MOST_COUNTERS / vocabulary)));
  const segmentSize = Math.max(SEGMENT, Math.ceil(size / most));
  const segments = Math.ceil(size / segmentSize);
  const counts = recorder.temporary([segments, vocabulary], "u32");
  const starts = recorder.temporary([vocabulary + 1], "u32");
  const order = recorder.temporary([size], "u32");
  const params = { size, first, vocabulary, segments, segment_size: segmentSize };
  const run = (entryPoint: string, step: Pick<Dispatch, "bindings" | "workgroups">) =>
    recorder.dispatch(
      gpu.program({ name: "token_order", code, entryPoint, constants: { LANES: lanes } }),
      { ...step, params },
    );
  const bySegment = [Math.ceil(segments / lanes)] as const;
  recorder.clear(counts);
  run("count", { bindings: { tokens, counts }, workgroups: bySegment });
  run("rank", { bindings: { counts, starts }, workgroups: grid(vocabulary, lanes) });
  run("accumulate", { bindings: { starts }, workgroups: [1] });
  run("place", { bindings: { tokens, counts, starts, order }, workgroups: bySegment });
  recorder.recycle(counts);
  return { order, starts };
}
