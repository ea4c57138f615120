import { GpuError, ShapeError } from "./errors.ts";
import { deviceMemoryOf, type GpuContext } from "./context.ts";
import type { Program } from "./program.ts";
import { TensorMemory } from "./memory.ts";
import { type Allocation, roundUp } from "./pool.ts";
import type { Profile } from "./profile.ts";
import { STAGE_WIDTH, TEXEL_BYTES } from "./stage.ts";
import { bytesOf, type DataType, isView, memoryOf, sizeOf, Tensor } from "./tensor.ts";

/** A part of a tensor, bound as if it were the whole. */
export interface Slice {
  /** The tensor. */
  readonly tensor: Tensor;
  /** First byte; a multiple of the device's `minStorageBufferOffsetAlignment`. */
  readonly offset: number;
  /** Number of bytes. */
  readonly bytes: number;
}

/** An upper limit in f32: WGSL has no infinity, so a number near the largest stands for none. */
export function limit(value: number): number {
  return Math.min(3.4e38, value);
}

/** One run of a program. */
export interface Dispatch {
  /** What is bound to the names of the WGSL: all that the entry point uses, and nothing else. */
  readonly bindings: Readonly<Record<string, Tensor | Slice | GPUTextureView>>;
  /** The uniform parameters by their names in the WGSL; none if the program has none. */
  readonly params?: Readonly<Record<string, number>>;
  /** Numbers of workgroups. */
  readonly workgroups: readonly [number, number?, number?];
}

/** Which elements are copied; all by default. */
export interface CopyRange {
  /** First element of the source. */
  readonly from?: number;
  /** First element of the target. */
  readonly to?: number;
  /** Number of elements. */
  readonly count?: number;
}

/** What the elements of each type are read into: of packed types, the bits. */
export interface Values {
  /** As they are. */
  readonly f32: Float32Array<ArrayBuffer>;
  /** As they are. */
  readonly u32: Uint32Array<ArrayBuffer>;
  /** Bits of f16. */
  readonly f16: Uint16Array<ArrayBuffer>;
  /** Bits of bfloat16. */
  readonly bf16: Uint16Array<ArrayBuffer>;
}

/** What the elements of a type are read into. */
export type ValuesOf<Type extends DataType> = Values[Type];

/** What tensors are read into, one for one. */
export type Readback<Tensors extends readonly Tensor[]> = {
  readonly [I in keyof Tensors]: Tensors[I] extends Tensor<infer Type> ? ValuesOf<Type> : never;
};

/** What a recorder is made with. */
export interface RecorderOptions {
  /** Its name in messages of the driver. */
  readonly label: string;
  /** Where its scopes are timed; undefined for nowhere. */
  readonly profile: Profile | undefined;
}

/** Uniform parameters are written in blocks of this many bytes. */
const PARAMETER_BYTES = 1 << 16;

/** A block of them, its words as numbers of either type. */
interface ParameterBlock {
  readonly buffer: GPUBuffer;
  readonly u32: Uint32Array<ArrayBuffer>;
  readonly f32: Float32Array<ArrayBuffer>;
  /** Bytes that are written. */
  used: number;
}

/** Uniform parameters by their names in the WGSL. */
type Params = Readonly<Record<string, number>>;

const MOST_SCOPES = 1024;

/**
 * Records many dispatches and copies and submits them at once: a readback costs more than ten
 * milliseconds under Deno whatever its size, so a whole phase belongs into one recorder.
 */
export class Recorder {
  /** The GPU that it records for. */
  readonly gpu: GpuContext;
  #encoder: GPUCommandEncoder;
  #pass: GPUComputePassEncoder | undefined;
  #held = new Set<TensorMemory>();
  #temporaries = new Set<TensorMemory>();
  #recycled = new Map<number, Allocation[]>();
  #parameters: ParameterBlock[] = [];
  /** Parameters by their words, and bind groups by what they bind: loops such as a rollout repeat theirs. */
  #written = new Map<string, GPUBufferBinding>();
  #groups = new Map<string, GPUBindGroup>();
  #numbers = new Map<object, number>();
  #scopes: string[] = [];
  #queries: GPUQuerySet | undefined;
  #profile: Profile | undefined;
  #submitted = false;

