import type { AdapterInfo, Features } from "./adapter.ts";
import { type Elements, packElements, type TypeFor, typeFor } from "./elements.ts";
import { DeviceLostError, GpuError, ShapeError } from "./errors.ts";
import { DeviceMemory, TensorMemory } from "./memory.ts";
import { type Program, ProgramCache, type ProgramSource } from "./program.ts";
import { makeStage, type Stage, type StageType } from "./stage.ts";
import { bytesOf, type DataType, expectShape, memoryOf, sizeOf, Tensor } from "./tensor.ts";
import { TILES, type Tiles } from "./tiles.ts";

/** How long after a failure a device may say that it was lost, in milliseconds. */
const LOSS_IS_TOLD_WITHIN = 100;

/** Resolves when `work` does, or after so many milliseconds. */
async function withinTime(work: Promise<unknown>, milliseconds: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}

/** The memory of a device: for the runtime, which hides it from everybody else. */
export let deviceMemoryOf: (gpu: GpuContext) => DeviceMemory;

/** One device with its memory, its compiled programs and its errors: a {@linkcode Gpu} without its recorders. */
export class GpuContext {
  /** The adapter. */
  readonly adapter: AdapterInfo;
  /** What the device can do beyond the core of WebGPU. */
  readonly features: Features;
  /** Tile sizes of the kernels on this kind of adapter. */
  readonly tiles: Tiles;
  /** The WebGPU device. */
  readonly device: GPUDevice;
  #stages = new Map<string, Stage>();
  #memory: DeviceMemory;
  #programs: ProgramCache;
  #failure: GpuError | undefined;
  #lost: DeviceLostError | undefined;
  /** Wakes those who wait for work that a lost device will never finish. */
  #waiting = new Set<(value: undefined) => void>();

  static {
    deviceMemoryOf = (gpu) => gpu.#memory;
  }

