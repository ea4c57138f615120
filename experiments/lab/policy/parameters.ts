import type { Gpu, Recorder, Tensor } from "../../../kernels/mod.ts";
import { type ModelConfig, parameterShapes } from "../families.ts";
import type { TensorData } from "../../../formats/safetensors.ts";

/** A tensor of the model with its gradient and what AdamW knows of it; all of one shape in f32. */
export interface Parameter {
  /** Hugging Face's name. */
  readonly name: string;
  /** The values. */
  readonly value: Tensor<"f32">;
  /** The gradient of the loss, which backward passes add to. */
  readonly gradient: Tensor<"f32">;
  /** Mean of gradients. */
  readonly firstMoment: Tensor<"f32">;
  /** Mean of squared gradients. */
  readonly secondMoment: Tensor<"f32">;
}

/** A decoder's parameters on the GPU. */
export interface Policy extends Disposable {
  /** The GPU that it lives on. */
  readonly gpu: Gpu;
  /** The architecture. */
  readonly config: ModelConfig;
  /** All parameters, in the order of {@linkcode parameterShapes}. */
  readonly parameters: readonly Parameter[];
  /** A parameter by its name. */
  get(name: string): Parameter;
  /** A parameter by its name, or undefined if the architecture has none such. */
  find(name: string): Parameter | undefined;
}

/** What each parameter begins with, row-major. */
export type ParameterValues = Readonly<Record<string, Float32Array<ArrayBuffer>>>;

/** The values of tensors by name, such as a checkpoint's. */
export function valuesOf(tensors: ReadonlyMap<string, TensorData>): ParameterValues {
  return Object.fromEntries([...tensors].map(([name, { data }]) => [name, data]));
}

/** Puts parameters on the GPU, their moments at zero. Shapes are those of the configuration. */
export function createPolicy(gpu: Gpu, config: ModelConfig, values: ParameterValues): Policy {
  const parameters = Object.entries(parameterShapes(config)).map(([name, shape]): Parameter => ({
    name,
    value: gpu.tensor(values[name]!, shape),
    gradient: gpu.zeros(shape),
    firstMoment: gpu.zeros(shape),
    secondMoment: gpu.zeros(shape),
  }));
  const byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  return {
    gpu,
    config,
    parameters,
    get: (name) => byName.get(name)!,
    find: (name) => byName.get(name),
    [Symbol.dispose]() {
      for (const { value, gradient, firstMoment, secondMoment } of parameters) {
        for (const tensor of [value, gradient, firstMoment, secondMoment]) tensor.destroy();
      }
    },
  };
}

/** A policy and its optimizer at rest, by the parameters' names. */
export interface PolicyState {
  /** The values. */
  readonly parameters: ReadonlyMap<string, TensorData>;
  /** Means of gradients. */
  readonly firstMoments: ReadonlyMap<string, TensorData>;
  /** Means of squared gradients. */
  readonly secondMoments: ReadonlyMap<string, TensorData>;
}

/** Reads a policy and its optimizer back. */
export async function policyState({ gpu, parameters }: Policy): Promise<PolicyState> {
  const state = {
    parameters: new Map<string, TensorData>(),
    firstMoments: new Map<string, TensorData>(),
    secondMoments: new Map<string, TensorData>(),
  };
  const wanted = parameters.flatMap(({ name, value, firstMoment, secondMoment }) => [
    { name, tensor: value, map: state.parameters },
    { name, tensor: firstMoment, map: state.firstMoments },
    { name, tensor: secondMoment, map: state.secondMoments },
  ]);
  const read = await gpu.record("checkpoint").read(...wanted.map(({ tensor }) => tensor));
  for (const [i, { name, tensor: { shape }, map }] of wanted.entries()) {
    map.set(name, { shape, data: read[i]! });
  }
  return state;
}

/** Puts back what {@linkcode policyState} read. */
export function restorePolicy({ gpu, parameters }: Policy, state: PolicyState): void {
  for (const { name, value, firstMoment, secondMoment } of parameters) {
    gpu.write(value, state.parameters.get(name)!.data);
    gpu.write(firstMoment, state.firstMoments.get(name)!.data);
    gpu.write(secondMoment, state.secondMoments.get(name)!.data);
  }
}

/** Sets all gradients to zero. */
export function clearGradients(recorder: Recorder, { parameters }: Policy): void {
  for (const { gradient } of parameters) recorder.clear(gradient);
}

/** The matrix that turns hidden states into logits: the embedding itself where the two are tied. */
export function outputEmbedding(policy: Policy): Parameter {
  return policy.find("lm_head.weight") ?? policy.get("model.embed_tokens.weight");
}
