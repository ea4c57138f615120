import { ShapeError } from "../runtime/errors.ts";
import type { GpuContext } from "../runtime/context.ts";
import type { Dispatch, Recorder, Slice } from "../runtime/recorder.ts";
import { rowBlocks } from "../runtime/row_blocks.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import { activeRows, type ActiveRowsOption, type RowsInterface } from "./active_rows.ts";
import elementary from "../softmax/elementary.wgsl" with { type: "text" };
import memoryScalar from "./attention_memory_scalar.wgsl" with { type: "text" };
import tile from "./attention_tile.wgsl" with { type: "text" };
import memoryVec4 from "./attention_memory_vec4.wgsl" with { type: "text" };
import outScalar from "./attention_out_scalar.wgsl" with { type: "text" };
import outVec4 from "./attention_out_vec4.wgsl" with { type: "text" };
import softmax from "./attention_softmax.wgsl" with { type: "text" };
import wide from "./attention_wide.wgsl" with { type: "text" };
import held from "./attention.wgsl" with { type: "text" };
import type { KeyValueCache } from "./key_value_cache.ts";
import { wholeReads } from "./row_reads.ts";
import { specialize } from "./shader_text.ts";
import spansCode from "./spans.wgsl" with { type: "text" };

/** What {@linkcode attention} writes. */
export interface AttentionOutput {
  /** The result, [N, H, headSize] in f32; tokens outside the sequences are left as they are. */
  readonly attended: Tensor;
  /** ln Σ exp(score) of each query, for the backward, [N, H] in f32. */
  readonly logSumExp: Tensor;
}

/** What attention and its backward read: B sequences among N tokens, without padding. */
export interface AttentionInput {
  /** Queries, [N, H, headSize] in f32. */
  readonly q: Tensor;
  /** Keys, [N, KV, headSize] in f32; each serves H/KV heads of the queries. */
  readonly k: Tensor;
  /** Values, [N, KV, headSize] in f32. */
  readonly v: Tensor;
  /** The first token of each sequence, and the one after its last, [B, 2] in u32. */
  readonly spans: Tensor;
  /** Tokens of the longest sequence; what a longer one has beyond is left out. */
  readonly longest: number;
  /** Sliding window: a query sees this many keys at most, its own included; all by default. */
  readonly window?: number;
}

/** What {@linkcode attention} takes. */
export interface AttentionOptions extends AttentionInput {
  /** Where the results go. */
  readonly out: AttentionOutput;
}

/** What {@linkcode attentionDecode} takes; the cache holds the keys and values of the queries, too. */
export interface AttentionDecodeOptions extends KeyValueCache, ActiveRowsOption {
  /** One query for each row, [B, H, headSize] in f32; by slots where `active` is given, as `out`. */
  readonly q: Tensor;
  /** The first position of each row's prompt, and the one after its last, [B, 2] in u32. */
  readonly spans: Tensor;
  /** The query's position, counted from the end of the span; 0 follows the prompt. */
  readonly step: number;
  /** Not 0 for rows that have ended, which get zeros, [B] in u32. */
  readonly done: Tensor;
  /** Sliding window, as in the training form. */
  readonly window?: number;
  /** The result, [B, H, headSize] in f32. */
  readonly out: Tensor;
}

/** Extents of the tensors of an attention. */
export interface AttentionShape {
  /** Sequences of the batch. */
  readonly rows: number;
  /** Tokens of the longest sequence, or 1 where one query is decoded. */
  readonly longest: number;
  /** Where one query is decoded: positions of a row of the cache. */
  readonly capacity: number;
  /** Heads of the queries. */
  readonly queryHeads: number;
  /** Heads of the keys. */
  readonly keyHeads: number;
  /** Components of a head. */
  readonly headSize: number;
}

/**
 * Causal attention within each sequence, softmax(q·kᵀ/√headSize)·v, with grouped heads and a sliding window
 * where asked. Memory grows with N, not N². Reference: {@linkcode attentionReference}; matches PyTorch's
 * `scaled_dot_product_attention` with Hugging Face's causal and sliding-window masks.
 *
 * @throws {ShapeError} if shapes or types do not fit, a tensor is larger than a binding, or the window is not
 * a positive whole number.
 */