  /**
   * Made by `requestGpu`.
   *
   * @ignore
   */
  constructor(device: GPUDevice, adapter: AdapterInfo) {
    this.device = device;
    this.adapter = adapter;
    this.tiles = TILES[adapter.kind];
    this.features = {
      f16: device.features.has("shader-f16"),
      timestampQuery: device.features.has("timestamp-query"),
      subgroups: device.features.has("subgroups" as GPUFeatureName),
    };
    this.#memory = new DeviceMemory(device);
    this.#programs = new ProgramCache(device);
    device.addEventListener("uncapturederror", (event) => {
      event.preventDefault();
      this.#failure ??= new GpuError(
        `the GPU reports: ${(event as GPUUncapturedErrorEvent).error.message.trim()}`,
      );
    });
    device.lost.then(({ reason, message }) => {
      this.#lose(`the GPU was lost (${reason || "unknown"}): ${message}`);
    });
  }

  #lose(message: string): void {
    this.#lost ??= new DeviceLostError(message);
    for (const wake of this.#waiting) wake(undefined);
  }

  /**
   * The stage of a name and type, one for all recorders: what they record runs one after the other.
   *
   * @ignore For the recorder.
   */
  stage(name: string, type: StageType): Stage {
    const key = `${name} ${type}`;
    let stage = this.#stages.get(key);
    if (stage === undefined) {
      stage = makeStage(this.device, { name, type, bytes: this.tiles.stageBytes });
      this.#stages.set(key, stage);
    }
    return stage;
  }

  /** The bytes of all tensors that are not destroyed. */
  get liveBytes(): number {
    return this.#memory.liveBytes;
  }

  /**
   * A tensor whose elements are whatever was in its memory.
   *
   * @throws {ShapeError} if an extent is not a whole number, there is no such type, or the tensor is larger
   * than a buffer can be.
   */
  empty<Type extends DataType = "f32">(
    shape: readonly number[],
    type: Type = "f32" as Type,
  ): Tensor<Type> {
    expectShape(shape);
    const bytes = sizeOf(shape) * bytesOf(type);
    if (bytes > this.device.limits.maxBufferSize) {
      throw new ShapeError(
        `a tensor of shape [${shape}] needs ${bytes} bytes, this adapter's buffers hold ${this.device.limits.maxBufferSize}.`,
      );
    }
    return new Tensor(shape, type, new TensorMemory(this.#memory, bytes));
  }

  /** A tensor of zeros. */
  zeros<Type extends DataType = "f32">(
    shape: readonly number[],
    type: Type = "f32" as Type,
  ): Tensor<Type> {
    const tensor = this.empty(shape, type);
    const encoder = this.device.createCommandEncoder();
    encoder.clearBuffer(tensor.buffer);
    this.device.queue.submit([encoder.finish()]);
    return tensor;
  }

  /**
   * A tensor with these elements, of type f32 unless they are a Uint32Array (u32), a Float16Array or a
   * Uint16Array (f16), or the type is given. Numbers are rounded to the nearest that the type has; a
   * Uint16Array is taken for the bits of f16 or bf16.
   *
   * @throws {ShapeError} if the number of elements is not the shape's, or the type cannot hold one of them.
   */
  tensor<Data extends Elements, Type extends DataType = TypeFor<Data>>(
    data: Data,
    shape: readonly number[] = [data.length],
    type: Type = typeFor(data) as Type,
  ): Tensor<Type> {
    if (data.length !== sizeOf(shape)) {
      throw new ShapeError(`${data.length} elements do not make a tensor of shape [${shape}].`);
    }
    // Before there is a tensor that would have to be destroyed.
    const elements = packElements(data, type);
    const tensor = this.empty(shape, type);
    this.write(tensor, elements);
    return tensor;
  }

  /**
   * Replaces the elements of a tensor, with what {@linkcode Gpu.tensor} takes for its type.
   *
   * @throws {ShapeError} if their number is not the tensor's, the type cannot hold one of them, or the tensor
   * is another GPU's.
   */
  write(tensor: Tensor, data: Elements): void {
    if (data.length !== tensor.size) {
      throw new ShapeError(
        `${data.length} elements do not fill a tensor of shape [${tensor.shape}].`,
      );
    }
    if (memoryOf(tensor).owner !== this.#memory) {
      throw new ShapeError("a tensor of another GPU was given.");
    }
    const elements = packElements(data, tensor.type);
    const bytes = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
    // WebGPU writes whole words.
    const whole = bytes.byteLength - (bytes.byteLength % 4);
    const { queue } = this.device;
    const { buffer, offset } = tensor;
    if (whole > 0) queue.writeBuffer(buffer, offset, bytes as BufferSource, 0, whole);
    if (whole < bytes.byteLength) {
      const rest = new Uint8Array(4);
      rest.set(bytes.subarray(whole));
      queue.writeBuffer(buffer, offset + whole, rest);
    }
  }

  /** The compiled program, from the cache where the same was compiled before. */
  program(source: ProgramSource): Program {
    return this.#programs.get(source);
  }

  /**
   * Resolves when `work` has, unless the device failed in the meantime.
   *
   * @throws {GpuError} the device's error, a {@linkcode ShaderError} first.
   * @throws {DeviceLostError} if the device was lost.
   * @ignore For the runtime.
   */
  async settle<T>(work: Promise<T>): Promise<T> {
    const { promise: lost, resolve } = Promise.withResolvers<undefined>();
    this.#waiting.add(resolve);
    let outcome: { value: T } | { error: unknown } | undefined;
    try {
      outcome = await Promise.race([work.then((value) => ({ value })), lost]);
    } catch (error) {
      outcome = { error };
      // Work on a lost device fails shortly before the loss is told.
      if (this.#lost === undefined) await withinTime(lost, LOSS_IS_TOLD_WITHIN);
    }
    this.#waiting.delete(resolve);
    const failure = await this.#programs.firstError() ?? this.#failure;
    this.#failure = undefined;
    // Nothing works on a lost device, so its other errors say little.
    if (this.#lost !== undefined) throw this.#lost;
    if (failure !== undefined) throw failure;
    if (outcome === undefined || "error" in outcome) {
      throw new GpuError(`the GPU reports: ${(outcome?.error as Error | undefined)?.message}`);
    }
    return outcome.value;
  }

  /** Destroys the device and all that lives on it. */
  destroy(): void {
    this.#lose("the GPU was destroyed.");
    this.#memory.pool.clear();
    this.device.destroy();
  }

  /** Destroys it at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.destroy();
  }
}
