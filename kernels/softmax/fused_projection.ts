import { ShapeError } from "../runtime/errors.ts";
import type { Recorder } from "../runtime/recorder.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import { matmul } from "../transformer/matmul.ts";
import { tokenStatisticsBackward } from "./token_statistics_backward.ts";
import {
  type TokenStatistics,
  type TokenStatisticsSettings,
  tokenStatisticsTile,
} from "./token_statistics.ts";

/** Columns of the vocabulary that are held at once, unless the caller says otherwise. */
export const DEFAULT_TILE = 4096;

/** The projection whose logits are not held. */
export interface FusedProjection {
  /** Hidden states, [N, D] in f32. */
  readonly hidden: Tensor;
  /** Output embedding, [V, D] in f32. */
  readonly weight: Tensor;
  /** The target of each row, [N] in u32. */
  readonly targets: Tensor;
  /**
   * Columns of the vocabulary that are held at once, {@linkcode DEFAULT_TILE} by default: memory is bounded by
   * N·tile·4 bytes.
   */
  readonly tile?: number;
}

/** What {@linkcode fusedTokenStatistics} takes. */
export interface FusedProjectionOptions extends FusedProjection, TokenStatisticsSettings {
  /** Where the results go. */
  readonly out: TokenStatistics;
}

/** What {@linkcode fusedTokenStatisticsBackward} writes. */
export interface FusedProjectionGradients {
  /** The gradient with respect to the hidden states, [N, D] in f32. */
  readonly gradHidden: Tensor;
  /** The gradient with respect to the output embedding, [V, D] in f32. */
  readonly gradWeight: Tensor;
}

/** What {@linkcode fusedTokenStatisticsBackward} takes. */
export interface FusedProjectionBackwardOptions extends FusedProjection {
  /** What the forward wrote. */
  readonly statistics: TokenStatistics;
  /** The temperature of the forward; 1 by default. */
  readonly temperature?: number;
  /** Gradient with respect to the log-probabilities, [N] in f32; zero by default. */
  readonly gradLogProb?: Tensor;
  /** Gradient with respect to the entropies, [N] in f32; zero by default. */
  readonly gradEntropy?: Tensor;
  /** Add to what is in `out.gradWeight` instead of replacing it. */
  readonly accumulate?: boolean;
  /** Where the gradients go. */
  readonly out: FusedProjectionGradients;
}

/**
 * Token statistics of hidden · weightᵀ without ever holding its N × V logits: they are made a tile of
 * columns at a time, and the state of each row is carried from tile to tile. Equals
 * {@linkcode tokenStatistics} of the whole product up to rounding.
 *
 * @throws {ShapeError} if shapes or types do not fit, or the tile is not a positive whole number.
 */
export function fusedTokenStatistics(recorder: Recorder, options: FusedProjectionOptions): void {
  recorder.clear(options.out.invalid);
  for (const { logits, rows, isFirst, isLast, firstColumn } of tiles(recorder, options)) {
    matmul(recorder, { a: options.hidden, b: rows, out: logits, transposeB: true });
    tokenStatisticsTile(recorder, { ...options, logits, firstColumn, isFirst, isLast });
  }
}

/**
 * Gradients with respect to the hidden states and the output embedding. The logits of each tile are made
 * again and overwritten by their gradient.
 *
 * @throws {ShapeError} if shapes or types do not fit, or the tile is not a positive whole number.
 */
export function fusedTokenStatisticsBackward(
  recorder: Recorder,
  options: FusedProjectionBackwardOptions,
): void {
  const { hidden, accumulate = false, out: { gradHidden, gradWeight } } = options;
  expectTensor("out.gradHidden", gradHidden, "f32", hidden.shape);
  expectTensor("out.gradWeight", gradWeight, "f32", options.weight.shape);
  for (const { logits, rows, isFirst, firstColumn } of tiles(recorder, options)) {
    matmul(recorder, { a: hidden, b: rows, out: logits, transposeB: true });
    tokenStatisticsBackward(recorder, { ...options, logits, firstColumn, out: logits });
    matmul(recorder, { a: logits, b: rows, out: gradHidden, accumulate: !isFirst });
    matmul(recorder, {
      a: logits,
      b: hidden,
      out: { ...rows, matrix: gradWeight },
      transposeA: true,
      accumulate,
    });
  }
}

/** The tiles of the vocabulary, one after the other in the same memory. */
function* tiles(
  recorder: Recorder,
  { hidden, weight, tile = DEFAULT_TILE }: FusedProjection,
) {
  expectTensor("hidden", hidden, "f32", [-1, -1]);
  const [rows, width] = hidden.shape as [number, number];
  expectTensor("weight", weight, "f32", [-1, width]);
  if (!Number.isSafeInteger(tile) || tile < 1) {
    throw new ShapeError(`the tile is ${tile}, expected a positive whole number of columns.`);
  }
  const columns = weight.shape[0]!;
  for (let firstColumn = 0; firstColumn < columns; firstColumn += tile) {
    const count = Math.min(tile, columns - firstColumn);
    const logits = recorder.temporary([rows, count]);
    yield {
      logits,
      rows: { matrix: weight, first: firstColumn, count },
      firstColumn,
      isFirst: firstColumn === 0,
      isLast: firstColumn + count === columns,
    };
    recorder.recycle(logits);
  }
}