  /**
   * Made by `Gpu.record`.
   *
   * @ignore
   */
  constructor(gpu: GpuContext, { label, profile }: RecorderOptions) {
    this.gpu = gpu;
    this.#profile = profile;
    this.#encoder = gpu.device.createCommandEncoder({ label });
  }

  /** A tensor that lives until the submission, or until it is recycled. */
  temporary<Type extends DataType = "f32">(
    shape: readonly number[],
    type: Type = "f32" as Type,
  ): Tensor<Type> {
    this.#expectOpen();
    const size = roundUp(sizeOf(shape) * bytesOf(type));
    const recycled = this.#recycled.get(size)?.pop();
    const tensor = recycled === undefined
      ? this.gpu.empty(shape, type)
      : new Tensor(shape, type, new TensorMemory(deviceMemoryOf(this.gpu), recycled));
    this.#hold(tensor);
    this.#temporaries.add(memoryOf(tensor));
    tensor.destroy(); // Held until the submission.
    return tensor;
  }

  /**
   * Passes the memory of a temporary on to later ones of this recorder: what was recorded runs in order.
   * The tensor must not be used again.
   *
   * @throws {ShapeError} if it is no temporary of this recorder, shows another's memory, or was recycled before.
   */
  recycle(tensor: Tensor): void {
    const memory = memoryOf(tensor);
    if (isView(tensor) || !this.#temporaries.delete(memory)) {
      throw new ShapeError(
        `a tensor of shape [${tensor.shape}] was given to be recycled, expected a temporary of this recorder, once.`,
      );
    }
    const allocation = memory.surrender();
    const others = this.#recycled.get(allocation.bytes);
    if (others === undefined) this.#recycled.set(allocation.bytes, [allocation]);
    else others.push(allocation);
  }

  /**
   * Runs a program.
   *
   * @throws {GpuError} for a binding or a parameter that its WGSL does not have, a parameter that is missing, one
   * of u32 or i32 that is not such a number, or after the submission.
   * @throws {ShapeError} for more workgroups than the adapter runs, a tensor larger than it binds, or one of
   * another GPU.
   */
  dispatch(program: Program, { bindings, params = {}, workgroups }: Dispatch): void {
    this.#expectOpen();
    const [x, y = 1, z = 1] = workgroups;
    if (x === 0 || y === 0 || z === 0) return;
    const most = this.gpu.device.limits.maxComputeWorkgroupsPerDimension;
    if (Math.max(x, y, z) > most) {
      throw new ShapeError(
        `${program.name} was given ${x}×${y}×${z} workgroups, the most is ${most}.`,
      );
    }
    const group = this.#bind(program, bindings, params);
    this.#pass ??= this.#encoder.beginComputePass();
    this.#pass.setPipeline(program.pipeline);
    this.#pass.setBindGroup(0, group);
    this.#pass.dispatchWorkgroups(x, y, z);
  }

