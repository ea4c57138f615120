import { prepareDeno } from "./deno.ts";
import { DeviceLostError, GpuError, NoAdapterError, ShapeError } from "./errors.ts";
import { BufferPool } from "./pool.ts";
import { Profile } from "./profile.ts";
import { type Program, ProgramCache, type ProgramSource } from "./program.ts";
import { Recorder } from "./recorder.ts";
import { type Elements, packElements, typeFor } from "./elements.ts";
import { bytesOf, type DataType, expectShape, sizeOf, Tensor } from "./tensor.ts";
import { TILES, type Tiles } from "./tiles.ts";

/** Which GPU to use. */
export interface GpuOptions {
  /** Passed to WebGPU; the fast one by default. */
  readonly powerPreference?: GPUPowerPreference;
  /** Part of the adapter's name, in any case, where there are several. */
  readonly adapterName?: string;
  /** Print the adapter and its limits to stderr. */
  readonly verbose?: boolean;
}

/** What the adapter tells of itself. */
export interface AdapterInfo {
  /** Its name, such as `llvmpipe (LLVM 15.0.6, 256 bits)`. */
  readonly name: string;
  /** `software` for an adapter that runs on the CPU. */
  readonly kind: "hardware" | "software";
}

/** What the device can do beyond the core of WebGPU. */
export interface Features {
  /** Arithmetic in f16 within shaders. */
  readonly f16: boolean;
  /** Timing on the GPU. */
  readonly timestampQuery: boolean;
  /** Operations across the lanes of a subgroup. */
  readonly subgroups: boolean;
}

const WANTED: readonly GPUFeatureName[] = [
  "shader-f16",
  "timestamp-query",
  "subgroups" as GPUFeatureName,
];

/** The limits that WebGPU sets low by default and that are raised to the adapter's own. */
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupsPerDimension",
] as const;

/**
 * Opens a GPU: the adapter's own limits are requested, errors of the device are listened to and reach
 * the caller who next awaits a {@linkcode Recorder.read}.
 *
 * @throws {NoAdapterError} if there is no adapter, or none of that name; the message says how to get one.
 */
export async function requestGpu(options: GpuOptions = {}): Promise<Gpu> {
  prepareDeno();
  const adapter = await findAdapter(options);
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  const requiredFeatures = WANTED.filter((name) => adapter.features.has(name));
  const device = await adapter.requestDevice({ requiredLimits, requiredFeatures });
  const gpu = new Gpu(device, describe(adapter));
  if (options.verbose) {
    const { name, kind } = gpu.adapter;
    console.error(`WebGPU adapter: ${name} (${kind})`);
    for (const limit of LIMITS) console.error(`  ${limit}: ${device.limits[limit]}`);
    console.error(`  features: ${requiredFeatures.join(", ") || "none"}`);
  }
  return gpu;
}

async function findAdapter({ powerPreference, adapterName }: GpuOptions): Promise<GPUAdapter> {
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu;
  const request = (options: GPURequestAdapterOptions) =>
    gpu?.requestAdapter(options) ?? Promise.resolve(null);
  if (adapterName === undefined) {
    const adapter = await request({ powerPreference: powerPreference ?? "high-performance" }) ??
      await request({ forceFallbackAdapter: true });
    if (adapter !== null) return adapter;
    throw new NoAdapterError(
      "there is no WebGPU adapter here: install a driver for your GPU or, for the CPU, Mesa's lavapipe (Debian and Ubuntu: sudo apt-get install mesa-vulkan-drivers); ./denow does that by itself.",
    );
  }
  const found: string[] = [];
  for (
    const choice of [
      { powerPreference: powerPreference ?? "high-performance" },
      { powerPreference: "low-power" },
      { forceFallbackAdapter: true },
    ] as const
  ) {
    const adapter = await request(choice);
    if (adapter === null) continue;
    const { name } = describe(adapter);
    if (name.toLowerCase().includes(adapterName.toLowerCase())) return adapter;
    if (!found.includes(name)) found.push(name);
  }
  throw new NoAdapterError(
    `no WebGPU adapter is named like ${JSON.stringify(adapterName)}; there is ${
      found.join(", ") || "none"
    }.`,
  );
}

/** How long after a failure a device may say that it was lost, in milliseconds. */
const LOSS_IS_TOLD_WITHIN = 100;

/** Resolves when `work` does, or after so many milliseconds. */
async function withinTime(work: Promise<unknown>, milliseconds: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}

