import { covarianceReference } from "../covariance/covariance_reference.ts";
import { groupMeansReference } from "../covariance/group_means_reference.ts";
import { groupMeans, TABLE_1_SHARES } from "../covariance/group_means.ts";
import { sequenceCovarianceReference } from "../covariance/sequence_covariance_reference.ts";
import { sequenceCovariance } from "../covariance/sequence_covariance.ts";
import { emptyTokenCovariance, tokenCovariance } from "../covariance/token_covariance.ts";
import { asFloat32, type Check, type Tally, ulp } from "./check.ts";
import { RandomData } from "./random.ts";

const SIZES: readonly number[] = [1, 2, 3, 17, 255, 257, 4099, 50257, 151936];

/** {@linkcode tokenCovariance}: values, means, the empty mask, padding that is NaN, the same bits twice. */
export const covarianceCheck: Check = {
  name: "covariance",
  async run(gpu, tally) {
    const random = new RandomData(6);
    for (const size of SIZES) {
      for (const density of [0, 0.7, 1]) {
        const mask = random.mask(size, density);
        const logProb = random.normal(size).map((value) => -Math.abs(value) - 0.5);
        const advantages = random.normal(size);
        // What padding holds must not matter.
        for (let i = 0; i < size; i++) if (mask[i] === 0) logProb[i] = NaN;
        using tensors = {
          logProb: gpu.tensor(logProb),
          advantages: gpu.tensor(advantages),
          mask: gpu.tensor(mask),
          [Symbol.dispose]() {
            for (const tensor of [this.logProb, this.advantages, this.mask]) tensor.destroy();
          },
        };
        using out = emptyTokenCovariance(gpu, size);
        const runs = [];
        for (let run = 0; run < 2; run++) {
          const recorder = gpu.record("covariance");
          tokenCovariance(recorder, tensors, out);
          runs.push(await recorder.read(out.covariance, out.count, out.means, out.mean));
        }
        const [covariance, count, means, mean] = runs[0]!;
        const input = { logProb, advantages, mask };
        const expected = covarianceReference(input);
        const plain = plainCovariance(input);
        const label = `${size} tokens, ${expected.count} of the response`;
        tally.same(`count of ${label}`, count!, [expected.count]);
        compare(
          tally,
          `means of ${label}`,
          means!,
          [expected.meanLogProb, expected.meanAdvantage],
          plain.means,
        );
        compare(
          tally,
          `covariance of ${label}`,
          covariance!,
          expected.covariance,
          plain.covariance,
        );
        compare(tally, `mean covariance of ${label}`, mean!, [expected.mean], [plain.mean]);
        const again = runs[1]!;
        tally.that(
          `the same bits twice, ${label}`,
          runs[0]!.every((values, i) => values.every((value, j) => value === again[i]![j])),
        );
      }
    }
  },
};

/** {@linkcode groupMeans} with the shares of Table 1, ties and zeros. */
export const groupMeansCheck: Check = {
  name: "group-means",
  async run(gpu, tally) {
    const random = new RandomData(7);
    for (const size of SIZES) {
      for (const step of [0, 0.5, 100]) {
        const covariance = random.normal(size).map((value) =>
          step === 0 ? value ** 3 : step * Math.round(value / step)
        );
        const mask = random.mask(size, 0.8);
        using covarianceTensor = gpu.tensor(covariance);
        using maskTensor = gpu.tensor(mask);
        using out = gpu.empty([TABLE_1_SHARES.length]);
        const recorder = gpu.record("group means");
        groupMeans(recorder, { covariance: covarianceTensor, mask: maskTensor }, out);
        const [read] = await recorder.read(out);
        const expected = groupMeansReference(covariance, mask, TABLE_1_SHARES);
        const plain = plainGroupMeans(covariance, mask, TABLE_1_SHARES);
        const label = `${size} tokens${step === 0 ? "" : ` with ties at multiples of ${step}`}`;
        compare(tally, label, read!, expected, plain);
      }
    }
  },
};

/** {@linkcode sequenceCovariance} with empty responses and a last group that is not full. */
export const sequenceCovarianceCheck: Check = {
  name: "sequence-covariance",
  async run(gpu, tally) {
    const random = new RandomData(8);
    for (
      const [rows, columns, group] of [[1, 1, 1], [8, 17, 4], [13, 33, 8], [257, 3, 2]] as const
    ) {
      const size = rows * columns;
      const logProb = random.normal(size).map((value) => -Math.abs(value));
      const advantages = random.normal(size);
      const mask = random.mask(size, 0.6);
      mask.fill(0, 0, rows > 1 ? columns : 0);
      using logProbTensor = gpu.tensor(logProb, [rows, columns]);
      using advantagesTensor = gpu.tensor(advantages, [rows, columns]);
      using maskTensor = gpu.tensor(mask, [rows, columns]);
      using out = gpu.empty([Math.ceil(rows / group), 2]);
      const recorder = gpu.record("sequence covariance");
      sequenceCovariance(recorder, {
        logProb: logProbTensor,
        advantages: advantagesTensor,
        mask: maskTensor,
        group,
        out,
      });
      const [read] = await recorder.read(out);
      const expected = sequenceCovarianceReference({ logProb, advantages, mask }, columns, group)
        .flatMap(({ withAdvantage, withPolicyAdvantage }) => [withAdvantage, withPolicyAdvantage]);
      // Sums of at most `columns` and `group` terms of about 1.
      const tolerance = (columns + group) * ulp(1);
      tally.near(`[${rows}, ${columns}] in groups of ${group}`, read!, expected, tolerance);
    }
  },
};

function compare(
  tally: Tally,
  label: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  plain: ArrayLike<number>,
): void {
  // A mean may be near zero by cancellation, and plain rounding exact by luck.
  tally.near(label, actual, expected, asFloat32(expected, plain) + ulp(1));
}

const round = Math.fround;

function plainMean(values: readonly number[]): number {
  if (values.length === 0) return 0;
  return round(values.reduce((sum, value) => round(sum + value), 0) / values.length);
}

/** The covariance in float32, every operation rounded. */
function plainCovariance(
  { logProb, advantages, mask }: Parameters<typeof covarianceReference>[0],
): { means: number[]; covariance: number[]; mean: number } {
  const own = Array.from(mask as ArrayLike<number>, (_, i) => i).filter((i) => mask[i] !== 0);
  const means = [logProb, advantages].map((values) => plainMean(own.map((i) => values[i]!)));
  const covariance = Array.from(
    mask,
    (response, i) =>
      response === 0
        ? 0
        : round(round(logProb[i]! - means[0]!) * round(advantages[i]! - means[1]!)),
  );
  return { means, covariance, mean: plainMean(own.map((i) => covariance[i]!)) };
}

function plainGroupMeans(
  covariance: ArrayLike<number>,
  mask: ArrayLike<number>,
  shares: readonly number[],
): number[] {
  const sorted = Array.from(covariance).filter((_, i) => mask[i] !== 0).sort((p, q) => q - p);
  return shares.map((share) =>
    plainMean(sorted.slice(0, Math.max(1, Math.floor(share * sorted.length))))
  );
}