  /**
   * Copies elements between tensors of one type.
   *
   * @throws {ShapeError} if the types differ, the range does not fit, or it begins or ends within a word that
   * it shares with other elements of the target, as types of 16 bits can.
   */
  copy(source: Tensor, target: Tensor, range: CopyRange = {}): void {
    this.#expectOpen();
    const { from = 0, to = 0 } = range;
    const count = range.count ?? source.size - from;
    const width = bytesOf(source.type);
    const isRange = [from, to, count].every((number) =>
      Number.isSafeInteger(number) && number >= 0
    );
    const isWithin = from + count <= source.size && to + count <= target.size;
    const startsWord = (from * width) % 4 === 0 && (to * width) % 4 === 0;
    const endsWord = (count * width) % 4 === 0 || to + count === target.size;
    if (source.type !== target.type || !isRange || !isWithin || !startsWord || !endsWord) {
      throw new ShapeError(
        `${count} elements at ${from} of ${source.type} [${source.shape}] do not fit at ${to} into ${target.type} [${target.shape}].`,
      );
    }
    this.#endPass();
    this.#hold(source);
    this.#hold(target);
    this.#encoder.copyBufferToBuffer(
      source.buffer,
      source.offset + from * width,
      target.buffer,
      target.offset + to * width,
      Math.ceil((count * width) / 4) * 4,
    );
  }

  /**
   * Copies a part of a tensor of f32 or u32, in multiples of 16 bytes, into the stage of that name. What is recorded
   * before the next such copy reads it there.
   *
   * @throws {ShapeError} if it is larger than a stage.
   * @ignore For the kernels.
   */
  stage({ tensor, offset, bytes }: Slice, name: string): GPUTextureView {
    this.#expectOpen();
    const { stageBytes } = this.gpu.tiles;
    if (bytes > stageBytes) {
      throw new ShapeError(`${bytes} bytes do not fit into a stage of ${stageBytes}.`);
    }
    this.#endPass();
    this.#hold(tensor);
    const { texture, view } = this.gpu.stage(name, tensor.type === "u32" ? "u32" : "f32");
    const bytesPerRow = STAGE_WIDTH * TEXEL_BYTES;
    const lines = Math.floor(bytes / bytesPerRow);
    const rest = (bytes % bytesPerRow) / TEXEL_BYTES;
    const copy = (line: number, width: number, height: number) =>
      this.#encoder.copyBufferToTexture(
        { buffer: tensor.buffer, offset: offset + line * bytesPerRow, bytesPerRow },
        { texture, origin: [0, line] },
        [width, height],
      );
    if (lines > 0) copy(0, STAGE_WIDTH, lines);
    if (rest > 0) copy(lines, rest, 1);
    return view;
  }

  /** Sets all elements of a tensor to zero. */
  clear(tensor: Tensor): void {
    this.#expectOpen();
    this.#endPass();
    this.#hold(tensor);
    this.#encoder.clearBuffer(tensor.buffer, tensor.offset, Math.ceil(tensor.bytes / 4) * 4);
  }

  /**
   * Times what `body` records for the profile of the GPU; without one it is the body alone. Scopes do not
   * nest.
   *
   * @returns What the body returns.
   * @throws {GpuError} for more than 1024 scopes.
   */
  scope<T>(label: string, body: () => T): T {
    if (this.#profile === undefined) return body();
    if (this.#scopes.length === MOST_SCOPES) {
      throw new GpuError(`a recorder can time ${MOST_SCOPES} scopes, this one has more.`);
    }
    this.#queries ??= this.gpu.device.createQuerySet({
      type: "timestamp",
      count: 2 * MOST_SCOPES,
    });
    this.#endPass();
    const at = 2 * this.#scopes.push(label) - 2;
    this.#encoder.beginComputePass({
      timestampWrites: { querySet: this.#queries, beginningOfPassWriteIndex: at },
    }).end();
    const result = body();
    this.#endPass();
    this.#encoder.beginComputePass({
      timestampWrites: { querySet: this.#queries, endOfPassWriteIndex: at + 1 },
    }).end();
    return result;
  }

  /** Submits what was recorded, without waiting for it. Errors reach whoever next awaits a read. */
  submit(): void {
    this.#finish();
  }

  /**
   * Submits what was recorded and reads tensors back, all in one transfer.
   *
   * @returns Their elements, in order: f32 as Float32Array, u32 as Uint32Array, packed types as the bits.
   * @throws {GpuError} if the device reported an error since the last read, {@linkcode ShaderError} for
   * WGSL that does not compile, {@linkcode DeviceLostError} if the device was lost.
   */
  async read<Tensors extends readonly Tensor[]>(
    ...tensors: Tensors
  ): Promise<Readback<Tensors>> {
    this.#expectOpen();
    this.#endPass();
    const ranges: number[] = [];
    let bytes = 0;
    for (const tensor of tensors) {
      ranges.push(bytes);
      bytes += Math.ceil(tensor.bytes / 16) * 16;
    }
    const { device } = this.gpu;
    const staging = device.createBuffer({
      size: Math.max(16, bytes),
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    for (const [i, tensor] of tensors.entries()) {
      this.#hold(tensor);
      const size = Math.ceil(tensor.bytes / 4) * 4;
      if (size === 0) continue;
      this.#encoder.copyBufferToBuffer(tensor.buffer, tensor.offset, staging, ranges[i]!, size);
    }
    this.#finish();
    try {
      await this.gpu.settle(staging.mapAsync(GPUMapMode.READ));
      const mapped = staging.getMappedRange();
      return tensors.map((tensor, i) => {
        const copy = mapped.slice(ranges[i]!, ranges[i]! + tensor.bytes);
        if (tensor.type === "f32") return new Float32Array(copy);
        return tensor.type === "u32" ? new Uint32Array(copy) : new Uint16Array(copy);
      }) as unknown as Readback<Tensors>;
    } finally {
      staging.destroy();
    }
  }

  #hold(tensor: Tensor): void {
    const memory = memoryOf(tensor);
    if (memory.owner !== deviceMemoryOf(this.gpu)) {
      throw new ShapeError(`a tensor of another GPU was given.`);
    }
    if (this.#held.has(memory)) return;
    memory.hold();
    this.#held.add(memory);
  }

  /** The bind group of a dispatch, made once for the same bindings and parameters. */
  #bind(program: Program, bindings: Dispatch["bindings"], params: Params): GPUBindGroup {
    let key = `${this.#numberOf(program)}`;
    const names = Object.keys(bindings);
    for (const name of names) {
      const bound = bindings[name];
      if (bound === undefined) {
        throw new GpuError(
          `${program.name}.wgsl was given undefined as ${name}, expected a tensor.`,
        );
      }
      if (bound instanceof GPUTextureView) {
        key += ` ${bindingOf(program, name)} ${this.#numberOf(bound)}`;
        continue;
      }
      const isWhole = bound instanceof Tensor;
      const tensor = isWhole ? bound : bound.tensor;
      this.#hold(tensor);
      key += ` ${bindingOf(program, name)} ${this.#numberOf(tensor.buffer)}`;
      if (!isWhole) key += ` ${bound.offset} ${bound.bytes}`;
      else if (isView(bound)) key += ` ${bound.offset} ${bound.bytes}`;
    }
    const words = this.#write(program, params);
    if (words !== undefined) key += ` ${this.#numberOf(words)}`;
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const entries = names.map((name) => this.#entry(program, name, bindings[name]!));
    if (words !== undefined) {
      entries.push({ binding: program.interface.params!.binding, resource: words });
    }
    const group = this.gpu.device.createBindGroup({ layout: program.layout, entries });
    this.#groups.set(key, group);
    return group;
  }

  #entry(
    program: Program,
    name: string,
    bound: Tensor | Slice | GPUTextureView,
  ): GPUBindGroupEntry {
    if (bound instanceof GPUTextureView) {
      return { binding: bindingOf(program, name), resource: bound };
    }
    const largest = this.gpu.device.limits.maxStorageBufferBindingSize;
    const { tensor, offset, bytes: size } = bound instanceof Tensor
      ? { tensor: bound, offset: bound.offset, bytes: bytesToBind(bound) }
      : bound;
    if (size > largest) {
      throw new ShapeError(
        `${program.name} was given a tensor of shape [${tensor.shape}], this adapter binds at most ${largest} bytes at once.`,
      );
    }
    if (offset % this.gpu.device.limits.minStorageBufferOffsetAlignment !== 0) {
      throw new ShapeError(
        `${program.name} was given a part [${tensor.shape}] of a tensor at byte ${offset}, where no binding begins.`,
      );
    }
    return { binding: bindingOf(program, name), resource: { buffer: tensor.buffer, offset, size } };
  }

  /** Puts parameters into the current block, or finds them where they are already, and gives the binding. */
  #write(program: Program, params: Params): GPUBufferBinding | undefined {
    const { params: declared } = program.interface;
    if (Object.keys(params).length !== (declared?.words.length ?? 0)) {
      throw wrongParameters(program, params);
    }
    if (declared === undefined) return undefined;
    const size = Math.ceil(declared.words.length / 4) * 16;
    const block = this.#parameterBlock(size);
    const { used: offset, u32, f32 } = block;
    let at = offset / 4;
    let key = "";
    for (const { name, type } of declared.words) {
      const value = params[name];
      if (value === undefined) throw wrongParameters(program, params);
      if (type === "f32") f32[at] = value;
      else if (isWord(type, value)) u32[at] = value;
      else {throw new GpuError(
          `${program.name}.wgsl was given ${name} = ${value}, expected ${type}.`,
        );}
      // By the bits, which tell −0 from 0.
      key += `${u32[at]} `;
      at++;
    }
    const written = this.#written.get(key);
    if (written !== undefined) return written;
    const alignment = this.gpu.device.limits.minUniformBufferOffsetAlignment;
    block.used = Math.ceil((offset + size) / alignment) * alignment;
    const binding = { buffer: block.buffer, offset, size };
    this.#written.set(key, binding);
    return binding;
  }

  /** The current block of parameters, or a new one where it has no room for so many bytes. */
  #parameterBlock(size: number): ParameterBlock {
    const last = this.#parameters.at(-1);
    if (last !== undefined && last.used + size <= PARAMETER_BYTES) return last;
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    const words = new ArrayBuffer(PARAMETER_BYTES);
    const block = {
      buffer: this.gpu.device.createBuffer({ size: PARAMETER_BYTES, usage }),
      u32: new Uint32Array(words),
      f32: new Float32Array(words),
      used: 0,
    };
    this.#parameters.push(block);
    return block;
  }

  /** A number of its own for each object. */
  #numberOf(object: object): number {
    let number = this.#numbers.get(object);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(object, number);
    }
    return number;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }

  /** @throws {GpuError} if this was submitted: nothing can be recorded any more. */
  #expectOpen(): void {
    if (this.#submitted) throw new GpuError("a recorder is used after it was submitted.");
  }

  #finish(): void {
    this.#expectOpen();
    this.#submitted = true;
    this.#endPass();
    if (this.#queries !== undefined) {
      this.#profile!.resolve(this.#encoder, this.#queries, this.#scopes);
    }
    const { device } = this.gpu;
    for (const { buffer, u32, used } of this.#parameters) {
      device.queue.writeBuffer(buffer, 0, u32, 0, Math.min(used, PARAMETER_BYTES) / 4);
    }
    device.queue.submit([this.#encoder.finish()]);
    // A destroyed buffer stays alive for commands that were submitted before.
    for (const { buffer } of this.#parameters) buffer.destroy();
    this.#queries?.destroy();
    for (const known of [this.#written, this.#groups, this.#numbers]) known.clear();
    for (const memory of this.#held) memory.letGo();
    this.#held.clear();
    this.#temporaries.clear();
    for (const allocation of Array.from(this.#recycled.values()).flat()) {
      deviceMemoryOf(this.gpu).pool.give(allocation);
    }
    this.#recycled.clear();
  }
}

/** All of a buffer; of a view what it shows, to the end of a chunk of four words, which shaders read whole. */
function bytesToBind(tensor: Tensor): number {
  const { buffer, offset, bytes } = tensor;
  if (!isView(tensor)) return buffer.size;
  return Math.min(buffer.size - offset, Math.max(16, Math.ceil(bytes / 16) * 16));
}

function bindingOf({ name, interface: { bindings } }: Program, binding: string): number {
  const number = bindings.get(binding);
  if (number !== undefined) return number;
  throw new GpuError(
    `${name}.wgsl has no binding ${binding}, it has ${[...bindings.keys()].join(", ")}.`,
  );
}

function wrongParameters(
  { name, interface: { params: declared } }: Program,
  params: Params,
): GpuError {
  const [expected, given] = [
    declared?.words.map((word) => word.name) ?? [],
    Object.keys(params).filter((name) => params[name] !== undefined),
  ];
  return new GpuError(
    `${name}.wgsl has the parameters ${expected.join(", ") || "none"}, ${
      given.join(", ") || "none"
    } were given.`,
  );
}

function isWord(type: "u32" | "i32", value: number): boolean {
  return Number.isInteger(value) &&
    (type === "u32" ? 0 <= value && value < 2 ** 32 : -(2 ** 31) <= value && value < 2 ** 31);
}
