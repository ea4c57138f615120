import type { Recorder } from "../runtime/recorder.ts";
import { rowBlocks } from "../runtime/row_blocks.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import { activeRows, type ActiveRowsOption } from "./active_rows.ts";
import code from "./key_value_cache.wgsl" with { type: "text" };
import { elementsOf } from "./shader_text.ts";
import spansCode from "./spans.wgsl" with { type: "text" };

/** The keys and values of a layer so far. */
export interface KeyValueCache {
  /** Keys, [B, S, KV, headSize] in f32. */
  readonly keyCache: Tensor;
  /** Values, [B, S, KV, headSize] in f32. */
  readonly valueCache: Tensor;
}

/** What {@linkcode writeCache} takes. */
export interface WriteCacheOptions extends ActiveRowsOption {
  /** New keys, [B, T, KV, headSize] in f32; by slots where `active` is given, as the values. */
  readonly key: Tensor;
  /** New values, [B, T, KV, headSize] in f32. */
  readonly value: Tensor;
  /**
   * Where they go: `step` positions after the end of each row's span, as in {@linkcode attentionDecode};
   * position 0 by default, for a prompt. Spans are [B, 2] in u32.
   */
  readonly after?: { readonly spans: Tensor; readonly step: number };
  /** The caches that are written. */
  readonly out: KeyValueCache;
}

/**
 * Copies keys and values into the caches that {@linkcode attentionDecode} reads. What would lie past the
 * end of the cache is left out.
 *
 * @throws {ShapeError} if shapes or types do not fit, or with `active` a tensor is larger than a binding.
 */
export function writeCache(recorder: Recorder, options: WriteCacheOptions): void {
  const { key, value, after, out: { keyCache, valueCache } } = options;
  expectTensor("key", key, "f32", [-1, -1, -1, -1]);
  const [rows, positions, heads, headSize] = key.shape as [number, number, number, number];
  expectTensor("value", value, "f32", key.shape);
  expectTensor("out.keyCache", keyCache, "f32", [rows, -1, heads, headSize]);
  expectTensor("out.valueCache", valueCache, "f32", keyCache.shape);
  if (after !== undefined) expectTensor("after.spans", after.spans, "u32", [rows, 2]);
  const { gpu } = recorder;
  const { lanes, perLane } = gpu.tiles.elements;
  const elements = elementsOf(heads * headSize);
  const active = activeRows(options.active, rows);
  const program = gpu.program({
    name: "key_value_cache",
    code: active.code + spansCode + elements.code + code,
    constants: {
      LANES: lanes,
      PER_LANE: perLane,
      CHUNKS: elements.chunks,
      DECODE: Number(after !== undefined),
    },
  });
  const tensors = [key, value, keyCache, valueCache] as const;
  // The rows of a block of slots may be in any block of the cache, so all is bound.
  const blocks = options.active === undefined
    ? rowBlocks(gpu, rows, ...tensors)
    : [{ first: 0, count: rows, slices: tensors }];
  for (const { first, count, slices } of blocks) {
    const [keyRows, valueRows, keyCacheRows, valueCacheRows] = slices;
    recorder.dispatch(program, {
      bindings: {
        key: keyRows,
        value: valueRows,
        // Spans that are not there are not read; a binding must be something.
        spans: after?.spans ?? keyRows,
        key_cache: keyCacheRows,
        value_cache: valueCacheRows,
        ...active.bindings,
      },
      params: {
        rows: count,
        first_row: first,
        positions,
        cached: keyCache.shape[1]!,
        step: after?.step ?? 0,
      },
      workgroups: active.grid(count * positions * elements.chunks, lanes * perLane),
    });
  }
}
