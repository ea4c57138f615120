import type { Gpu } from "../runtime/gpu.ts";
import type { DataType } from "../runtime/tensor.ts";
import { tokenStatisticsReference } from "../softmax/token_statistics_reference.ts";
import {
  checkTokenStatistics,
  emptyTokenStatistics,
  readInvalidRows,
  tokenStatistics,
} from "../softmax/token_statistics.ts";
import { asFloat32, type Check, type Tally } from "./check.ts";
import { plainTokenStatistics } from "./plain_softmax.ts";
import { packed } from "./packed.ts";
import { RandomData } from "./random_data.ts";
import { rowsOfLogits } from "./rows_of_logits.ts";

/** Vocabularies of all checks of the softmax: odd, aligned, and those of real models. */
export const VOCABULARIES: readonly number[] = [1, 2, 3, 17, 64, 255, 257, 4099, 50257, 151936];

/** {@linkcode tokenStatistics} on odd shapes, adversarial rows, temperatures and packed types. */
export const tokenStatisticsCheck: Check = {
  name: "token-statistics",
  async run(gpu, tally) {
    const random = new RandomData(1);
    for (const columns of VOCABULARIES) {
      await compare(gpu, tally, random, { columns, type: "f32", temperature: 1 });
    }
    for (const temperature of [0.25, 3]) {
      await compare(gpu, tally, random, { columns: 257, type: "f32", temperature });
    }
    for (const type of ["f16", "bf16"] as const) {
      for (const columns of [1, 3, 17, 64, 4099]) {
        await compare(gpu, tally, random, { columns, type, temperature: 0.7 });
      }
    }
    await invalidRows(gpu, tally);
  },
};

/** What a case of the softmax is, but for its logits. */
export interface SoftmaxShape {
  /** Columns of the logits. */
  readonly columns: number;
  /** Their type. */
  readonly type: Exclude<DataType, "u32">;
  /** Divides them. */
  readonly temperature: number;
}

async function compare(
  gpu: Gpu,
  tally: Tally,
  random: RandomData,
  { columns, type, temperature }: SoftmaxShape,
): Promise<void> {
  const { rows, logits, targets } = rowsOfLogits(random, columns);
  const { data, values } = packed(logits, type);
  using logitsTensor = gpu.tensor(data, [rows, columns], type);
  using targetsTensor = gpu.tensor(targets);
  using statistics = emptyTokenStatistics(gpu, rows, true);
  const recorder = gpu.record("token statistics");
  tokenStatistics(recorder, {
    logits: logitsTensor,
    targets: targetsTensor,
    temperature,
    topProbability: true,
    out: statistics,
  });
  const names = ["logProb", "entropy", "logZ", "topProbability"] as const;
  const read = await recorder.read(...names.map((name) => statistics[name]));
  await checkTokenStatistics(gpu, statistics);
  const input = { logits: values, targets, columns, temperature };
  const expected = tokenStatisticsReference(input);
  const plain = plainTokenStatistics(input);
  for (const [i, name] of names.entries()) {
    // Row by row: a row of large numbers must not excuse one of small numbers.
    for (let row = 0; row < rows; row++) {
      const [want, simple] = [[expected[name][row]!], [plain[name][row]!]];
      tally.near(
        `${name} of row ${row} of [${rows}, ${columns}] in ${type} at temperature ${temperature}`,
        [read[i]![row]!],
        want,
        asFloat32(want, simple) +
          spacing(values.subarray(row * columns, (row + 1) * columns), temperature),
      );
    }
  }
}

/** A single number may be exact by luck, so the spacing of the row's largest logit is allowed besides. */
function spacing(row: Float32Array, temperature: number): number {
  let largest = 1;
  for (const value of row) {
    if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value) / temperature);
  }
  return largest * 2 ** -23;
}

async function invalidRows(gpu: Gpu, tally: Tally): Promise<void> {
  const columns = 5;
  const logits = new Float32Array(6 * columns).map((_, i) => Math.sin(i));
  logits.fill(-Infinity, columns, 2 * columns);
  logits[3 * columns + 2] = NaN;
  logits[4 * columns + 1] = -Infinity;
  const targets = Uint32Array.from([0, 0, 1, 1, 1, 4]);
  using logitsTensor = gpu.tensor(logits, [6, columns]);
  using targetsTensor = gpu.tensor(targets);
  using statistics = emptyTokenStatistics(gpu, 6);
  const recorder = gpu.record("token statistics");
  tokenStatistics(recorder, { logits: logitsTensor, targets: targetsTensor, out: statistics });
  const [logProb, words] = await recorder.read(statistics.logProb, statistics.invalid);
  const { count, first, codes } = readInvalidRows(words);
  tally.same("codes of invalid rows", codes, [0, 1, 0, 2, 3, 0]);
  tally.same("number of invalid rows", [count], [3]);
  tally.that("the first invalid row is named", first === 1, `it is ${first}`);
  const valid = [0, 2, 5];
  const expected = tokenStatisticsReference({ logits, targets, columns, temperature: 1 }).logProb;
  tally.near(
    "rows beside invalid ones",
    valid.map((row) => logProb[row]!),
    valid.map((row) => expected[row]!),
    1e-6,
  );
  tally.same("log-prob of invalid rows", [1, 3, 4].map((row) => logProb[row]!), [0, 0, 0]);
}
