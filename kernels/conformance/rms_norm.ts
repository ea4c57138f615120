import type { Gpu } from "../runtime/gpu.ts";
import { rmsNorm, rmsNormBackward } from "../transformer/rms_norm.ts";
import { rmsNormBackwardReference, rmsNormReference } from "../transformer/rms_norm_reference.ts";
import { asFloat32, type Check, type Tally } from "./check.ts";
import { RandomData } from "./random_data.ts";

const EPSILON = 1e-6;

/** Rows and columns. Shaders are written out for the width, so that wide rows take long to compile. */
const SHAPES: readonly (readonly [number, number])[] = [
  [1, 1],
  [2, 2],
  [3, 5],
  [255, 3],
  [64, 17],
  [70, 12],
  [5, 132],
  [2000, 4],
];

/** {@linkcode rmsNorm} and its gradients, with and without the residual stream; rows of zeros. */
export const rmsNormCheck: Check = {
  name: "rms-norm",
  async run(gpu, tally) {
    const random = new RandomData(19);
    for (const [rows, columns] of SHAPES) {
      const plain = rmsNormCase(random, rows, columns);
      await compareRmsNorm(gpu, tally, `[${rows}, ${columns}]`, plain);
    }
    for (const [rows, columns] of [[1, 3], [37, 20]] as const) {
      const label = `[${rows}, ${columns}] of the residual stream`;
      await compareRmsNorm(gpu, tally, label, residualCase(random, rows, columns));
    }
    const zeros = { ...rmsNormCase(random, 2, 8), x: new Float32Array(16) };
    await compareRmsNorm(gpu, tally, "rows of zeros", zeros);
  },
};

/** Rows to normalize, and the gradient of the result. */
export interface RmsNormCase {
  /** The rows, one after the other. */
  readonly x: Float32Array<ArrayBuffer>;
  /** The residual stream, to which x is added first; none by default. */
  readonly before?: Float32Array<ArrayBuffer>;
  /** Multiplies each column. */
  readonly weight: Float32Array<ArrayBuffer>;
  /** Gradient with respect to the result. */
  readonly gradOut: Float32Array<ArrayBuffer>;
  /** What the gradient with respect to the rows is added to; it replaces what is there by default. */
  readonly gradX?: Float32Array<ArrayBuffer>;
  /** What the gradient with respect to the weight is added to. */
  readonly gradWeight: Float32Array<ArrayBuffer>;
}

/** What the kernels give. */
export interface RmsNormResult {
  /** The result. */
  readonly normalized: ArrayLike<number>;
  /** The gradient with respect to the rows. */
  readonly gradX: ArrayLike<number>;
  /** The gradient with respect to the weight. */
  readonly gradWeight: ArrayLike<number>;
}

/** A random case without a residual stream. */
export function rmsNormCase(random: RandomData, rows: number, columns: number): RmsNormCase {
  return {
    x: random.normal(rows * columns),
    weight: random.normal(columns),
    gradOut: random.normal(rows * columns),
    gradWeight: random.normal(columns),
  };
}

/** A random case with a residual stream and its gradient. */
export function residualCase(random: RandomData, rows: number, columns: number): RmsNormCase {
  return {
    ...rmsNormCase(random, rows, columns),
    before: random.normal(rows * columns),
    gradX: random.normal(rows * columns),
  };
}

/** Compares {@linkcode rmsNorm} and its gradients with their references, and returns them. */
export async function compareRmsNorm(
  gpu: Gpu,
  tally: Tally,
  label: string,
  c: RmsNormCase,
): Promise<RmsNormResult> {
  const { after, ...actual } = await run(gpu, c);
  const x = c.x.map((value, i) => value + (c.before?.[i] ?? 0));
  if (c.before !== undefined) tally.same(`sum of ${label}`, after, x);
  const input = { x, weight: c.weight, epsilon: EPSILON };
  const { gradX, gradWeight } = rmsNormBackwardReference(input, c.gradOut);
  const expected: RmsNormResult = {
    normalized: rmsNormReference(input),
    gradX: gradX.map((value, i) => value + (c.gradX?.[i] ?? 0)),
    gradWeight: gradWeight.map((value, i) => value + c.gradWeight[i]!),
  };
  const plain = plainRmsNorm({ ...c, x });
  for (const name of ["normalized", "gradX", "gradWeight"] as const) {
    const tolerance = asFloat32(expected[name], plain[name]);
    tally.near(`${name} of ${label}`, actual[name], expected[name], tolerance);
  }
  return actual;
}

async function run(
  gpu: Gpu,
  c: RmsNormCase,
): Promise<RmsNormResult & { after: ArrayLike<number> }> {
  const { x: { length: size }, weight: { length: columns } } = c;
  const shape = [size / columns, columns];
  using x = gpu.tensor(c.x, shape);
  using before = gpu.tensor(c.before ?? new Float32Array(size), shape);
  using after = gpu.empty(shape);
  using weight = gpu.tensor(c.weight);
  using normalized = gpu.empty(shape);
  using inverseRms = gpu.empty([shape[0]!]);
  using gradOut = gpu.tensor(c.gradOut, shape);
  using gradX = gpu.tensor(c.gradX ?? new Float32Array(size).fill(NaN), shape);
  using gradWeight = gpu.tensor(c.gradWeight);
  const recorder = gpu.record("RMS norm");
  const options = { x, weight, epsilon: EPSILON };
  const out = { normalized, inverseRms };
  if (c.before === undefined) rmsNorm(recorder, { ...options, out });
  else rmsNorm(recorder, { ...options, residual: before, out: { ...out, residual: after } });
  rmsNormBackward(recorder, {
    x: c.before === undefined ? x : after,
    weight,
    inverseRms,
    gradOut,
    accumulate: c.gradX !== undefined,
    out: { gradX, gradWeight },
  });
  const [rows, ofX, ofWeight, sums] = await recorder.read(normalized, gradX, gradWeight, after);
  return { normalized: rows, gradX: ofX, gradWeight: ofWeight, after: sums };
}

const round = Math.fround;

/** Every operation rounded to float32. */
function plainRmsNorm(c: RmsNormCase): RmsNormResult {
  const { x, weight, gradOut } = c;
  const columns = weight.length;
  const normalized = new Float32Array(x.length);
  const gradX = new Float32Array(x.length);
  const gradWeight = c.gradWeight.slice();
  for (let first = 0; first < x.length; first += columns) {
    let [squares, product] = [0, 0];
    for (let column = 0; column < columns; column++) {
      const i = first + column;
      squares = round(squares + round(x[i]! * x[i]!));
      product = round(product + round(round(gradOut[i]! * weight[column]!) * x[i]!));
    }
    const r = round(1 / round(Math.sqrt(round(round(squares / columns) + EPSILON))));
    const scale = round(round(r * r) * round(product / columns));
    for (let column = 0; column < columns; column++) {
      const i = first + column;
      normalized[i] = round(x[i]! * r) * weight[column]!;
      const difference = round(round(gradOut[i]! * weight[column]!) - round(x[i]! * scale));
      gradX[i] = round(r * difference) + (c.gradX?.[i] ?? 0);
      gradWeight[column]! += round(round(gradOut[i]! * x[i]!) * r);
    }
  }
  return { normalized, gradX, gradWeight };
}
