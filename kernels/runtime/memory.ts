import { ShapeError } from "./errors.ts";
import type { Allocation, BufferPool } from "./pool.ts";

/** Whose memory it is. */
export interface MemoryOwner {
  /** Where memory comes from. */
  readonly pool: BufferPool;
  /** Counts the bytes of tensors that come and go. */
  countBytes(change: number): void;
}

/**
 * The memory of a tensor and of those that show it in other shapes: given back to the pool once the tensor is
 * destroyed and every recorder that holds it was submitted.
 */
export class TensorMemory {
  /** Whose it is. */
  readonly owner: MemoryOwner;
  #allocation: Allocation | undefined;
  #recorders = 0;
  #destroyed = false;

  /** @param memory Bytes to take from the owner's pool, or memory that a recorder lends, which is counted nowhere. */
  constructor(owner: MemoryOwner, memory: number | Allocation) {
    this.owner = owner;
    if (typeof memory === "number") {
      this.#allocation = owner.pool.take(memory);
      owner.countBytes(this.#allocation.bytes);
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
    this.owner.countBytes(-this.#allocation!.bytes);
    this.#release();
  }

  /**
   * Passes the memory of a temporary on to another.
   *
   * @throws {ShapeError} if it was passed on before.
   */
  surrender(): Allocation {
    const allocation = this.#allocation;
    if (allocation === undefined) throw new ShapeError("only a temporary itself can be recycled.");
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
