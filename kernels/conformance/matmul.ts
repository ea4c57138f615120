import type { Gpu } from "../runtime/gpu.ts";
import { matmul } from "../transformer/matmul.ts";
import { matmulReference, type MatmulReferenceInput } from "../transformer/matmul_reference.ts";
import { asFloat32, type Check, type Tally } from "./check.ts";
import { RandomData } from "./random_data.ts";

/** m, k, n. */
const SHAPES: readonly (readonly [number, number, number])[] = [
  [1, 1, 1],
  [2, 3, 5],
  [17, 1, 3],
  [1, 17, 64],
  [33, 64, 31],
  [64, 64, 64],
  [255, 17, 257],
  [128, 192, 96],
  [44, 38, 48],
  [16, 1033, 20],
  [3, 4099, 2],
  [257, 8, 1],
  [12, 2048, 20],
];

/** {@linkcode matmul} on odd shapes with every transpose, bias, accumulation, and rows of larger matrices. */
export const matmulCheck: Check = {
  name: "matmul",
  async run(gpu, tally) {
    const random = new RandomData(4);
    for (const [m, k, n] of SHAPES) {
      for (const transposeA of [false, true]) {
        for (const transposeB of [false, true]) {
          await compare(gpu, tally, random, { m, k, n, transposeA, transposeB });
        }
      }
    }
    for (const [m, k, n] of [[5, 7, 9], [64, 32, 16], [9, 4099, 4]] as const) {
      const bias = random.normal(n);
      const start = random.normal(m * n);
      await compare(gpu, tally, random, { m, k, n, bias });
      await compare(gpu, tally, random, { m, k, n, start });
      await compare(gpu, tally, random, { m, k, n, transposeB: true, bias, start });
    }
    await rowsOfMatrices(gpu, tally, random);
  },
};

type Case = Omit<MatmulReferenceInput, "a" | "b">;

async function compare(gpu: Gpu, tally: Tally, random: RandomData, c: Case): Promise<void> {
  const { m, k, n, transposeA = false, transposeB = false } = c;
  const input = { ...c, a: random.normal(m * k), b: random.normal(k * n) };
  using a = gpu.tensor(input.a, transposeA ? [k, m] : [m, k]);
  using b = gpu.tensor(input.b, transposeB ? [n, k] : [k, n]);
  using out = c.start === undefined
    ? gpu.tensor(new Float32Array(m * n).fill(NaN), [m, n])
    : gpu.tensor(Float32Array.from(c.start), [m, n]);
  using bias = c.bias === undefined ? undefined : gpu.tensor(Float32Array.from(c.bias));
  const recorder = gpu.record("matmul");
  const accumulate = c.start !== undefined;
  matmul(recorder, {
    a,
    b,
    out,
    transposeA,
    transposeB,
    accumulate,
    ...(bias === undefined ? {} : { bias }),
  });
  const [read] = await recorder.read(out);
  const expected = matmulReference(input);
  const label = `[${m}, ${k}]${transposeA ? "ᵀ" : ""} · [${k}, ${n}]${transposeB ? "ᵀ" : ""}${
    c.bias === undefined ? "" : " + bias"
  }${accumulate ? " accumulated" : ""}`;
  tally.near(label, read, expected, asFloat32(expected, plainMatmul(input)));
}

async function rowsOfMatrices(gpu: Gpu, tally: Tally, random: RandomData): Promise<void> {
  const [k, n] = [12, 8];
  const [valuesA, valuesB] = [random.normal(20 * k), random.normal(k * n)];
  using a = gpu.tensor(valuesA, [20, k]);
  using b = gpu.tensor(valuesB, [k, n]);
  using out = gpu.zeros([20, n]);
  const recorder = gpu.record("matmul of rows");
  matmul(recorder, {
    a: { matrix: a, first: 3, count: 5 },
    b,
    out: { matrix: out, first: 11, count: 5 },
  });
  const [read] = await recorder.read(out);
  const input = { a: valuesA.subarray(3 * k, 8 * k), b: valuesB, m: 5, k, n };
  const product = matmulReference(input);
  const expected = new Float64Array(20 * n);
  expected.set(product, 11 * n);
  tally.near("rows of larger matrices", read, expected, asFloat32(product, plainMatmul(input)));
}

/** The product in float32, every operation rounded. */
export function plainMatmul(input: MatmulReferenceInput): Float32Array {
  const { a, b, m, n, k, transposeA, transposeB, bias, start } = input;
  return Float32Array.from({ length: m * n }, (_, at) => {
    const [row, column] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let i = 0; i < k; i++) {
      const x = a[transposeA ? i * m + row : row * k + i]!;
      const y = b[transposeB ? column * k + i : i * n + column]!;
      sum = Math.fround(sum + Math.fround(x * y));
    }
    return Math.fround(Math.fround(sum + (bias?.[column] ?? 0)) + (start?.[at] ?? 0));
  });
}
