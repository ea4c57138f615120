/** Philox 4×32-10 in plain TypeScript, the definition that philox.wgsl is held to. */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const p = BigInt(c0) * 0xd2511f53n;
    const q = BigInt(c2) * 0xcd9e8d57n;
    [c0, c1, c2, c3] = [
      (Number(q >> 32n) ^ c1 ^ k0) >>> 0,
      Number(q & 0xffffffffn),
      (Number(p >> 32n) ^ c3 ^ k1) >>> 0,
      Number(p & 0xffffffffn),
    ];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** A seed as the key of the generator. */
export function keyOf(seed: number): [number, number] {
  return [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
}

/** Random bits as a number in the open interval (0, 1). */
export function toUniform(bits: number): number {
  return ((bits >>> 9) + 0.5) * 2 ** -23;
}

/** The numbers that `uniforms` writes. */
export function uniformsReference(size: number, seed: number, stream: number): Float64Array {
  return Float64Array.from(
    { length: size },
    (_, i) => toUniform(philox([i >>> 2, 0, 0, stream], keyOf(seed))[i & 3]!),
  );
}
