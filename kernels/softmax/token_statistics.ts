import { GpuError, ShapeError } from "../runtime/errors.ts";
import type { GpuContext } from "../runtime/context.ts";
import type { Gpu } from "../runtime/gpu.ts";
import type { Recorder } from "../runtime/recorder.ts";
import { bindRows, rowsPerBinding } from "../runtime/rows.ts";
import { rowsOfStage, stagedCode } from "../runtime/staged_reads.ts";
import { bytesOf, type DataType, expectTensor, type Tensor } from "../runtime/tensor.ts";
import {
  activeRows,
  type ActiveRowsOption,
  type RowsInterface,
} from "../transformer/active_rows.ts";
import elementary from "./elementary.wgsl" with { type: "text" };
import bf16 from "./logits_bf16.wgsl" with { type: "text" };
import f16 from "./logits_f16.wgsl" with { type: "text" };
import loadF32 from "./logits_f32.wgsl" with { type: "text" };
import powerOfTwo from "./power_of_two.wgsl" with { type: "text" };
import rowStates from "./row_states.wgsl" with { type: "text" };
import code from "./token_statistics.wgsl" with { type: "text" };
import topProbabilityCode from "./top_probability.wgsl" with { type: "text" };

/** Shader source that reads logits of each type. */
export const LOGITS: Readonly<Record<Exclude<DataType, "u32">, string>> = {
  f32: loadF32,
  f16,
  bf16,
};

/** Statistics of N rows of logits, as {@linkcode tokenStatistics} writes them. */
export interface TokenStatistics extends Disposable {
  /** Log-probability of the target, [N] in f32, in nats. */
  readonly logProb: Tensor<"f32">;
  /** Entropy of the distribution, [N] in f32, in nats. */
  readonly entropy: Tensor<"f32">;
  /** ln Σ exp(logits / temperature), [N] in f32. */
  readonly logZ: Tensor<"f32">;
  /** Probability of the most likely token, [N] in f32; empty if it was not asked for. */
  readonly topProbability: Tensor<"f32">;
  /**
   * What the backward needs: the largest logit, ln s, H and log p(target), [N, 4] in f32; ln s is −1 for invalid
   * rows.
   */
  readonly states: Tensor<"f32">;
  /** Which rows are invalid, [2 + N] in u32; {@linkcode readInvalidRows} names the words. */
  readonly invalid: Tensor<"u32">;
}

/** How many words of {@linkcode TokenStatistics.invalid} come before those of the rows. */
export const WORDS_BEFORE_ROWS = 2;

/** How token statistics are taken. */
export interface TokenStatisticsSettings {
  /** Divides the logits; 1 by default. */
  readonly temperature?: number;
  /** Also compute the probability of the most likely token. */
  readonly topProbability?: boolean;
}

/** What {@linkcode tokenStatistics} takes. */
export interface TokenStatisticsOptions extends TokenStatisticsSettings, ActiveRowsOption {
  /** Logits, [N, V] in f32, f16 or bf16; by slots where `active` is given, all else by rows. */
  readonly logits: Tensor;
  /** The target of each row, [N] in u32. */
  readonly targets: Tensor;
  /** Where the results go. */
  readonly out: TokenStatistics;
}

/**
 * Makes room for the statistics of `rows` tokens.
 *
 * @param topProbability Whether the probability of the most likely token is wanted.
 */
export function emptyTokenStatistics(
  gpu: GpuContext,
  rows: number,
  topProbability = false,
): TokenStatistics {
  const tensors = {
    logProb: gpu.empty([rows]),
    entropy: gpu.empty([rows]),
    logZ: gpu.empty([rows]),
    topProbability: gpu.empty([topProbability ? rows : 0]),
    states: gpu.empty([rows, 4]),
    invalid: gpu.empty([WORDS_BEFORE_ROWS + rows], "u32"),
  };
  return {
    ...tensors,
    [Symbol.dispose]() {
      for (const tensor of Object.values(tensors)) tensor.destroy();
    },
  };
}

