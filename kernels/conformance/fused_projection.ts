import type { Gpu } from "../runtime/gpu.ts";
import { fusedTokenStatistics, fusedTokenStatisticsBackward } from "../softmax/fused_projection.ts";
import { tokenStatisticsBackwardReference } from "../softmax/token_statistics_backward_reference.ts";
import { tokenStatisticsReference } from "../softmax/token_statistics_reference.ts";
import { checkTokenStatistics, emptyTokenStatistics } from "../softmax/token_statistics.ts";
import { matmulReference } from "../transformer/matmul_reference.ts";
import { asFloat32, type Check, type Tally } from "./check.ts";
import { plainMatmul } from "./matmul.ts";
import { plainTokenStatistics, plainTokenStatisticsBackward } from "./plain_softmax.ts";
import { RandomData } from "./random_data.ts";

/** {@linkcode fusedTokenStatistics} and its backward with tiles that divide the vocabulary and that do not. */
export const fusedProjectionCheck: Check = {
  name: "fused-projection",
  async run(gpu, tally) {
    const random = new RandomData(5);
    await compare(gpu, tally, random, { rows: 1, width: 1, columns: 1, tile: 1 });
    await compare(gpu, tally, random, { rows: 3, width: 5, columns: 17, tile: 1 });
    await compare(gpu, tally, random, { rows: 17, width: 8, columns: 255, tile: 64 });
    await compare(gpu, tally, random, { rows: 5, width: 16, columns: 256, tile: 64 });
    await compare(gpu, tally, random, { rows: 4, width: 12, columns: 4099, tile: 1000 });
    await compare(gpu, tally, random, { rows: 2, width: 4, columns: 50257, tile: 20000 });
    await compare(gpu, tally, random, { rows: 9, width: 20, columns: 32, tile: 4096 });
  },
};

interface Shape {
  rows: number;
  width: number;
  columns: number;
  tile: number;
}

async function compare(gpu: Gpu, tally: Tally, random: RandomData, shape: Shape): Promise<void> {
  const { rows, width, columns, tile } = shape;
  const temperature = 0.8;
  const hiddenValues = random.normal(rows * width);
  const weightValues = random.normal(columns * width);
  const targetValues = random.integers(rows, columns);
  const logProbValues = random.normal(rows);
  const entropyValues = random.normal(rows);
  using hidden = gpu.tensor(hiddenValues, [rows, width]);
  using weight = gpu.tensor(weightValues, [columns, width]);
  using targets = gpu.tensor(targetValues);
  using gradLogProb = gpu.tensor(logProbValues);
  using gradEntropy = gpu.tensor(entropyValues);
  using gradHidden = gpu.empty([rows, width]);
  using gradWeight = gpu.tensor(new Float32Array(columns * width).fill(1), [columns, width]);
  using statistics = emptyTokenStatistics(gpu, rows);
  const projection = { hidden, weight, targets, temperature, tile };
  const recorder = gpu.record("fused projection");
  fusedTokenStatistics(recorder, { ...projection, out: statistics });
  fusedTokenStatisticsBackward(recorder, {
    ...projection,
    statistics,
    gradLogProb,
    gradEntropy,
    accumulate: true,
    out: { gradHidden, gradWeight },
  });
  const [logProb, entropy, logZ, dHidden, dWeight] = await recorder.read(
    statistics.logProb,
    statistics.entropy,
    statistics.logZ,
    gradHidden,
    gradWeight,
  );
  await checkTokenStatistics(gpu, statistics);

  const pass = (
    product: typeof matmulReference | typeof plainMatmul,
    forward: typeof tokenStatisticsReference,
    backward: (input: Parameters<typeof forward>[0]) => ArrayLike<number>,
  ) => {
    const [m, k, n] = [rows, width, columns];
    const logits = product({ a: hiddenValues, b: weightValues, m, k, n, transposeB: true });
    const input = { logits, targets: targetValues, columns, temperature };
    const a = backward(input);
    return {
      ...forward(input),
      hidden: product({ a, b: weightValues, m, k: n, n: k }),
      weight: product({
        a,
        b: hiddenValues,
        m: n,
        k: m,
        n: k,
        transposeA: true,
        start: new Float32Array(columns * width).fill(1),
      }),
    };
  };
  const upstream = { gradLogProb: logProbValues, gradEntropy: entropyValues };
  const expected = pass(
    matmulReference,
    tokenStatisticsReference,
    (input) => tokenStatisticsBackwardReference(input, upstream),
  );
  const plain = pass(
    plainMatmul,
    plainTokenStatistics,
    (input) => plainTokenStatisticsBackward(input, upstream),
  );
  const label = `[${rows}, ${width}] · [${columns}, ${width}]ᵀ by ${tile}`;
  const compareOne = (name: string, actual: ArrayLike<number>, key: keyof typeof expected) =>
    tally.near(`${name} of ${label}`, actual, expected[key], asFloat32(expected[key], plain[key]));
  compareOne("logProb", logProb, "logProb");
  compareOne("entropy", entropy, "entropy");
  compareOne("logZ", logZ, "logZ");
  compareOne("gradHidden", dHidden, "hidden");
  compareOne("gradWeight", dWeight, "weight");
}
