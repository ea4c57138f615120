import { ShapeError } from "../runtime/errors.ts";
import { grid } from "../runtime/grid.ts";
import type { Recorder } from "../runtime/recorder.ts";
import { rowBlocks } from "../runtime/row_blocks.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import code from "./adamw.wgsl" with { type: "text" };
import normAndScale from "./norm_and_scale.wgsl" with { type: "text" };

/** The settings of AdamW. */
export interface AdamWSettings {
  /** The learning rate of this step. */
  readonly learningRate: number;
  /** Decay of the mean of gradients. */
  readonly beta1: number;
  /** Decay of the mean of squared gradients. */
  readonly beta2: number;
  /** Added to the root of the mean square. */
  readonly epsilon: number;
  /** Share of a parameter that a step of learning rate 1 takes away. */
  readonly weightDecay: number;
}

/** What {@linkcode adamw} takes: a parameter and what is known of it, all tensors of one shape in f32. */
export interface AdamWOptions {
  /** The parameter, updated in place. */
  readonly parameter: Tensor;
  /** The gradient of the loss with respect to it. */
  readonly gradient: Tensor;
  /** Mean of gradients, updated in place; zeros before the first step. */
  readonly firstMoment: Tensor;
  /** Mean of squared gradients, updated in place; zeros before the first step. */
  readonly secondMoment: Tensor;
  /** What {@linkcode gradientNorm} wrote, [2] in f32; the gradient is multiplied with its scale. */
  readonly norm: Tensor;
  /** The settings. */
  readonly settings: AdamWSettings;
  /** The number of this step, 1 for the first. */
  readonly step: number;
}

/**
 * One step of AdamW on one parameter, in place. A gradient whose norm is not finite changes nothing.
 * Reference: {@linkcode adamwReference}; matches `torch.optim.AdamW`.
 *
 * @throws {ShapeError} if shapes or types do not fit, the step is not a positive whole number, or a setting is
 * not finite.
 */
export function adamw(recorder: Recorder, options: AdamWOptions): void {
  const { parameter, gradient, firstMoment, secondMoment, norm, settings, step } = options;
  const { shape, size } = parameter;
  expectTensor("parameter", parameter, "f32", shape);
  expectTensor("gradient", gradient, "f32", shape);
  expectTensor("firstMoment", firstMoment, "f32", shape);
  expectTensor("secondMoment", secondMoment, "f32", shape);
  expectTensor("norm", norm, "f32", [2]);
  if (!Number.isSafeInteger(step) || step < 1) {
    throw new ShapeError(`the step is ${step}, expected 1, 2, ….`);
  }
  for (const [name, value] of Object.entries(settings)) {
    if (!Number.isFinite(value)) throw new ShapeError(`${name} is ${value}, expected a number.`);
  }
  const { learningRate, beta1, beta2, epsilon, weightDecay } = settings;
  const { lanes, perLane } = recorder.gpu.tiles.elements;
  const program = recorder.gpu.program({
    name: "adamw",
    code: normAndScale + code,
    constants: { LANES: lanes, PER_LANE: perLane },
  });
  const tensors = [gradient, parameter, firstMoment, secondMoment] as const;
  for (const { count, slices } of rowBlocks(recorder.gpu, size, ...tensors)) {
    const [gradient, parameter, firstMoment, secondMoment] = slices;
    recorder.dispatch(program, {
      bindings: {
        gradient,
        gradient_norm: norm,
        parameter,
        first_moment: firstMoment,
        second_moment: secondMoment,
      },
      params: {
        size: count,
        keep: 1 - learningRate * weightDecay,
        beta1,
        one_minus_beta1: 1 - beta1,
        beta2,
        one_minus_beta2: 1 - beta2,
        step_size: learningRate / (1 - beta1 ** step),
        correction: 1 / Math.sqrt(1 - beta2 ** step),
        epsilon,
      },
      workgroups: grid(count, lanes * perLane),
    });
  }
}
