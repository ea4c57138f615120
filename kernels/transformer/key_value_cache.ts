import { grid } from "../runtime/grid.ts";
import { type Recorder, u32 } from "../runtime/recorder.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import code from "./key_value_cache.wgsl" with { type: "text" };
import { rowBlocks } from "../runtime/row_blocks.ts";
import { elementsOf } from "./shader_text.ts";

/** What {@linkcode writeCache} copies, and where to. */
export interface WriteCacheOptions {
  /** New keys, [B, T, KV, headSize] in f32. */
  readonly key: Tensor;
  /** New values, [B, T, KV, headSize] in f32. */
  readonly value: Tensor;
  /** The cache of keys, [B, S, KV, headSize] in f32. */
  readonly keyCache: Tensor;
  /** The cache of values, [B, S, KV, headSize] in f32. */
  readonly valueCache: Tensor;
  /**
   * Where they go: `step` positions after the end of each row's span, as in {@linkcode attentionDecode};
   * position 0 by default, for a prompt. Spans are [B, 2] in u32.
   */
  readonly after?: { readonly spans: Tensor; readonly step: number };
}

/**
 * Copies keys and values into the caches that {@linkcode attentionDecode} reads. What would lie past the
 * end of the cache is left out.
 *
 * @throws {ShapeError} if shapes or types do not fit.
 */
export function writeCache(recorder: Recorder, options: WriteCacheOptions): void {
  const { key, value, keyCache, valueCache, after } = options;
  expectTensor("key", key, "f32", [-1, -1, -1, -1]);
  const [rows, positions, heads, headSize] = key.shape as [number, number, number, number];
  expectTensor("value", value, "f32", key.shape);
  expectTensor("keyCache", keyCache, "f32", [rows, -1, heads, headSize]);
  expectTensor("valueCache", valueCache, "f32", keyCache.shape);
  if (after !== undefined) expectTensor("after.spans", after.spans, "u32", [rows, 2]);
  const { gpu } = recorder;
  const { lanes, perLane } = gpu.tiles.elements;
  const elements = elementsOf(heads * headSize);
  const program = gpu.program({
    name: "key_value_cache",
    code: elements.code + code,
    constants: {
      LANES: lanes,
      PER_LANE: perLane,
      CHUNKS: elements.chunks,
      DECODE: Number(after !== undefined),
    },
  });
  for (
    const { first, count, slices } of rowBlocks(gpu, rows, key, value, keyCache, valueCache)
  ) {
    const [keyRows, valueRows, keyCacheRows, valueCacheRows] = slices;
    recorder.dispatch(program, {
      // Spans that are not there are not read; a binding must be something.
      bindings: [keyRows, valueRows, after?.spans ?? keyRows, keyCacheRows, valueCacheRows],
      params: [
        u32(count),
        u32(first),
        u32(positions),
        u32(keyCache.shape[1]!),
        u32(after?.step ?? 0),
      ],
      workgroups: grid(count * positions * elements.chunks, lanes * perLane),
    });
  }
}