export function attention(recorder: Recorder, options: AttentionOptions): void {
  const { q, k, v, spans, out: { attended, logSumExp } } = options;
  const shape = attentionShape(options);
  expectTensor("out.attended", attended, "f32", q.shape);
  expectTensor("out.logSumExp", logSumExp, "f32", q.shape.slice(0, 2));
  record(recorder, shape, {
    // `done` is not read in training; a binding must be something.
    inputs: { q, k, v },
    bindings: { spans, done: spans, out: attended, log_sum_exp: logSumExp },
    params: attentionParams(shape, { rows: shape.rows, first: 0, window: options.window }),
    rows: shape.rows,
    active: activeRows(undefined, shape.rows),
    decode: false,
  });
}

/**
 * Attention of one new query for each row to the keys before it and its own. The same as the last token of
 * {@linkcode attention} over the whole sequence.
 *
 * @throws {ShapeError} if shapes or types do not fit, the window is not a positive whole number, or with `active` a
 * tensor is larger than a binding.
 */
export function attentionDecode(recorder: Recorder, options: AttentionDecodeOptions): void {
  const { q, keyCache: k, valueCache: v, spans, step, done, window, out } = options;
  expectTensor("q", q, "f32", [-1, -1, -1]);
  const [rows, queryHeads, headSize] = q.shape as [number, number, number];
  expectTensor("keyCache", k, "f32", [rows, -1, -1, headSize]);
  const [, capacity, keyHeads] = k.shape as [number, number, number, number];
  expectTensor("valueCache", v, "f32", k.shape);
  expectTensor("spans", spans, "u32", [rows, 2]);
  expectTensor("done", done, "u32", [rows]);
  expectTensor("out", out, "f32", q.shape);
  checkHeads(queryHeads, keyHeads);
  const shape = { rows, longest: 1, capacity, queryHeads, keyHeads, headSize };
  const logSumExp = recorder.temporary([rows, queryHeads]);
  const active = activeRows(options.active, rows);
  const tensors = [q, k, v, out] as const;
  // The rows of a block of slots may be in any block of the cache, so all is bound.
  const blocks = options.active === undefined
    ? rowBlocks(recorder.gpu, rows, ...tensors)
    : [{ first: 0, count: rows, slices: tensors }];
  for (const { first, count, slices } of blocks) {
    const [q, k, v, out] = slices;
    record(recorder, shape, {
      // Each query is read once.
      inputs: { k, v },
      bindings: { q, spans, done, out, log_sum_exp: logSumExp, ...active.bindings },
      params: attentionParams(shape, { rows: count, first, window, step }),
      rows: count,
      active,
      decode: true,
    });
  }
  recorder.recycle(logSumExp);
}

interface Pass {
  /** What is read often, keys among it. */
  inputs: Readonly<Record<"k", Tensor | Slice> & Record<string, Tensor | Slice>>;
  bindings: Dispatch["bindings"];
  params: AttentionParams;
  rows: number;
  active: RowsInterface;
  decode: boolean;
}

function record(recorder: Recorder, shape: AttentionShape, pass: Pass): void {
  const { gpu } = recorder;
  const memory = shape.headSize % 4 === 0 ? memoryVec4 + outVec4 : memoryScalar + outScalar;
  const width = shape.headSize;
  const vectors = pass.inputs.k.bytes / (4 * width);
  const reads = wholeReads(gpu, { rows: pass.active.likely(vectors), width }, pass.inputs);
  const layout = attentionLayout(gpu, shape);
  const { HEADS } = layout.constants;
  const tiles = Math.max(1, Math.min(layout.tiles.forward, Math.ceil(shape.longest * HEADS / 4)));
  const program = gpu.program({
    name: layout.isHeld ? "attention" : "attention_wide",
    code: specialize(
      pass.active.code + elementary + spansCode + tile + reads.code(memory) + softmax +
        (layout.isHeld ? held : wide),
      { ...layout.sizes, TILES: tiles },
    ),
    constants: { ...layout.constants, DECODE: Number(pass.decode) },
  });
  const runs = Math.ceil((shape.longest * HEADS) / (4 * tiles));
  recorder.dispatch(program, {
    bindings: { ...reads.bind(recorder), ...pass.bindings },
    params: pass.params,
    workgroups: pass.active.grid(pass.rows * (shape.queryHeads / HEADS) * runs, LANES),
  });
}

