/** A GPU buffer and the bytes that were asked of the pool for it. */
export interface Allocation {
  /** The buffer, at least as large as was asked. */
  readonly buffer: GPUBuffer;
  /** Size of the buffer in bytes. */
  readonly bytes: number;
}

/** The most bytes of unused buffers that are kept for reuse. */
const LARGEST_RESERVE = 1 << 28;

const USAGE = 0x80 /* STORAGE */ | 0x4 /* COPY_SRC */ | 0x8; /* COPY_DST */

/**
 * Reuses buffers of one device. Sizes are rounded up to one of four steps per power of two, so that
 * tensors of nearly the same size share buffers at less than a quarter of waste.
 */
export class BufferPool {
  #device: GPUDevice;
  #free = new Map<number, GPUBuffer[]>();
  #freeBytes = 0;

  /** A pool for one device. */
  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** A buffer of at least `bytes` bytes, with whatever was last in it. */
  take(bytes: number): Allocation {
    const size = roundUp(bytes);
    const buffer = this.#free.get(size)?.pop();
    if (buffer !== undefined) {
      this.#freeBytes -= size;
      return { buffer, bytes: size };
    }
    return { buffer: this.#device.createBuffer({ size, usage: USAGE }), bytes: size };
  }

  /** Takes a buffer back; destroys it where the reserve is full. */
  give({ buffer, bytes }: Allocation): void {
    if (this.#freeBytes + bytes > LARGEST_RESERVE) {
      buffer.destroy();
      return;
    }
    const free = this.#free.get(bytes);
    if (free === undefined) this.#free.set(bytes, [buffer]);
    else free.push(buffer);
    this.#freeBytes += bytes;
  }

  /** Destroys all unused buffers. */
  clear(): void {
    for (const buffer of Array.from(this.#free.values()).flat()) buffer.destroy();
    this.#free.clear();
    this.#freeBytes = 0;
  }
}

/** The next size up: a multiple of 256 bytes with three significant bits. */
export function roundUp(bytes: number): number {
  const whole = Math.max(256, Math.ceil(bytes / 256) * 256);
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(whole)) - 2));
  return Math.ceil(whole / step) * step;
}
