import type { DataType } from "../runtime/tensor.ts";

/** Numbers as a tensor of a type takes them, and what they are after rounding. */
export interface Packed {
  /** Elements, or their bits. */
  readonly data: Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;
  /** The rounded numbers. */
  readonly values: Float32Array<ArrayBuffer>;
}

/** Rounds numbers to a type of 16 bits: f16 to nearest, bf16 by cutting off. */
export function packed(numbers: Float32Array<ArrayBuffer>, type: Exclude<DataType, "u32">): Packed {
  if (type === "f32") return { data: numbers, values: numbers };
  if (type === "bf16") {
    const bits = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);
    const data = Uint16Array.from(bits, (word) => word >>> 16);
    const values = new Float32Array(Uint32Array.from(data, (word) => word << 16).buffer);
    return { data, values };
  }
  const rounded = new Float16Array(numbers);
  return { data: new Uint16Array(rounded.buffer), values: Float32Array.from(rounded) };
}
