import { ShapeError } from "../runtime/errors.ts";
import type { GpuContext } from "../runtime/context.ts";
import { grid } from "../runtime/grid.ts";
import type { Recorder } from "../runtime/recorder.ts";
import { bindRows, sliceRows } from "../runtime/rows.ts";
import { TEXEL_BYTES } from "../runtime/stage.ts";
import { type StagedBindings, stagedCode, stageInputs } from "../runtime/staged_reads.ts";
import { bytesOf, expectTensor, type Tensor } from "../runtime/tensor.ts";
import gradientScalar from "./gradient_scalar.wgsl" with { type: "text" };
import gradientVec4 from "./gradient_vec4.wgsl" with { type: "text" };
import inPlaceScalar from "./logits_in_place_scalar.wgsl" with { type: "text" };
import inPlaceVec4 from "./logits_in_place_vec4.wgsl" with { type: "text" };
import powerOfTwo from "./power_of_two.wgsl" with { type: "text" };
import rowStates from "./row_states.wgsl" with { type: "text" };
import code from "./token_statistics_backward.wgsl" with { type: "text" };
import {
  checkTemperature,
  lanesFor,
  logitsOf,
  type TokenStatistics,
  WORDS_BEFORE_ROWS,
} from "./token_statistics.ts";

/** What is read of each row beside its logits. */
const OF_ROWS = ["targets", "states", "gradient_log_prob", "gradient_entropy"] as const;

/** What {@linkcode tokenStatisticsBackward} takes. */
export interface TokenStatisticsBackwardOptions {
  /** The logits of the forward, [N, V] in f32, f16 or bf16. */
  readonly logits: Tensor;
  /** The targets of the forward, [N] in u32. */
  readonly targets: Tensor;
  /** What the forward wrote. */
  readonly statistics: TokenStatistics;
  /** The temperature of the forward; 1 by default. */
  readonly temperature?: number;
  /** Gradient with respect to the log-probabilities, [N] in f32; zero by default. */
  readonly gradLogProb?: Tensor;
  /** Gradient with respect to the entropies, [N] in f32; zero by default. */
  readonly gradEntropy?: Tensor;
  /** The column of the whole row at which the logits begin, where they are a tile of it; 0 by default. */
  readonly firstColumn?: number;
  /** The gradient with respect to the logits, [N, V] in f32; the logits themselves to work in place. */
  readonly out: Tensor;
}

/**
 * Gradient with respect to the logits from upstream gradients of the log-probability and of the entropy.
 * Rows that the forward found invalid get zeros. Reference:
 * {@linkcode tokenStatisticsBackwardReference}; matches the autograd of verl's `logprobs_from_logits` and
 * `entropy_from_logits`.
 *
 * @throws {ShapeError} if shapes or types do not fit.
 */
export function tokenStatisticsBackward(
  recorder: Recorder,
  options: TokenStatisticsBackwardOptions,
): void {
  const { logits, targets, statistics, gradLogProb, gradEntropy, out } = options;
  const { temperature = 1, firstColumn = 0 } = options;
  expectTensor("logits", logits, ["f32", "f16", "bf16"], [-1, -1]);
  const [rows, columns] = logits.shape as [number, number];
  expectTensor("targets", targets, "u32", [rows]);
  expectTensor("statistics.states", statistics.states, "f32", [rows, 4]);
  expectTensor("statistics.invalid", statistics.invalid, "u32", [WORDS_BEFORE_ROWS + rows]);
  expectTensor("out", out, "f32", [rows, columns]);
  if (gradLogProb !== undefined) expectTensor("gradLogProb", gradLogProb, "f32", [rows]);
  if (gradEntropy !== undefined) expectTensor("gradEntropy", gradEntropy, "f32", [rows]);
  if (gradLogProb === undefined && gradEntropy === undefined) {
    throw new ShapeError("neither gradLogProb nor gradEntropy was given, expected at least one.");
  }
  checkTemperature(temperature);

  const { gpu } = recorder;
  const inPlace = logits === out;
  const lanes = lanesFor(gpu, columns);
  const group = gpu.tiles.statistics.group / lanes;
  const isAligned = columns % 4 === 0;
  const { load, most, isStaged } = logitsOf(gpu, logits, [
    columns * bytesOf(logits.type),
    columns * 4,
  ]);
  // An invocation that is alone with its row reads much beside the logits.
  const staged = isStaged && lanes === 1 ? stagedRows(gpu, rows, most) : 0;
  const loadInPlace = isAligned ? inPlaceVec4 : inPlaceScalar;
  const readsGradient = inPlace && !isStaged;
  const program = gpu.program({
    name: "token_statistics_backward",
    code: powerOfTwo + rowStates + (isAligned ? gradientVec4 : gradientScalar) +
      (readsGradient ? loadInPlace : load) +
      (staged > 0 ? stagedCode(gpu, code, OF_ROWS) : code),
    constants: {
      LANES: lanes,
      ROWS: group,
      HAS_LOG_PROB: Number(gradLogProb !== undefined),
      HAS_ENTROPY: Number(gradEntropy !== undefined),
      ALIGNED: Number(isAligned),
    },
  });
  const step = staged > 0 ? staged : most;
  const ofRows = {
    targets,
    states: statistics.states,
    // An upstream gradient that is not there is not read; a binding must be something.
    gradient_log_prob: gradLogProb ?? gradEntropy!,
    gradient_entropy: gradEntropy ?? gradLogProb!,
  };
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const range = { width: columns, first, count };
    const input = bindRows(gpu, logits, range);
    const output = bindRows(gpu, out, range);
    recorder.dispatch(program, {
      bindings: {
        ...(readsGradient
          ? {}
          : { logits: isStaged ? recorder.stage(input.slice, "logits") : input.slice }),
        gradient: output.slice,
        ...(staged > 0 ? stageRows(recorder, ofRows, { first, count }) : ofRows),
      },
      params: {
        rows: count,
        columns,
        first_column: firstColumn,
        stride: columns,
        offset: output.offset,
        // Bindings are aligned in bytes, so a packed type may begin further in, by whole chunks.
        logits_shift: (input.offset - output.offset) / 4,
        first_row: staged > 0 ? 0 : first,
        inverse_temperature: 1 / temperature,
        scale: Math.LOG2E / temperature,
      },
      workgroups: grid(count, group),
    });
  }
}

/**
 * The most rows of which the states fit into a stage, up to `most` of `rows`, where bindings may begin after so many
 * words; 0 where there are none.
 */
function stagedRows(gpu: GpuContext, rows: number, most: number): number {
  const fitting = Math.min(most, Math.floor(gpu.tiles.stageBytes / TEXEL_BYTES));
  const step = gpu.device.limits.minStorageBufferOffsetAlignment / 4;
  return rows <= fitting ? rows : Math.floor(fitting / step) * step;
}

/** Stages with some rows of what is read of each. */
function stageRows(
  recorder: Recorder,
  inputs: Readonly<Record<string, Tensor>>,
  { first, count }: { readonly first: number; readonly count: number },
): StagedBindings {
  const slices = Object.entries(inputs).map(([name, tensor]) => {
    const width = tensor.size / tensor.shape[0]!;
    return [name, sliceRows(recorder.gpu, tensor, { width, first, count })] as const;
  });
  return stageInputs(recorder, Object.fromEntries(slices));
}
