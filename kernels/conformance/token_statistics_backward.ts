import type { Gpu } from "../runtime/gpu.ts";
import { tokenStatisticsBackwardReference } from "../softmax/token_statistics_backward_reference.ts";
import { tokenStatisticsBackward } from "../softmax/token_statistics_backward.ts";
import { tokenStatisticsReference } from "../softmax/token_statistics_reference.ts";
import { emptyTokenStatistics, tokenStatistics } from "../softmax/token_statistics.ts";
import { asFloat32, type Check, type Tally } from "./check.ts";
import { numericalGradient } from "./numerical_gradient.ts";
import { packed } from "./packed.ts";
import { plainTokenStatisticsBackward } from "./plain_softmax.ts";
import { RandomData } from "./random_data.ts";
import { rowsOfLogits } from "./rows_of_logits.ts";
import { type SoftmaxShape, VOCABULARIES } from "./token_statistics.ts";

/** {@linkcode tokenStatisticsBackward} like its forward, in place and not, and its reference. */
export const tokenStatisticsBackwardCheck: Check = {
  name: "token-statistics-backward",
  async run(gpu, tally) {
    finiteDifferences(tally);
    const random = new RandomData(2);
    for (const columns of VOCABULARIES) {
      await compare(gpu, tally, random, { columns, type: "f32", temperature: 1 });
    }
    await compare(gpu, tally, random, { columns: 257, type: "f32", temperature: 0.25 });
    for (const type of ["f16", "bf16"] as const) {
      for (const columns of [1, 3, 17, 64, 4099]) {
        await compare(gpu, tally, random, { columns, type, temperature: 0.7 });
      }
    }
  },
};

async function compare(
  gpu: Gpu,
  tally: Tally,
  random: RandomData,
  { columns, type, temperature }: SoftmaxShape,
): Promise<void> {
  const { rows, logits, targets } = rowsOfLogits(random, columns);
  const gradLogProb = random.normal(rows);
  const gradEntropy = random.normal(rows);
  const { data, values } = packed(logits, type);
  const input = { logits: values, targets, columns, temperature };
  const expected = tokenStatisticsBackwardReference(input, { gradLogProb, gradEntropy });
  const plain = plainTokenStatisticsBackward(input, { gradLogProb, gradEntropy });

  using logitsTensor = gpu.tensor(data, [rows, columns], type);
  using targetsTensor = gpu.tensor(targets);
  using logProbTensor = gpu.tensor(gradLogProb);
  using entropyTensor = gpu.tensor(gradEntropy);
  using statistics = emptyTokenStatistics(gpu, rows);
  using separate = gpu.empty([rows, columns]);
  for (const out of type === "f32" ? [separate, logitsTensor] : [separate]) {
    const recorder = gpu.record("token statistics backward");
    tokenStatistics(recorder, {
      logits: logitsTensor,
      targets: targetsTensor,
      temperature,
      out: statistics,
    });
    tokenStatisticsBackward(recorder, {
      logits: logitsTensor,
      targets: targetsTensor,
      statistics,
      temperature,
      gradLogProb: logProbTensor,
      gradEntropy: entropyTensor,
      out,
    });
    const [read] = await recorder.read(out);
    const place = out === logitsTensor ? "in place" : "apart";
    for (let row = 0; row < rows; row++) {
      const [from, to] = [row * columns, (row + 1) * columns];
      const want = expected.subarray(from, to);
      tally.near(
        `row ${row} of [${rows}, ${columns}] in ${type} at temperature ${temperature}, ${place}`,
        read.subarray(from, to),
        want,
        asFloat32(want, plain.subarray(from, to)) + 1e-7,
      );
    }
  }
}

function finiteDifferences(tally: Tally): void {
  const random = new RandomData(3);
  const columns = 7;
  const targets = random.integers(3, columns);
  const logits = Float64Array.from(random.normal(3 * columns, 2));
  const gradLogProb = random.normal(3);
  const gradEntropy = random.normal(3);
  const objective = (logits: Float64Array) => {
    const { logProb, entropy } = tokenStatisticsReference({
      logits,
      targets,
      columns,
      temperature: 0.8,
    });
    return logProb.reduce(
      (sum, value, row) => sum + gradLogProb[row]! * value + gradEntropy[row]! * entropy[row]!,
      0,
    );
  };
  tally.near(
    "the reference against finite differences",
    tokenStatisticsBackwardReference(
      { logits, targets, columns, temperature: 0.8 },
      { gradLogProb, gradEntropy },
    ),
    numericalGradient(objective, logits),
    1e-8,
  );
}
