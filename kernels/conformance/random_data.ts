import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Seeded random data of the conformance cases. */
export class RandomData {
  #generator: ReturnType<typeof xoroshiro128plus>;

  /** @param seed A 32-bit number. */
  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed);
  }

  /** A number in [0, 1). */
  uniform(): number {
    return uniformInt(this.#generator, 0, 2 ** 24 - 1) / 2 ** 24;
  }

  /** Numbers of about the normal distribution, rounded to float32. */
  normal(size: number, deviation = 1): Float32Array<ArrayBuffer> {
    return Float32Array.from({ length: size }, () => {
      const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
      return deviation * radius * Math.cos(2 * Math.PI * this.uniform());
    });
  }

  /** Whole numbers from 0 to `below` − 1. */
  integers(size: number, below: number): Uint32Array<ArrayBuffer> {
    return Uint32Array.from({ length: size }, () => Math.floor(this.uniform() * below));
  }

  /** Not 0 with this probability: 1, 2 or 255, which mean the same. */
  flags(size: number, probability = 0.8): Uint32Array<ArrayBuffer> {
    return this.mask(size, probability).map((value, i) => value * [1, 2, 255][i % 3]!);
  }

  /** 1 with this probability, else 0. */
  mask(size: number, probability = 0.8): Uint32Array<ArrayBuffer> {
    return Uint32Array.from({ length: size }, () => Number(this.uniform() < probability));
  }
}
