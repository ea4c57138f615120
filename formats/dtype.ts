/** How a dtype lies in memory, little-endian. */
export interface Dtype {
  /** Bytes of one value. */
  readonly bytes: number;
  /** The values of whole elements, in a buffer of their own. */
  decode(bytes: Uint8Array<ArrayBuffer>): Float64Array;
}

/** The dtypes that can be read, by NumPy's names without byte order, and bfloat16. */
export const DTYPES: ReadonlyMap<string, Dtype> = new Map(Object.entries({
  f2: viewed(Float16Array),
  f4: viewed(Float32Array),
  f8: viewed(Float64Array),
  bf16: {
    bytes: 2,
    decode: (bytes: Uint8Array<ArrayBuffer>) => new Float64Array(widenBfloat16(bytes)),
  },
  b1: viewed(Uint8Array),
  u1: viewed(Uint8Array),
  i1: viewed(Int8Array),
  u2: viewed(Uint16Array),
  i2: viewed(Int16Array),
  u4: viewed(Uint32Array),
  i4: viewed(Int32Array),
  u8: wide(Uint32Array),
  i8: wide(Int32Array),
}));

/** bfloat16 as float32, of which it is the upper half. */
export function widenBfloat16(bytes: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const halves = new Uint16Array(bytes.slice().buffer);
  const words = new Uint32Array(halves.length);
  // Array.from would make a list of the values first, which fails from 2^27 of them.
  for (let i = 0; i < halves.length; i++) words[i] = halves[i]! << 16;
  return new Float32Array(words.buffer);
}

interface View<T> {
  new (buffer: ArrayBuffer): T;
  readonly BYTES_PER_ELEMENT: number;
}

function viewed(Values: View<ArrayLike<number>>): Dtype {
  return {
    bytes: Values.BYTES_PER_ELEMENT,
    decode: (bytes) => new Float64Array(new Values(bytes.slice().buffer)),
  };
}

/** Integers of 64 bits, whose upper halves are `Values`. */
function wide(Values: View<ArrayLike<number>>): Dtype {
  return {
    bytes: 8,
    decode(bytes) {
      const { buffer } = bytes.slice();
      const [lower, upper] = [new Uint32Array(buffer), new Values(buffer)];
      const values = new Float64Array(lower.length / 2);
      // Rounded once, in the sum: what a BigInt becomes as a number.
      for (let i = 0; i < values.length; i++) {
        values[i] = upper[2 * i + 1]! * 2 ** 32 + lower[2 * i]!;
      }
      return values;
    },
  };
}
