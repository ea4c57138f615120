import { GpuError, ShapeError } from "../runtime/errors.ts";
import type { Gpu } from "../runtime/gpu.ts";
import { grid } from "../runtime/grid.ts";
import { f32, type Recorder, u32 } from "../runtime/recorder.ts";
import { bindRows, rowsPerBinding } from "../runtime/rows.ts";
import { bytesOf, type DataType, expectTensor, type Tensor } from "../runtime/tensor.ts";
import elementary from "./elementary.wgsl" with { type: "text" };
import bf16 from "./logits_bf16.wgsl" with { type: "text" };
import f16 from "./logits_f16.wgsl" with { type: "text" };
import loadF32 from "./logits_f32.wgsl" with { type: "text" };
import code from "./token_statistics.wgsl" with { type: "text" };

/** Shader source that reads logits of each type. */
export const LOGITS: Readonly<Record<Exclude<DataType, "u32">, string>> = {
  f32: loadF32,
  f16,
  bf16,
};

/** Statistics of N rows of logits, as {@linkcode tokenStatistics} writes them. */
export interface TokenStatistics extends Disposable {
  /** Log-probability of the target, [N] in f32, in nats. */
  readonly logProb: Tensor;
  /** Entropy of the distribution, [N] in f32, in nats. */
  readonly entropy: Tensor;
  /** ln Σ exp(logits / temperature), [N] in f32. */
  readonly logZ: Tensor;
  /** Probability of the most likely token, [N] in f32; empty if it was not asked for. */
  readonly topProbability: Tensor;
  /** What the backward needs: max, ln s, H and log p(target), [N, 4] in f32. */
  readonly states: Tensor;
  /** Number of invalid rows, the inverse of the first one's index, and a code for each row, [2 + N] in u32. */
  readonly invalid: Tensor;
}

/** Options of {@linkcode tokenStatistics}. */
export interface TokenStatisticsOptions {
  /** Divides the logits; 1 by default. */
  readonly temperature?: number;
  /** Also compute the probability of the most likely token. */
  readonly topProbability?: boolean;
}

/**
 * Makes room for the statistics of `rows` tokens.
 *
 * @param topProbability Whether the probability of the most likely token is wanted.
 */
export function emptyTokenStatistics(
  gpu: Gpu,
  rows: number,
  topProbability = false,
): TokenStatistics {
  const tensors = {
    logProb: gpu.empty([rows]),
    entropy: gpu.empty([rows]),
    logZ: gpu.empty([rows]),
    topProbability: gpu.empty([topProbability ? rows : 0]),
    states: gpu.empty([rows, 4]),
    invalid: gpu.empty([2 + rows], "u32"),
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
 * @param logits [N, V] in f32, f16 or bf16.
 * @param targets [N] in u32.
 * @param statistics Where the results go.
 * @throws {ShapeError} if shapes or types do not fit, or the temperature is not positive.
 */
export function tokenStatistics(
  recorder: Recorder,
  logits: Tensor,
  targets: Tensor,
  statistics: TokenStatistics,
  options: TokenStatisticsOptions = {},
): void {
  expectTensor("logits", logits, ["f32", "f16", "bf16"], [-1, -1]);
  recorder.clear(statistics.invalid);
  tokenStatisticsTile(recorder, logits, targets, statistics, {
    ...options,
    firstColumn: 0,
    isFirst: true,
    isLast: true,
  });
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
export function tokenStatisticsTile(
  recorder: Recorder,
  logits: Tensor,
  targets: Tensor,
  statistics: TokenStatistics,
  tile: StatisticsTile,
): void {
  const [rows, columns] = logits.shape as [number, number];
  expectTensor("targets", targets, "u32", [rows]);
  expectTensor("statistics.logProb", statistics.logProb, "f32", [rows]);
  const { temperature = 1, topProbability = false } = tile;
  checkTemperature(temperature);
  if (topProbability) {
    expectTensor("statistics.topProbability", statistics.topProbability, "f32", [rows]);
  }
  const { gpu } = recorder;
  const lanes = lanesFor(gpu, columns);
  const group = gpu.tiles.statistics.group / lanes;
  const program = gpu.program({
    name: "token_statistics",
    code: LOGITS[logits.type as "f32"] + elementary + code,
    constants: { LANES: lanes, ROWS: group, TOP_PROBABILITY: Number(topProbability) },
  });
  const most = rowsPerBinding(gpu, rows, [columns * bytesOf(logits.type)]);
  for (let first = 0; first < rows; first += most) {
    const count = Math.min(most, rows - first);
    const { slice, offset } = bindRows(gpu, logits, columns, first, count);
    recorder.dispatch(program, {
      bindings: [
        slice,
        targets,
        statistics.states,
        statistics.logProb,
        statistics.entropy,
        statistics.logZ,
        statistics.invalid,
        statistics.topProbability,
      ],
      params: [
        u32(count),
        u32(columns),
        u32(tile.firstColumn),
        u32(columns),
        u32(offset),
        u32(first),
        f32(1 / temperature),
        u32(Number(tile.isFirst)),
        u32(Number(tile.isLast)),
      ],
      workgroups: grid(count, group),
    });
  }
}

/** Invocations that share a row. */
export function lanesFor(gpu: Gpu, columns: number): number {
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

/**
 * The first invalid row that a record tells of, or undefined if all are valid.
 *
 * @param invalid `TokenStatistics.invalid`, or its first two words.
 */
export function firstInvalidRow([count, inverse]: Iterable<number>): number | undefined {
  return count === 0 ? undefined : ~inverse! >>> 0;
}

/**
 * Reads which rows were invalid.
 *
 * @throws {GpuError} naming the first invalid row, what is wrong with it, and how many there are.
 */
export async function checkTokenStatistics(gpu: Gpu, { invalid }: TokenStatistics): Promise<void> {
  const record = await gpu.read(invalid);
  const row = firstInvalidRow(record);
  if (row === undefined) return;
  const [count, , ...codes] = record;
  const others = count! > 1 ? `; ${count} rows are invalid in all` : "";
  throw new GpuError(`row ${row} of the logits ${REASONS[codes[row]!]}${others}.`);
}
