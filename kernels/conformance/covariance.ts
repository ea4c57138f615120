import { covarianceReference } from "../covariance/covariance_reference.ts";
import type { Gpu } from "../runtime/gpu.ts";
import { groupMeansReference } from "../covariance/group_means_reference.ts";
import { groupMeans, TABLE_1_SHARES } from "../covariance/group_means.ts";
import {
  type GroupCovariance,
  sequenceCovarianceReference,
} from "../covariance/sequence_covariance_reference.ts";
import { readSequenceCovariance, sequenceCovariance } from "../covariance/sequence_covariance.ts";
import { emptyTokenCovariance, tokenCovariance } from "../covariance/token_covariance.ts";
import { asFloat32, type Check, type Tally, ulp } from "./check.ts";
import { RandomData } from "./random_data.ts";

/** NaN of either sign, quiet and not. */
export const NANS: readonly number[] = [0x7fc00000, 0xffc00000, 0x7f800001, 0xffffffff];

const SIZES: readonly number[] = [1, 2, 3, 17, 255, 257, 4099, 50257, 151936];

/**
 * {@linkcode tokenCovariance}: values, means, the empty mask, padding and response tokens that are NaN, the same
 * bits twice.
 */
export const covarianceCheck: Check = {
  name: "covariance",
  async run(gpu, tally) {
    const random = new RandomData(6);
    for (const size of SIZES) {
      for (const density of [0, 0.7, 1]) {
        const mask = random.flags(size, density);
        const logProb = random.normal(size).map((value) => -Math.abs(value) - 0.5);
        const advantages = random.normal(size);
        // What padding holds must not matter.
        for (let i = 0; i < size; i++) if (mask[i] === 0) logProb[i] = advantages[i] = NaN;
        using logProbTensor = gpu.tensor(logProb);
        using advantagesTensor = gpu.tensor(advantages);
        using maskTensor = gpu.tensor(mask);
        using out = emptyTokenCovariance(gpu, size);
        const run = () => {
          const recorder = gpu.record("covariance");
          tokenCovariance(recorder, {
            logProb: logProbTensor,
            advantages: advantagesTensor,
            mask: maskTensor,
            out,
          });
          return recorder.read(out.covariance, out.count, out.means, out.mean);
        };
        const [first, again] = [await run(), await run()];
        const [covariance, count, means, mean] = first;
        const input = { logProb, advantages, mask };
        const expected = covarianceReference(input);
        const plain = plainCovariance(input);
        const label = `${size} tokens, ${expected.count} of the response`;
        tally.same(`count of ${label}`, count, [expected.count]);
        compare(tally, `means of ${label}`, {
          actual: means,
          expected: [expected.meanLogProb, expected.meanAdvantage],
          plain: plain.means,
        });
        compare(tally, `covariance of ${label}`, {
          actual: covariance,
          expected: expected.covariance,
          plain: plain.covariance,
        });
        compare(tally, `mean covariance of ${label}`, {
          actual: mean,
          expected: [expected.mean],
          plain: [plain.mean],
        });
        tally.that(
          `the same bits twice, ${label}`,
          first.every((values, i) => values.every((value, j) => value === again[i]![j])),
        );
      }
    }
    for (const name of ["logProb", "advantages"] as const) {
      for (const value of [NaN, Infinity, -Infinity]) await compareSpoilt(gpu, tally, name, value);
    }
  },
};

/** A response token that is NaN spoils all that it is a part of, and padding stays 0. */
async function compareSpoilt(
  gpu: Gpu,
  tally: Tally,
  name: "logProb" | "advantages",
  value: number,
): Promise<void> {
  const input = {
    logProb: Float32Array.of(-1, -0.5, NaN, -1.5),
    advantages: Float32Array.of(1, -1, Infinity, 3),
    mask: Uint32Array.of(1, 2, 0, 255),
  };
  input[name][1] = value;
  using logProb = gpu.tensor(input.logProb);
  using advantages = gpu.tensor(input.advantages);
  using mask = gpu.tensor(input.mask);
  using out = emptyTokenCovariance(gpu, 4);
  const recorder = gpu.record("covariance");
  tokenCovariance(recorder, { logProb, advantages, mask, out });
  const [covariance, means, mean] = await recorder.read(out.covariance, out.means, out.mean);
  const expected = covarianceReference(input);
  const label = `where ${name} is ${value}`;
  tally.same(`covariance ${label}`, covariance, expected.covariance);
  tally.same(`means ${label}`, means, [expected.meanLogProb, expected.meanAdvantage]);
  tally.same(`mean covariance ${label}`, mean, [expected.mean]);
  tally.that(`it is told ${label}`, !Number.isFinite(mean[0]), `the mean is ${mean[0]}`);
}

