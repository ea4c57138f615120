import { alignedSize, type Gpu, type Recorder, type Tensor } from "../../../kernels/mod.ts";
import { type ModelConfig, parameterShapes } from "../families.ts";
import type { TensorData } from "../../../formats/safetensors.ts";

/** A tensor of the model, or several in one, with its gradient and what AdamW knows of it; all of one shape in f32. */
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
  /** All parameters, in the order of {@linkcode parameterShapes}; parts of the packs. */
  readonly parameters: readonly Parameter[];
  /** All parameters in as few tensors as fit bindings, so that what goes over all takes few dispatches. */
  readonly packs: readonly Pack[];
  /** A parameter by its name, or several that are one matrix: `qkv_proj` and `gate_up_proj`. */
  get(name: string): Parameter;
  /** The same, or undefined if the architecture has none such. */
  find(name: string): Parameter | undefined;
}

/** Parameters one after the other, with zeros between that stay zeros. */
type Pack = Omit<Parameter, "name">;

/** Projections of one input whose weights, row after row, are the weight of one projection to all their outputs. */
const JOINED: Readonly<Record<string, readonly string[]>> = {
  "self_attn.qkv_proj": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
  "mlp.gate_up_proj": ["mlp.gate_proj", "mlp.up_proj"],
};

/** What each parameter begins with, row-major. */
export type ParameterValues = Readonly<Record<string, Float32Array<ArrayBuffer>>>;

/** The values of tensors by name, such as a checkpoint's. */
export function valuesOf(tensors: ReadonlyMap<string, TensorData>): ParameterValues {
  return Object.fromEntries([...tensors].map(([name, { data }]) => [name, data]));
}

/** One parameter, or joined ones, on end. */
interface Section {
  readonly name: string;
  readonly shape: readonly number[];
  /** Parameters that it holds, row after row. */
  readonly names: readonly string[];
}

/** Puts parameters on the GPU, their moments at zero. Shapes are those of the configuration. */
export function createPolicy(gpu: Gpu, config: ModelConfig, values: ParameterValues): Policy {
  const shapes = parameterShapes(config);
  const packs: Pack[] = [];
  const byName = new Map<string, Parameter>();
  for (const sections of packed(gpu, sectionsOf(shapes))) {
    const starts = startsOf(sections);
    const data = new Float32Array(starts.at(-1)!);
    const pack: Pack = {
      value: gpu.empty([data.length]),
      gradient: gpu.zeros([data.length]),
      firstMoment: gpu.zeros([data.length]),
      secondMoment: gpu.zeros([data.length]),
    };
    packs.push(pack);
    const name = (name: string, first: number, shape: readonly number[]) =>
      byName.set(name, {
        name,
        value: pack.value.part(first, shape),
        gradient: pack.gradient.part(first, shape),
        firstMoment: pack.firstMoment.part(first, shape),
        secondMoment: pack.secondMoment.part(first, shape),
      });
    for (const [i, section] of sections.entries()) {
      let first = starts[i]!;
      name(section.name, first, section.shape);
      for (const own of section.names) {
        name(own, first, shapes[own]!);
        data.set(values[own]!, first);
        first += sizeOf(shapes[own]!);
      }
    }
    gpu.write(pack.value, data);
  }
  return {
    gpu,
    config,
    parameters: Object.keys(shapes).map((name) => byName.get(name)!),
    packs,
    get: (name) => byName.get(name)!,
    find: (name) => byName.get(name),
    [Symbol.dispose]() {
      for (const pack of packs) {
        for (const tensor of Object.values(pack)) tensor.destroy();
      }
    },
  };
}

/** What is put on the GPU on end: parameters, joined where they are one matrix. */
function sectionsOf(shapes: Readonly<Record<string, readonly number[]>>): Section[] {
  const joined = new Set<string>();
  return Object.entries(shapes).flatMap(([first, shape]): Section[] => {
    if (joined.has(first)) return [];
    const [to, parts] = Object.entries(JOINED).find(([, [part]]) => first.includes(`${part}.`)) ??
      [];
    if (to === undefined) return [{ name: first, shape, names: [first] }];
    const names = parts!.map((part) => first.replace(parts![0]!, part));
    for (const name of names) joined.add(name);
    const rows = names.reduce((sum, name) => sum + shapes[name]![0]!, 0);
    return [{ name: first.replace(parts![0]!, to), shape: [rows, ...shape.slice(1)], names }];
  });
}

/** Sections in packs that fit a binding, but for a section that alone does not. */
function* packed({ device: { limits } }: Gpu, sections: readonly Section[]): Generator<Section[]> {
  const most = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize) / 4;
  let pack: Section[] = [];
  for (const section of sections) {
    if (pack.length > 0 && startsOf([...pack, section]).at(-1)! > most) {
      yield pack;
      pack = [];
    }
    pack.push(section);
  }
  yield pack;
}

/** The element at which each section begins, and the number of elements in all. */
function startsOf(sections: readonly Section[]): number[] {
  const starts = [0];
  for (const { shape } of sections) {
    starts.push(starts.at(-1)! + alignedSize(sizeOf(shape)));
  }
  return starts;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, extent) => size * extent, 1);
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
export function clearGradients(recorder: Recorder, { packs }: Policy): void {
  for (const { gradient } of packs) recorder.clear(gradient);
}

/** The matrix that turns hidden states into logits: the embedding itself where the two are tied. */
export function outputEmbedding(policy: Policy): Parameter {
  return policy.find("lm_head.weight") ?? policy.get("model.embed_tokens.weight");
}
