import { uniformFloat32 } from "pure-rand/distribution/uniformFloat32";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Where all randomness of a task comes from: the shape of pure-rand's generators. */
export interface RandomGenerator {
  /** The next 32 random bits, as a signed number. */
  next(): number;
  /** A generator that will give the same numbers. */
  clone(): RandomGenerator;
  /** What `xoroshiro128plusFromState` makes the same generator from. */
  getState(): readonly number[];
}

/** Numbers that a new generator throws away: at first its state is half ones and zeros. */
const WARM_UP = 16;

/**
 * A generator whose numbers are unlike those of neighbouring seeds. xoroshiro128+ alone would give
 * correlated numbers for good: its state is linear in the seed.
 *
 * @param seed Any whole number; its lower 32 bits count.
 */
export function seededRandom(seed: number): RandomGenerator {
  const random = xoroshiro128plus(mix(seed));
  for (let i = 0; i < WARM_UP; i++) random.next();
  return random;
}

/** The finaliser of MurmurHash3 (Appleby 2011): one to one, and every bit depends on every other. */
function mix(seed: number): number {
  let bits = seed | 0;
  bits = Math.imul(bits ^ bits >>> 16, 0x85ebca6b);
  bits = Math.imul(bits ^ bits >>> 13, 0xc2b2ae35);
  return bits ^ bits >>> 16;
}

/** True with the given probability. */
export function chance(random: RandomGenerator, probability: number): boolean {
  return uniformFloat32(random) < probability;
}

/** One of a list, all equally likely. */
export function among<T>(random: RandomGenerator, list: ArrayLike<T>): T {
  return list[uniformInt(random, 0, list.length - 1)]!;
}

/** A whole number from `from` up to, not including, `to`, other than those given. */
export function otherThan(
  random: RandomGenerator,
  from: number,
  to: number,
  ...others: readonly number[]
): number {
  while (true) {
    const value = uniformInt(random, from, to - 1);
    if (!others.includes(value)) return value;
  }
}