/** {@linkcode groupMeans} with the shares of Table 1, ties, zeros and NaN. */
export const groupMeansCheck: Check = {
  name: "group-means",
  async run(gpu, tally) {
    const random = new RandomData(7);
    for (const size of SIZES) {
      for (const step of [0, 0.5, 100]) {
        const covariance = random.normal(size).map((value) =>
          step === 0 ? value ** 3 : step * Math.round(value / step)
        );
        const mask = random.flags(size, 0.8);
        using covarianceTensor = gpu.tensor(covariance);
        using maskTensor = gpu.tensor(mask);
        using out = gpu.empty([TABLE_1_SHARES.length]);
        const recorder = gpu.record("group means");
        groupMeans(recorder, { covariance: covarianceTensor, mask: maskTensor, out });
        const [read] = await recorder.read(out);
        const expected = groupMeansReference(covariance, mask, TABLE_1_SHARES);
        const plain = plainGroupMeans(covariance, mask, TABLE_1_SHARES);
        const label = `${size} tokens${step === 0 ? "" : ` with ties at multiples of ${step}`}`;
        compare(tally, label, { actual: read, expected, plain });
      }
    }
    const mask = Uint32Array.of(1, 2, 0, 255);
    for (const at of [1, 2]) {
      for (const bits of NANS) {
        const covariance = Float32Array.of(3, 1, 4, -2);
        new Uint32Array(covariance.buffer)[at] = bits;
        using covarianceTensor = gpu.tensor(covariance);
        using maskTensor = gpu.tensor(mask);
        using out = gpu.empty([2]);
        const recorder = gpu.record("group means");
        groupMeans(recorder, {
          covariance: covarianceTensor,
          mask: maskTensor,
          shares: [0, 0.7],
          out,
        });
        const [read] = await recorder.read(out);
        const label = `NaN of the bits ${bits.toString(16)} at ${at === 1 ? "a token" : "padding"}`;
        tally.same(label, read, groupMeansReference(covariance, mask, [0, 0.7]));
      }
    }
  },
};

/** {@linkcode sequenceCovariance} with empty responses, a last group that is not full, and NaN. */
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
      const mask = random.flags(size, 0.6);
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
      const expected = sequenceCovarianceReference({ logProb, advantages, mask }, columns, group);
      // Sums of at most `columns` and `group` terms of about 1.
      const tolerance = (columns + group) * ulp(1);
      compareGroups(tally, `[${rows}, ${columns}] in groups of ${group}`, {
        actual: readSequenceCovariance(read),
        expected,
        tolerance,
      });
    }
    for (const value of [NaN, Infinity, -Infinity]) {
      // A token of the second of three groups of two, and padding of the others.
      const logProb = Float32Array.of(-1, value, -2, -1, value, -1, -2, -1, value, -3, -1, -2);
      const advantages = Float32Array.of(1, value, 2, 1, 1, -1, 1, 2, value, 3, 1, 0);
      const mask = Uint32Array.of(1, 0, 2, 1, 255, 1, 1, 2, 0, 1, 255, 1);
      using logProbTensor = gpu.tensor(logProb, [6, 2]);
      using advantagesTensor = gpu.tensor(advantages, [6, 2]);
      using maskTensor = gpu.tensor(mask, [6, 2]);
      using out = gpu.empty([3, 2]);
      const recorder = gpu.record("sequence covariance");
      sequenceCovariance(recorder, {
        logProb: logProbTensor,
        advantages: advantagesTensor,
        mask: maskTensor,
        group: 2,
        out,
      });
      const [read] = await recorder.read(out);
      const actual = readSequenceCovariance(read);
      const expected = sequenceCovarianceReference({ logProb, advantages, mask }, 2, 2);
      const tolerance = 8 * ulp(1);
      compareGroups(tally, `${value} in one of three groups`, { actual, expected, tolerance });
      const isFinite = actual.map(({ withAdvantage }) => Number.isFinite(withAdvantage));
      tally.that(`it is told, ${value}`, !isFinite[1] && isFinite[2]!);
    }
  },
};

function compareGroups(
  tally: Tally,
  label: string,
  { actual, expected, tolerance }: {
    actual: readonly GroupCovariance[];
    expected: readonly GroupCovariance[];
    tolerance: number;
  },
): void {
  for (const name of ["withAdvantage", "withPolicyAdvantage"] as const) {
    const of = (groups: readonly GroupCovariance[]) => groups.map((group) => group[name]);
    tally.near(`${name}, ${label}`, of(actual), of(expected), tolerance);
  }
}

/** Numbers of the GPU, of the reference, and as plain float32 has them. */
interface Numbers {
  readonly actual: ArrayLike<number>;
  readonly expected: ArrayLike<number>;
  readonly plain: ArrayLike<number>;
}

function compare(tally: Tally, label: string, { actual, expected, plain }: Numbers): void {
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
