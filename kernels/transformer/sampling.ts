import { seedWords, streamWord } from "../random/uniforms.ts";
import philox from "../random/philox.wgsl" with { type: "text" };
import { ShapeError } from "../runtime/errors.ts";
import type { Recorder } from "../runtime/recorder.ts";
import { rowBlocks } from "../runtime/row_blocks.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import elementary from "../softmax/elementary.wgsl" with { type: "text" };
import {
  checkTemperature,
  lanesFor,
  type TokenStatistics,
  tokenStatistics,
} from "../softmax/token_statistics.ts";
import { activeRows, type ActiveRowsOption } from "./active_rows.ts";
import code from "./sampling.wgsl" with { type: "text" };

/** What {@linkcode sampleTokens} writes. */
export interface SampledTokens {
  /** The tokens, [N] in u32. */
  readonly tokens: Tensor;
  /**
   * Log-probabilities of the tokens and entropies, at the temperature, or at 1 if that is 0; not made by default.
   * Its `invalid` is the only sign of logits from which nothing can be drawn.
   */
  readonly statistics?: TokenStatistics;
}

/** What {@linkcode sampleTokens} takes. */
export interface SampleTokensOptions extends ActiveRowsOption {
  /** A row for each sequence, [N, V] in f32; −∞ is a masked token. By slots where `active` is given, all else by rows. */
  readonly logits: Tensor;
  /** Divides the logits; 0 takes the most likely token, of equals the first. */
  readonly temperature: number;
  /** A whole number from 0 to 2^53 − 1; not read at temperature 0, nor are the next two. */
  readonly seed: number;
  /** Tells apart rollouts of one seed, a 32-bit number. */
  readonly stream: number;
  /** Tells apart the tokens of a sequence, a 32-bit number. */
  readonly position: number;
  /** Not 0 for sequences that have ended, [N] in u32; set to 1 for those that draw `endToken`. */
  readonly done: Tensor;
  /** The token that ends a sequence. */
  readonly endToken: number;
  /** The token of sequences that had ended before. */
  readonly padToken: number;
  /** Where the results go. */
  readonly out: SampledTokens;
}

/**
 * Draws a token for each sequence with probability softmax(logits / temperature). The random numbers depend
 * on seed, stream, position, row and token alone. A row that is masked everywhere or holds NaN or +∞ has no such
 * distribution: it gets some token of the vocabulary, which means nothing, spoils no other row, and is counted
 * and named by the statistics' `invalid`, which {@linkcode checkTokenStatistics} reads. So are ended rows whose
 * `padToken` is masked or outside the vocabulary. Reference: {@linkcode sampleTokensReference}.
 *
 * @throws {ShapeError} if shapes or types do not fit, there is no token, or the temperature, the seed, the
 * stream or the position is out of range.
 */
export function sampleTokens(recorder: Recorder, options: SampleTokensOptions): void {
  const { logits, temperature, seed, stream, position, done, endToken, padToken } = options;
  const { tokens, statistics } = options.out;
  expectTensor("logits", logits, "f32", [-1, -1]);
  const [rows, columns] = logits.shape as [number, number];
  expectTensor("done", done, "u32", [rows]);
  expectTensor("out.tokens", tokens, "u32", [rows]);
  if (columns === 0) throw new ShapeError("logits has no columns, expected at least one token.");
  if (temperature !== 0) checkTemperature(temperature);
  const { gpu } = recorder;
  const lanes = lanesFor(gpu, columns);
  const group = gpu.tiles.statistics.group / lanes;
  const active = activeRows(options.active, rows);
  const program = gpu.program({
    name: "sampling",
    code: active.code + philox + elementary + code,
    constants: { LANES: lanes, ROWS: group, GREEDY: Number(temperature === 0) },
  });
  for (const { first, count, slices: [logitRows] } of rowBlocks(gpu, rows, logits)) {
    recorder.dispatch(program, {
      bindings: { logits: logitRows, done, tokens, ...active.bindings },
      params: {
        rows: count,
        first_row: first,
        columns,
        position: streamWord(position, "position"),
        stream: streamWord(stream),
        ...seedWords(seed),
        inverse_temperature: temperature === 0 ? 1 : 1 / temperature,
        pad_token: padToken,
        end_token: endToken,
      },
      workgroups: active.grid(count, group),
    });
  }
  if (statistics === undefined) return;
  tokenStatistics(recorder, {
    logits,
    targets: tokens,
    active: options.active,
    temperature: temperature === 0 ? 1 : temperature,
    out: statistics,
  });
}
