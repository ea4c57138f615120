import { ShapeError } from "./errors.ts";
import type { DataType } from "./tensor.ts";

/** What the elements of a tensor can be given as: numbers, or the bits of f16 and bf16 in a Uint16Array. */
export type Elements =
  | readonly number[]
  | Float16Array
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** The type of a tensor that is made of these elements, unless another is asked for. */
export type TypeFor<Data extends Elements> = Data extends Uint32Array ? "u32"
  : Data extends Uint16Array | Float16Array ? "f16"
  : "f32";

/** The type of a tensor that is made of these elements, unless another is asked for. */
export function typeFor(data: Elements): DataType {
  if (data instanceof Uint32Array) return "u32";
  return data instanceof Uint16Array || isHalf(data) ? "f16" : "f32";
}

/** Browsers of before 2025 have WebGPU but no Float16Array. */
const HAS_HALF = "Float16Array" in globalThis;

function isHalf(data: Elements): data is Float16Array {
  return HAS_HALF && data instanceof Float16Array;
}

/**
 * Elements as the memory of a tensor holds them. Numbers are rounded to the nearest that the type has; a
 * Uint16Array for f16 or bf16 is taken for their bits.
 *
 * @throws {ShapeError} naming the first element that is no number, or larger than the type can hold; for u32
 * also one that is not whole or is negative; and for a Uint16Array where f32 was asked for, since it may be
 * meant as numbers or as bits.
 */
export function packElements(
  data: Elements,
  type: DataType,
): Float32Array | Uint32Array | Uint16Array {
  switch (type) {
    case "f32":
      if (data instanceof Float32Array) return data;
      if (data instanceof Uint16Array) {
        throw new ShapeError("a Uint16Array was given for f32, expected floats or numbers.");
      }
      return converted(data, new Float32Array(data.length), "f32");
    case "u32":
      return data instanceof Uint32Array ? data : wholeNumbers(data);
    case "f16":
      if (data instanceof Uint16Array) return data;
      if (!HAS_HALF) {
        throw new ShapeError(
          "f16 was given as numbers, here without Float16Array expected as bits.",
        );
      }
      return bitsOf(isHalf(data) ? data : converted(data, new Float16Array(data.length), "f16"));
    case "bf16":
      if (data instanceof Uint16Array) return data;
      return upperHalves(converted(data, new Float32Array(data.length), "bf16"));
  }
}

/** The largest number of each type. */
const LARGEST = { f32: 2 ** 128 - 2 ** 104, f16: 65504, bf16: 2 ** 128 - 2 ** 120 } as const;

function converted<Out extends Float32Array | Float16Array>(
  data: Elements,
  out: Out,
  type: keyof typeof LARGEST,
): Out {
  for (let i = 0; i < out.length; i++) {
    const value = numberAt(data, i);
    out[i] = value;
    if (Number.isFinite(out[i]) || !Number.isFinite(value)) continue;
    throw tooLarge(i, value, type);
  }
  return out;
}

function tooLarge(i: number, value: number, type: keyof typeof LARGEST): ShapeError {
  return new ShapeError(
    `element ${i} is ${value}, the largest number that ${type} holds is ${LARGEST[type]}.`,
  );
}

function wholeNumbers(data: Elements): Uint32Array {
  const out = new Uint32Array(data.length);
  for (let i = 0; i < out.length; i++) {
    const value = numberAt(data, i);
    out[i] = value;
    if (out[i] === value) continue;
    throw new ShapeError(
      `element ${i} is ${value}, u32 holds whole numbers from 0 to ${2 ** 32 - 1}.`,
    );
  }
  return out;
}

/** What it is called with in JavaScript need not be numbers. */
function numberAt(data: Elements, i: number): number {
  const value: unknown = data[i];
  if (typeof value === "number") return value;
  throw new ShapeError(`element ${i} is of type ${typeof value}, expected a number.`);
}

/** bfloat16 is the upper half of a float32, rounded to nearest, ties to even. */
function upperHalves(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer);
  return Uint16Array.from(words, (word, i) => {
    // Rounding could carry a NaN over into infinity.
    if (Number.isNaN(values[i])) return (word >>> 16) | 0x40;
    const half = (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
    if ((half & 0x7fff) === 0x7f80 && Number.isFinite(values[i])) {
      throw tooLarge(i, values[i]!, "bf16");
    }
    return half;
  });
}

function bitsOf({ buffer, byteOffset, length }: Float16Array): Uint16Array {
  return new Uint16Array(buffer, byteOffset, length);
}
