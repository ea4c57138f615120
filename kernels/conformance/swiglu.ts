import type { Gpu } from "../runtime/gpu.ts";
import { swiglu, swigluBackward } from "../transformer/swiglu.ts";
import { swigluBackwardReference, swigluReference } from "../transformer/swiglu_reference.ts";
import { asFloat32, type Check, type Tally, ulps } from "./check.ts";
import { RandomData } from "./random_data.ts";

/** Rows, columns, and the standard deviation of the gate. */
const CASES: readonly (readonly [number, number, number])[] = [
  [1, 1, 1],
  [2, 3, 1],
  [7, 17, 1],
  [5, 64, 40],
  [300, 11, 4],
  [3, 255, 1],
  [64, 64, 1],
];

/** {@linkcode swiglu} and its gradients, for gates of every size. */
export const swigluCheck: Check = {
  name: "swiglu",
  async run(gpu, tally) {
    const random = new RandomData(17);
    for (const [rows, columns, deviation] of CASES) {
      const size = rows * columns;
      await compareSwiglu(gpu, tally, {
        columns,
        gate: random.normal(size, deviation),
        up: random.normal(size),
        gradOut: random.normal(size),
      });
    }
    await largeGates(gpu, tally);
  },
};

/** The inputs of the forward, and the gradient of its result. */
export interface SwigluCase {
  /** Elements of a row. */
  readonly columns: number;
  /** Goes through the sigmoid. */
  readonly gate: Float32Array<ArrayBuffer>;
  /** The other input. */
  readonly up: Float32Array<ArrayBuffer>;
  /** Gradient with respect to the result. */
  readonly gradOut: Float32Array<ArrayBuffer>;
}

/** What the kernels give. */
export interface SwigluResult {
  /** The result. */
  readonly out: ArrayLike<number>;
  /** The gradient with respect to the gate. */
  readonly gradGate: ArrayLike<number>;
  /** The gradient with respect to the other input. */
  readonly gradUp: ArrayLike<number>;
}

/** Compares {@linkcode swiglu} and its gradients with their references, and returns them. */
export async function compareSwiglu(
  gpu: Gpu,
  tally: Tally,
  c: SwigluCase,
): Promise<SwigluResult> {
  const actual = await run(gpu, c);
  const expected = reference(c);
  const plain = plainSwiglu(c);
  const label = `[${c.gate.length / c.columns}, ${c.columns}]`;
  for (const name of ["out", "gradGate", "gradUp"] as const) {
    const tolerance = asFloat32(expected[name], plain[name]);
    tally.near(`${name} of ${label}`, actual[name], expected[name], tolerance);
  }
  return actual;
}

/** Gates whose exponentials overflow or vanish. */
async function largeGates(gpu: Gpu, tally: Tally): Promise<void> {
  const gate = Float32Array.of(-3e38, -1000, -90, 0, 90, 1000, 1e30);
  const one = new Float32Array(gate.length).fill(1);
  const c = { columns: gate.length, gate, up: one, gradOut: one };
  const actual = await run(gpu, c);
  const expected = reference(c);
  for (const name of ["out", "gradGate", "gradUp"] as const) {
    // What is as small as the smallest normal numbers may be zero.
    const tolerance = ulps(expected[name], 8).map((limit) => limit + 1e-35);
    tally.near(`${name} of large gates`, actual[name], expected[name], tolerance);
  }
}

async function run(gpu: Gpu, c: SwigluCase): Promise<SwigluResult> {
  const shape = [c.gate.length / c.columns, c.columns];
  const [rows, columns] = shape as [number, number];
  const halves = new Float32Array(2 * c.gate.length);
  for (let row = 0; row < rows; row++) {
    const [start, end] = [row * columns, (row + 1) * columns];
    halves.set(c.gate.subarray(start, end), 2 * start);
    halves.set(c.up.subarray(start, end), 2 * start + columns);
  }
  using gateUp = gpu.tensor(halves, [rows, 2 * columns]);
  using gradOut = gpu.tensor(c.gradOut, shape);
  using out = gpu.empty(shape);
  using gradGateUp = gpu.empty(gateUp.shape);
  const recorder = gpu.record("swiglu");
  swiglu(recorder, { gateUp, out });
  swigluBackward(recorder, { gateUp, gradOut, out: gradGateUp });
  const [values, gradients] = await recorder.read(out, gradGateUp);
  const half = (first: number) =>
    Float32Array.from(c.gate, (_, i) => gradients[i + (i - i % columns) + first]!);
  return { out: values, gradGate: half(0), gradUp: half(columns) };
}

function reference({ gate, up, gradOut }: SwigluCase): SwigluResult {
  return { out: swigluReference(gate, up), ...swigluBackwardReference(gate, up, gradOut) };
}

const round = Math.fround;

/** Every operation rounded to float32. */
function plainSwiglu({ gate, up, gradOut }: SwigluCase): SwigluResult {
  const sigmoid = (x: number) => round(1 / round(1 + round(Math.exp(-x))));
  return {
    out: gate.map((x, i) => round(x * sigmoid(x)) * up[i]!),
    gradGate: gate.map((x, i) => {
      const s = sigmoid(x);
      return round(round(gradOut[i]! * up[i]!) * s) * round(1 + round(x * round(1 - s)));
    }),
    gradUp: gate.map((x, i) => round(gradOut[i]! * x) * sigmoid(x)),
  };
}