/** Invocations of a workgroup. */
export const LANES = 32;

/** The most heads of a group that an invocation takes. */
const MOST_HEADS = 8;

/**
 * How the passes of attention cut their work: whether heads are held in registers, tiles of an invocation, and
 * `override` constants and constants of their source.
 */
export function attentionLayout(
  gpu: GpuContext,
  { queryHeads, keyHeads, headSize }: AttentionShape,
) {
  const group = queryHeads / keyHeads;
  let heads = Math.min(group, MOST_HEADS);
  while (group % heads !== 0) heads--;
  const chunks = Math.ceil(headSize / 4);
  const { most, held, wide, positionsFirst } = gpu.tiles.attention;
  const isHeld = chunks <= most;
  const tiles = isHeld ? held : wide;
  return {
    isHeld,
    tiles,
    constants: {
      QUERY_HEADS: queryHeads,
      KEY_HEADS: keyHeads,
      HEADS: heads,
      LANES,
      POSITIONS_FIRST: Number(positionsFirst),
    },
    sizes: { TILE: 4, CHUNKS: chunks, SIZE: headSize, KEY_TILES: tiles.keys },
  };
}

/** The parameters that the passes of attention share, as attention_tile.wgsl says what they are. */
export type AttentionParams = Readonly<
  Record<
    "rows" | "first_row" | "longest" | "capacity" | "step" | "window" | "chunks" | "scale",
    number
  >
>;

/**
 * Their values.
 *
 * @throws {ShapeError} if the window is not a positive whole number.
 */
export function attentionParams(
  shape: AttentionShape,
  pass: { rows: number; first: number; window: number | undefined; step?: number },
): AttentionParams {
  const { rows, first, window = WIDEST, step = 0 } = pass;
  if (!Number.isSafeInteger(window) || window < 1) {
    throw new ShapeError(`the window is ${window}, expected a positive whole number.`);
  }
  return {
    rows,
    first_row: first,
    longest: shape.longest,
    capacity: shape.capacity,
    step,
    window: Math.min(window, WIDEST),
    chunks: Math.ceil(shape.headSize / 4),
    scale: 1 / Math.sqrt(shape.headSize),
  };
}

/** The largest window, more than any sequence has positions. */
const WIDEST = 0x7fffffff;

/**
 * Checks the inputs of a training form.
 *
 * @throws {ShapeError} if shapes or types do not fit.
 */
export function attentionShape({ q, k, v, spans, longest }: AttentionInput): AttentionShape {
  expectTensor("q", q, "f32", [-1, -1, -1]);
  const [count, queryHeads, headSize] = q.shape as [number, number, number];
  expectTensor("k", k, "f32", [count, -1, headSize]);
  expectTensor("v", v, "f32", k.shape);
  expectTensor("spans", spans, "u32", [-1, 2]);
  if (!Number.isSafeInteger(longest) || longest < 0) {
    throw new ShapeError(`the longest sequence has ${longest} tokens, expected a whole number.`);
  }
  const keyHeads = k.shape[1]!;
  checkHeads(queryHeads, keyHeads);
  return { rows: spans.shape[0]!, longest, capacity: 0, queryHeads, keyHeads, headSize };
}

function checkHeads(queryHeads: number, keyHeads: number): void {
  if (queryHeads > 0 && keyHeads > 0 && queryHeads % keyHeads === 0) return;
  throw new ShapeError(
    `there are ${queryHeads} heads of queries for ${keyHeads} of keys, expected a multiple.`,
  );
}