function describe({ info }: GPUAdapter): AdapterInfo {
  const name = info.description ||
    [info.vendor, info.architecture, info.device].filter((part) => part !== "").join(" ") ||
    "unnamed adapter";
  const isSoftware = info.isFallbackAdapter ||
    /llvmpipe|lavapipe|swiftshader|basic render/i.test(name);
  return { name, kind: isSoftware ? "software" : "hardware" };
}

/** One device with its memory, its compiled programs and its errors. Several can live side by side. */
export class Gpu {
  /** The adapter. */
  readonly adapter: AdapterInfo;
  /** What the device can do beyond the core of WebGPU. */
  readonly features: Features;
  /** Tile sizes of the kernels on this kind of adapter. */
  readonly tiles: Tiles;
  /** The WebGPU device. */
  readonly device: GPUDevice;
  /** The memory of tensors. */
  readonly pool: BufferPool;
  #profile: Profile | undefined;
  #programs: ProgramCache;
  #liveBytes = 0;
  #failure: GpuError | undefined;
  #lost: DeviceLostError | undefined;
  /** Wakes those who wait for work that a lost device will never finish. */
  #waiting = new Set<(value: undefined) => void>();

  /** Made by {@linkcode requestGpu}. */
  constructor(device: GPUDevice, adapter: AdapterInfo) {
    this.device = device;
    this.adapter = adapter;
    this.tiles = TILES[adapter.kind];
    this.features = {
      f16: device.features.has("shader-f16"),
      timestampQuery: device.features.has("timestamp-query"),
      subgroups: device.features.has("subgroups" as GPUFeatureName),
    };
    this.pool = new BufferPool(device);
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

  /** The bytes of all tensors that are not destroyed. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /** Called by tensors that come and go. */
  countBytes(change: number): void {
    this.#liveBytes += change;
  }

  /**
   * A tensor whose elements are whatever was in its memory.
   *
   * @throws {ShapeError} if an extent is not a whole number, there is no such type, or the tensor is larger
   * than a buffer can be.
   */
  empty(shape: readonly number[], type: DataType = "f32"): Tensor {
    expectShape(shape);
    const bytes = sizeOf(shape) * bytesOf(type);
    if (bytes > this.device.limits.maxBufferSize) {
      throw new ShapeError(
        `a tensor of shape [${shape}] needs ${bytes} bytes, this adapter's buffers hold ${this.device.limits.maxBufferSize}.`,
      );
    }
    const allocation = this.pool.take(bytes);
    this.countBytes(allocation.bytes);
    return new Tensor(this, shape, type, allocation);
  }

  /** A tensor of zeros. */
  zeros(shape: readonly number[], type: DataType = "f32"): Tensor {
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
  tensor(
    data: Elements,
    shape: readonly number[] = [data.length],
    type: DataType = typeFor(data),
  ): Tensor {
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
    if (!tensor.isOn(this)) throw new ShapeError("a tensor of another GPU was given.");
    const elements = packElements(data, tensor.type);
    const bytes = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
    // WebGPU writes whole words.
    const whole = bytes.byteLength - (bytes.byteLength % 4);
    if (whole > 0) this.device.queue.writeBuffer(tensor.buffer, 0, bytes as BufferSource, 0, whole);
    if (whole < bytes.byteLength) {
      const rest = new Uint8Array(4);
      rest.set(bytes.subarray(whole));
      this.device.queue.writeBuffer(tensor.buffer, whole, rest);
    }
  }

  /** The compiled program, from the cache where the same was compiled before. */
  program(source: ProgramSource): Program {
    return this.#programs.get(source);
  }

  /** Where the scopes of new recorders are timed; undefined before {@linkcode startProfile}. */
  get profile(): Profile | undefined {
    return this.#profile;
  }

  /** Times the scopes of all recorders made from now on; undefined where the device has no timestamps. */
  startProfile(): Profile | undefined {
    if (this.features.timestampQuery) this.#profile ??= new Profile(this);
    return this.#profile;
  }

  /** Starts recording commands that will be submitted together. */
  record(label = "commands"): Recorder {
    return new Recorder(this, label);
  }

  /** Reads tensors in one submission of their own; see {@linkcode Recorder.read}. */
  async read(tensor: Tensor): Promise<Float32Array | Uint32Array | Uint16Array> {
    const [values] = await this.record("read").read(tensor);
    return values!;
  }

  /**
   * Resolves when `work` has, unless the device failed in the meantime.
   *
   * @throws {GpuError} the device's error, a {@linkcode ShaderError} first.
   * @throws {DeviceLostError} if the device was lost.
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
    this.pool.clear();
    this.device.destroy();
  }

  /** Destroys it at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.destroy();
  }
}