/**
 * Log-probability of the target, entropy and log Z of each row, in one pass over the logits. Finite for
 * any finite logits and for masked ones (−∞). A row that is all masked, holds NaN or +∞, or whose target
 * is masked or out of range gets zeros and is reported by {@linkcode checkTokenStatistics}; it spoils no
 * other. Reference: {@linkcode tokenStatisticsReference}; matches verl's `logprobs_from_logits` and
 * `entropy_from_logits`.
 *
 * A row has the same bits wherever it stands where V is a multiple of 4; else the order of its sums depends on where
 * it begins.
 *
 * @throws {ShapeError} if shapes or types do not fit, or the temperature is not positive.
 */
export function tokenStatistics(recorder: Recorder, options: TokenStatisticsOptions): void {
  expectTensor("logits", options.logits, ["f32", "f16", "bf16"], [-1, -1]);
  recorder.clear(options.out.invalid);
  tokenStatisticsTile(recorder, { ...options, firstColumn: 0, isFirst: true, isLast: true });
}

/** A tile of columns of the logits. */
export interface StatisticsTile extends TokenStatisticsOptions {
  /** The column of the whole row at which the tile begins. */
  readonly firstColumn: number;
  /** Whether no tile came before. */
  readonly isFirst: boolean;
  /** Whether none will come after: the results are written. */
  readonly isLast: boolean;
}

/** One tile of {@linkcode tokenStatistics}: the state of each row is merged with that of earlier tiles. */
export function tokenStatisticsTile(recorder: Recorder, tile: StatisticsTile): void {
  const { logits, targets, out, temperature = 1, topProbability = false } = tile;
  const [rows, columns] = logits.shape as [number, number];
  expectTensor("targets", targets, "u32", [rows]);
  expectTensor("out.logProb", out.logProb, "f32", [rows]);
  expectTensor("out.entropy", out.entropy, "f32", [rows]);
  expectTensor("out.logZ", out.logZ, "f32", [rows]);
  expectTensor("out.states", out.states, "f32", [rows, 4]);
  expectTensor("out.invalid", out.invalid, "u32", [WORDS_BEFORE_ROWS + rows]);
  checkTemperature(temperature);
  if (topProbability) expectTensor("out.topProbability", out.topProbability, "f32", [rows]);
  const { gpu } = recorder;
  const lanes = lanesFor(gpu, columns);
  const group = gpu.tiles.statistics.group / lanes;
  const active = activeRows(tile.active, rows);
  const { load, most, isStaged } = logitsOf(gpu, logits, [columns * bytesOf(logits.type)]);
  const program = gpu.program({
    name: "token_statistics",
    code: active.code + load + elementary + powerOfTwo + rowStates + code,
    constants: {
      LANES: lanes,
      ROWS: group,
      ALIGNED: Number(columns % 4 === 0),
      IS_FIRST: Number(tile.isFirst),
      IS_LAST: Number(tile.isLast),
    },
  });
  for (let first = 0; first < rows; first += most) {
    const count = Math.min(most, rows - first);
    const { slice, offset } = bindRows(gpu, logits, { width: columns, first, count });
    recorder.dispatch(program, {
      bindings: {
        logits: isStaged ? recorder.stage(slice, "logits") : slice,
        targets,
        states: out.states,
        log_prob: out.logProb,
        entropy: out.entropy,
        log_z: out.logZ,
        invalid: out.invalid,
        ...active.bindings,
      },
      params: {
        rows: count,
        columns,
        first_column: tile.firstColumn,
        stride: columns,
        offset,
        first_row: first,
        inverse_temperature: 1 / temperature,
        scale: Math.LOG2E / temperature,
      },
      workgroups: active.grid(count, group),
    });
  }
  if (topProbability && tile.isLast) recordTopProbability(recorder, active, out);
}

