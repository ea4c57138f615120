import { ShapeError } from "../runtime/errors.ts";
import { grid } from "../runtime/grid.ts";
import { f32, type Recorder, u32 } from "../runtime/recorder.ts";
import { rowBlocks } from "../runtime/row_blocks.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import code from "./adamw.wgsl" with { type: "text" };

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

/** A parameter and what the optimiser knows of it; all tensors of one shape in f32. */
export interface AdamWTensors {
  /** The parameter, updated in place. */
  readonly parameter: Tensor;
  /** The gradient of the loss with respect to it. */
  readonly gradient: Tensor;
  /** Mean of gradients, updated in place; zeros before the first step. */
  readonly firstMoment: Tensor;
  /** Mean of squared gradients, updated in place; zeros before the first step. */
  readonly secondMoment: Tensor;
}

/**
 * One step of AdamW on one parameter. A gradient whose norm is not finite changes nothing. Reference:
 * {@linkcode adamwReference}; matches `torch.optim.AdamW`.
 *
 * @param step The number of this step, 1 for the first.
 * @param norm What {@linkcode gradientNorm} wrote; the gradient is multiplied with its factor.
 * @throws {ShapeError} if shapes or types do not fit, the step is not a positive whole number, or a setting is
 * not finite.
 */
export function adamw(
  recorder: Recorder,
  { parameter, gradient, firstMoment, secondMoment }: AdamWTensors,
  settings: AdamWSettings,
  step: number,
  norm: Tensor,
): void {
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
    code,
    constants: { LANES: lanes, PER_LANE: perLane },
  });
  const tensors = [gradient, parameter, firstMoment, secondMoment] as const;
  for (const { count, slices: [first, ...rest] } of rowBlocks(recorder.gpu, size, ...tensors)) {
    recorder.dispatch(program, {
      bindings: [first, norm, ...rest],
      params: [
        u32(count),
        f32(1 - learningRate * weightDecay),
        f32(beta1),
        f32(1 - beta1),
        f32(beta2),
        f32(1 - beta2),
        f32(learningRate / (1 - beta1 ** step)),
        f32(1 / Math.sqrt(1 - beta2 ** step)),
        f32(epsilon),
      ],
      workgroups: grid(count, lanes * perLane),
    });
  }
}
