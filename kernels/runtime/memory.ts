import { type Allocation, BufferPool } from "./pool.ts";

/** The memory of one device: where that of tensors comes from, and how much they have. */
export class DeviceMemory {
  /** Buffers that are not in use. */
  readonly pool: BufferPool;
  /** The bytes of all tensors that are not destroyed. */
  liveBytes = 0;

  /** All of a device's. */
  constructor(device: GPUDevice) {
    this.pool = new BufferPool(device);
  }
}

/**
 * The memory of a tensor and of those that show it in other shapes: given back to the pool once the tensor is
 * destroyed and every recorder that holds it was submitted.
 */
export class TensorMemory {
  /** The device's. */
  readonly owner: DeviceMemory;
  #allocation: Allocation | undefined;
  #recorders = 0;
  #destroyed = false;

  /** @param memory Bytes to take from the pool, or memory that a recorder lends, which is counted nowhere. */
  constructor(owner: DeviceMemory, memory: number | Allocation) {
    this.owner = owner;
    if (typeof memory === "number") {
      this.#allocation = owner.pool.take(memory);
      owner.liveBytes += this.#allocation.bytes;
    } else {
      this.#allocation = memory;
      this.#destroyed = true;
    }
  }

  /** The buffer; undefined if the tensor was destroyed and no recorder holds it any more. */
  get buffer(): GPUBuffer | undefined {
    return this.#allocation?.buffer;
  }

  /** The tensor needs it no longer; twice is as good as once. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.owner.liveBytes -= this.#allocation!.bytes;
    this.#release();
  }

  /** Passes the memory of a temporary on to another, once. */
  surrender(): Allocation {
    const allocation = this.#allocation!;
    this.#allocation = undefined;
    return allocation;
  }

  /** A recorder needs it until it is submitted. */
  hold(): void {
    this.#recorders++;
  }

  /** That recorder was submitted. */
  letGo(): void {
    this.#recorders--;
    this.#release();
  }

  #release(): void {
    if (!this.#destroyed || this.#recorders > 0 || this.#allocation === undefined) return;
    this.owner.pool.give(this.#allocation);
    this.#allocation = undefined;
  }
}
