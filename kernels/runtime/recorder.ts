import { GpuError, ShapeError } from "./errors.ts";
import type { Gpu } from "./gpu.ts";
import type { Program } from "./program.ts";
import { roundUp } from "./pool.ts";
import { type Allocation, bytesOf, type DataType, sizeOf, Tensor } from "./tensor.ts";

/** A part of a tensor, bound as if it were the whole. */
export interface Slice {
  /** The tensor. */
  readonly tensor: Tensor;
  /** First byte; a multiple of the device's `minStorageBufferOffsetAlignment`. */
  readonly offset: number;
  /** Number of bytes. */
  readonly bytes: number;
}

/** A word of a shader's parameters. */
export interface Word {
  /** Its type. */
  readonly type: "u32" | "f32";
  /** Its value. */
  readonly value: number;
}

/** An unsigned integer parameter. */
export const u32 = (value: number): Word => ({ type: "u32", value });

/** A float parameter. */
export const f32 = (value: number): Word => ({ type: "f32", value });

/** One run of a program. */
export interface Dispatch {
  /** What binding 0, 1, … of the program is, the uniform parameters left out; undefined where the entry point has none of that number. */
  readonly bindings: readonly (Tensor | Slice | undefined)[];
  /** The words of the uniform struct, in its order; none if the program has none. */
  readonly params?: readonly Word[];
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

/** What a tensor's elements are read into. */
export type Values =
  | Float32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>;

/** Uniform parameters are written in blocks of this many bytes. */
const PARAMETER_BYTES = 1 << 16;
const MOST_SCOPES = 1024;

/**
 * Records many dispatches and copies and submits them at once: a readback costs more than ten
 * milliseconds under Deno whatever its size, so a whole phase belongs into one recorder.
 */
export class Recorder {
  /** Milliseconds spent in each scope, known after {@linkcode read}; scopes of one label add up. */
  readonly times: Map<string, number> = new Map();
  /** The GPU that it records for. */
  readonly gpu: Gpu;
  #encoder: GPUCommandEncoder;
  #pass: GPUComputePassEncoder | undefined;
  #held = new Set<Tensor>();
  #recycled = new Map<number, Allocation[]>();
  #parameters: { buffer: GPUBuffer; words: Uint8Array<ArrayBuffer>; used: number }[] = [];
  #scopes: string[] = [];
  #queries: GPUQuerySet | undefined;
  #submitted = false;

  /** Made by `Gpu.record`. */
  constructor(gpu: Gpu, label: string) {
    this.gpu = gpu;
    this.#encoder = gpu.device.createCommandEncoder({ label });
  }

  /** A tensor that lives until the submission, or until it is recycled. */
  temporary(shape: readonly number[], type: DataType = "f32"): Tensor {
    const size = roundUp(sizeOf(shape) * bytesOf(type));
    const recycled = this.#recycled.get(size)?.pop();
    const tensor = recycled === undefined
      ? this.gpu.empty(shape, type)
      : new Tensor(this.gpu, shape, type, recycled);
    this.#hold(tensor);
    if (recycled === undefined) tensor.destroy(); // Held until the submission.
    else tensor.disown();
    return tensor;
  }

  /**
   * Passes the memory of a temporary on to later ones of this recorder: what was recorded runs in order.
   * The tensor must not be used again.
   */
  recycle(tensor: Tensor): void {
    const allocation = tensor.surrender();
    const others = this.#recycled.get(allocation.bytes);
    if (others === undefined) this.#recycled.set(allocation.bytes, [allocation]);
    else others.push(allocation);
  }

  /** Runs a program. */
  dispatch(program: Program, { bindings, params = [], workgroups }: Dispatch): void {
    const [x, y = 1, z = 1] = workgroups;
    if (x === 0 || y === 0 || z === 0) return;
    const limit = this.gpu.device.limits.maxComputeWorkgroupsPerDimension;
    if (Math.max(x, y, z) > limit) {
      throw new ShapeError(
        `${program.name} was given ${x}×${y}×${z} workgroups, the most is ${limit}.`,
      );
    }
    const entries: GPUBindGroupEntry[] = [];
    for (const [binding, bound] of bindings.entries()) {
      if (bound === undefined) continue;
      const slice = bound instanceof Tensor
        ? { tensor: bound, offset: 0, bytes: undefined }
        : bound;
      this.#hold(slice.tensor);
      const { buffer } = slice.tensor;
      const largest = this.gpu.device.limits.maxStorageBufferBindingSize;
      if ((slice.bytes ?? buffer.size) > largest) {
        throw new ShapeError(
          `${program.name} was given a tensor of shape [${slice.tensor.shape}], this adapter binds at most ${largest} bytes at once.`,
        );
      }
      const size = slice.bytes === undefined ? {} : { size: slice.bytes };
      entries.push({ binding, resource: { buffer, offset: slice.offset, ...size } });
    }
    if (program.paramsBinding !== undefined) {
      entries.push({ binding: program.paramsBinding, resource: this.#write(params) });
    }
    this.#pass ??= this.#encoder.beginComputePass();
    this.#pass.setPipeline(program.pipeline);
    this.#pass.setBindGroup(
      0,
      this.gpu.device.createBindGroup({ layout: program.layout, entries }),
    );
    this.#pass.dispatchWorkgroups(x, y, z);
  }

  /**
   * Copies elements between tensors of one type.
   *
   * @throws {ShapeError} if the types differ or the range does not fit.
   */
  copy(source: Tensor, target: Tensor, range: CopyRange = {}): void {
    const { from = 0, to = 0 } = range;
    const count = range.count ?? source.size - from;
    const width = source.bytes / Math.max(1, source.size);
    if (source.type !== target.type || from + count > source.size || to + count > target.size) {
      throw new ShapeError(
        `${count} elements at ${from} of ${source.type} [${source.shape}] do not fit at ${to} into ${target.type} [${target.shape}].`,
      );
    }
    this.#endPass();
    this.#hold(source);
    this.#hold(target);
    this.#encoder.copyBufferToBuffer(
      source.buffer,
      from * width,
      target.buffer,
      to * width,
      Math.ceil((count * width) / 4) * 4,
    );
  }