/** Apart from the rest, which binds as many buffers as every adapter allows. */
function recordTopProbability(
  recorder: Recorder,
  active: RowsInterface,
  { states, topProbability }: TokenStatistics,
): void {
  const { lanes } = recorder.gpu.tiles.elements;
  const rows = topProbability.size;
  recorder.dispatch(
    recorder.gpu.program({
      name: "top_probability",
      code: active.code + powerOfTwo + rowStates + topProbabilityCode,
      constants: { LANES: lanes },
    }),
    {
      bindings: { states, top_probability: topProbability, ...active.bindings },
      params: { rows },
      workgroups: active.grid(rows, lanes),
    },
  );
}

/** How a kernel reads logits. */
export interface LogitsAccess {
  /** Shader source that does. */
  readonly load: string;
  /** The most rows of a dispatch. */
  readonly most: number;
  /** Whether they are copied into the stage first. */
  readonly isStaged: boolean;
}

/**
 * How logits, [N, V], are read: from the stage where there is one that holds a row of them.
 *
 * @param widths Bytes of a row of each tensor of a dispatch.
 */
export function logitsOf(
  gpu: GpuContext,
  logits: Tensor,
  widths: readonly number[],
): LogitsAccess {
  const [rows, columns] = logits.shape as [number, number];
  const most = rowsPerBinding(gpu, rows, widths);
  const staged = rowsOfStage(gpu, 4 * columns);
  if (logits.type !== "f32" || staged < 1) {
    return { load: LOGITS[logits.type as "f32"], most, isStaged: false };
  }
  return {
    load: stagedCode(gpu, loadF32, ["logits"]),
    most: Math.min(most, staged),
    isStaged: true,
  };
}

/** Invocations that share a row. */
export function lanesFor(gpu: GpuContext, columns: number): number {
  const { lanes: most, perLane } = gpu.tiles.statistics;
  let lanes = 1;
  while (lanes < most && lanes * perLane < columns) lanes *= 2;
  return lanes;
}

/**
 * The lowest temperature: divided by it, logits up to a million are within the range of float32. Long before,
 * all but the most likely token have the probability 0.
 */
export const LOWEST_TEMPERATURE = 1e-32;

/** @throws {ShapeError} if a temperature is not a finite number from {@linkcode LOWEST_TEMPERATURE} up. */
export function checkTemperature(temperature: number): void {
  if (temperature >= LOWEST_TEMPERATURE && Number.isFinite(temperature)) return;
  throw new ShapeError(
    `the temperature is ${temperature}, expected a positive number from ${LOWEST_TEMPERATURE} up.`,
  );
}

const REASONS: readonly string[] = [
  "",
  "is masked everywhere",
  "holds NaN or infinity",
  "has a target that is masked or out of range",
];

/** Which rows of logits are invalid. */
export interface InvalidRows {
  /** How many there are. */
  readonly count: number;
  /** The first of them; undefined if all are valid. */
  readonly first: number | undefined;
  /** What is wrong with each row: 0 nothing, 1 all masked, 2 NaN or infinity, 3 a target masked or out of range. */
  readonly codes: readonly number[];
}

/**
 * Names the words of {@linkcode TokenStatistics.invalid}, once they were read.
 *
 * @param words All of them, or the first two, with which there are no codes.
 */
export function readInvalidRows([count, inverseOfFirst, ...codes]: Iterable<number>): InvalidRows {
  return { count: count!, first: count === 0 ? undefined : ~inverseOfFirst! >>> 0, codes };
}

/**
 * Reads which rows were invalid.
 *
 * @throws {GpuError} naming the first invalid row, what is wrong with it, and how many there are.
 */
export async function checkTokenStatistics(gpu: Gpu, { invalid }: TokenStatistics): Promise<void> {
  const { count, first, codes } = readInvalidRows(await gpu.read(invalid));
  if (first === undefined) return;
  const others = count > 1 ? `; ${count} rows are invalid in all` : "";
  throw new GpuError(`row ${first} of the logits ${REASONS[codes[first]!]}${others}.`);
}
