import type { GpuContext } from "./context.ts";

/** Two timestamps of 8 bytes: where a scope begins and where it ends. */
const SCOPE_BYTES = 16;

/** Timestamps of a recorder's scopes. */
interface Stamps {
  readonly labels: readonly string[];
  readonly buffer: GPUBuffer;
}

/**
 * How long the scopes of recorders take, by the GPU's own timestamps: of all recorders that are made while
 * it is the profile of their `Gpu`, whether they are read or only submitted. Made by `Gpu.startProfile`.
 */
export class Profile {
  #gpu: GpuContext;
  #stamps: Stamps[] = [];

  /**
   * A profile of one device.
   *
   * @ignore
   */
  constructor(gpu: GpuContext) {
    this.#gpu = gpu;
  }

  /**
   * Called by a recorder that ends: resolves its timestamps, two for each scope in order.
   *
   * @ignore
   */
  resolve(encoder: GPUCommandEncoder, queries: GPUQuerySet, labels: readonly string[]): void {
    const buffer = this.#gpu.device.createBuffer({
      size: SCOPE_BYTES * labels.length,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
    encoder.resolveQuerySet(queries, 0, 2 * labels.length, buffer, 0);
    this.#stamps.push({ labels, buffer });
  }

  /**
   * Milliseconds in each scope submitted since the last call; scopes of one label add up. Waits for them.
   *
   * @throws {GpuError} if the device reported an error since its last read.
   */
  async take(): Promise<Map<string, number>> {
    const stamps = this.#stamps;
    this.#stamps = [];
    const times = new Map<string, number>();
    const labels = stamps.flatMap(({ labels }) => labels);
    if (labels.length === 0) return times;
    const { device } = this.#gpu;
    const staging = device.createBuffer({
      size: SCOPE_BYTES * labels.length,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    const encoder = device.createCommandEncoder({ label: "profile" });
    let offset = 0;
    for (const { buffer } of stamps) {
      encoder.copyBufferToBuffer(buffer, 0, staging, offset, buffer.size);
      offset += buffer.size;
    }
    device.queue.submit([encoder.finish()]);
    for (const { buffer } of stamps) buffer.destroy();
    try {
      await this.#gpu.settle(staging.mapAsync(GPUMapMode.READ));
      const values = new BigUint64Array(staging.getMappedRange());
      for (const [i, label] of labels.entries()) {
        const milliseconds = Number(values[2 * i + 1]! - values[2 * i]!) / 1e6;
        times.set(label, (times.get(label) ?? 0) + milliseconds);
      }
      return times;
    } finally {
      staging.destroy();
    }
  }
}