  /** Sets all elements of a tensor to zero. */
  clear(tensor: Tensor): void {
    this.#endPass();
    this.#hold(tensor);
    this.#encoder.clearBuffer(tensor.buffer);
  }

  /**
   * Times what `body` records, where the device can. Scopes do not nest.
   *
   * @throws {GpuError} for more than 1024 scopes.
   */
  scope(label: string, body: () => void): void {
    if (!this.gpu.features.timestampQuery) return body();
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
    body();
    this.#endPass();
    this.#encoder.beginComputePass({
      timestampWrites: { querySet: this.#queries, endOfPassWriteIndex: at + 1 },
    }).end();
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
  async read(...tensors: Tensor[]): Promise<Values[]> {
    this.#endPass();
    const scopes = this.#scopes.length;
    const ranges: number[] = [];
    let bytes = 16 * scopes;
    for (const tensor of tensors) {
      ranges.push(bytes);
      bytes += Math.ceil(tensor.bytes / 16) * 16;
    }
    const { device } = this.gpu;
    const staging = device.createBuffer({
      size: Math.max(16, bytes),
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    let times: GPUBuffer | undefined;
    if (scopes > 0) {
      times = device.createBuffer({
        size: 16 * scopes,
        usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
      });
      this.#encoder.resolveQuerySet(this.#queries!, 0, 2 * scopes, times, 0);
      this.#encoder.copyBufferToBuffer(times, 0, staging, 0, 16 * scopes);
    }
    for (const [i, tensor] of tensors.entries()) {
      this.#hold(tensor);
      const size = Math.ceil(tensor.bytes / 4) * 4;
      if (size > 0) this.#encoder.copyBufferToBuffer(tensor.buffer, 0, staging, ranges[i]!, size);
    }
    this.#finish();
    try {
      await this.gpu.settle(staging.mapAsync(GPUMapMode.READ));
      const mapped = staging.getMappedRange();
      this.#addTimes(new BigUint64Array(mapped, 0, 2 * scopes));
      return tensors.map((tensor, i) => {
        const copy = mapped.slice(ranges[i]!, ranges[i]! + tensor.bytes);
        if (tensor.type === "f32") return new Float32Array(copy);
        return tensor.type === "u32" ? new Uint32Array(copy) : new Uint16Array(copy);
      });
    } finally {
      staging.destroy();
      times?.destroy();
    }
  }

  #addTimes(stamps: BigUint64Array): void {
    for (const [i, label] of this.#scopes.entries()) {
      const milliseconds = Number(stamps[2 * i + 1]! - stamps[2 * i]!) / 1e6;
      this.times.set(label, (this.times.get(label) ?? 0) + milliseconds);
    }
  }

  #hold(tensor: Tensor): void {
    if (!tensor.isOn(this.gpu)) throw new ShapeError(`a tensor of another GPU was given.`);
    if (this.#held.has(tensor)) return;
    tensor.hold();
    this.#held.add(tensor);
  }

  /** Puts parameters into the current block and gives the binding. */
  #write(params: readonly Word[]): GPUBufferBinding {
    const { device } = this.gpu;
    const size = Math.ceil(params.length / 4) * 16;
    const alignment = device.limits.minUniformBufferOffsetAlignment;
    let block = this.#parameters.at(-1);
    if (block === undefined || block.used + size > PARAMETER_BYTES) {
      const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
      block = {
        buffer: device.createBuffer({ size: PARAMETER_BYTES, usage }),
        words: new Uint8Array(PARAMETER_BYTES),
        used: 0,
      };
      this.#parameters.push(block);
    }
    const offset = block.used;
    const view = new DataView(block.words.buffer, offset, size);
    for (const [i, { type, value }] of params.entries()) {
      if (type === "f32") view.setFloat32(4 * i, value, true);
      else view.setUint32(4 * i, value, true);
    }
    block.used = Math.ceil((offset + size) / alignment) * alignment;
    return { buffer: block.buffer, offset, size };
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }

  #finish(): void {
    if (this.#submitted) throw new GpuError("a recorder was submitted twice.");
    this.#submitted = true;
    this.#endPass();
    const { device } = this.gpu;
    for (const { buffer, words, used } of this.#parameters) {
      device.queue.writeBuffer(buffer, 0, words, 0, Math.min(used, PARAMETER_BYTES));
    }
    device.queue.submit([this.#encoder.finish()]);
    // A destroyed buffer stays alive for commands that were submitted before.
    for (const { buffer } of this.#parameters) buffer.destroy();
    this.#queries?.destroy();
    for (const tensor of this.#held) tensor.letGo();
    this.#held.clear();
    for (const allocation of Array.from(this.#recycled.values()).flat()) {
      this.gpu.pool.give(allocation);
    }
    this.#recycled.clear();
  }
}
