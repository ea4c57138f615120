import type { Gpu } from "../runtime/gpu.ts";
import {
  amountReference,
  sampleReference,
  topReference,
} from "../selection/selection_reference.ts";
import {
  emptySelection,
  readSelectionCounts,
  type SelectionCounts,
  selectSample,
  selectTop,
} from "../selection/selection.ts";
import type { Check, Tally } from "./check.ts";
import { NANS } from "./covariance.ts";
import { RandomData } from "./random_data.ts";

const SIZES: readonly number[] = [1, 2, 3, 17, 255, 257, 4099, 50257];
/** Shares that are not exact in binary, among them 0.29, whose product with 100 lies just below 29. */
const SHARES: readonly number[] = [0, 0.0002, 0.29, 1 / 3, 1];
const LARGE = 10_000_000;
/** Of the candidates in verl. */
const VERL_INTERVAL = { covarianceLow: 1, covarianceHigh: 5 };

/** {@linkcode selectTop}: exact counts and tokens, ties, zeros of either sign, and ten million tokens. */
export const selectTopCheck: Check = {
  name: "select-top",
  async run(gpu, tally) {
    const random = new RandomData(9);
    for (const size of SIZES) {
      const mask = random.flags(size);
      for (const [kind, covariance] of covariancesOf(random, size)) {
        for (const share of SHARES) {
          const label = `${kind} covariances of ${size}`;
          await compareTop(gpu, tally, label, { covariance, mask, share });
        }
      }
    }
    for (let size = 1; size <= 200; size += 7) {
      const covariance = random.normal(size);
      const mask = new Uint32Array(size).fill(1);
      const share = random.uniform();
      await compareTop(gpu, tally, `all of ${size}`, { covariance, mask, share });
    }
    await large(gpu, tally);
  },
};

/**
 * {@linkcode selectSample}: exact counts and tokens, the open interval, what PPO clips left out, seeds and
 * streams, uniformity.
 */
export const selectSampleCheck: Check = {
  name: "select-sample",
  async run(gpu, tally) {
    const random = new RandomData(10);
    for (const size of SIZES) {
      const mask = random.flags(size);
      for (const [kind, covariance] of covariancesOf(random, size)) {
        for (const share of SHARES) {
          const label = `${kind} covariances of ${size}`;
          const seed = 2 ** 40 + size;
          await compareSample(gpu, tally, label, { covariance, mask, share, seed });
        }
      }
    }
    await withoutLoss(gpu, tally);
    await withoutBound(gpu, tally);
    await unclippedSample(gpu, tally, random);
    await largeSample(gpu, tally);
    await drawsAreUniform(gpu, tally);
  },
};

function covariancesOf(
  random: RandomData,
  size: number,
): readonly (readonly [string, Float32Array<ArrayBuffer>])[] {
  return [
    ["ordinary", random.normal(size)],
    ["tied", random.normal(size).map(Math.round)],
    ["equal", new Float32Array(size).fill(0.5)],
    ["zero", new Float32Array(size).map((_, i) => i % 2 === 0 ? 0 : -0)],
    ["no candidate's", new Float32Array(size).fill(-7)],
    ["spoilt", spoilt(random.normal(size))],
  ];
}

/** Every second number is NaN or infinite. */
function spoilt(values: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer);
  const kinds = [...NANS, 0x7f800000, 0xff800000];
  for (let i = 0; i < values.length; i += 2) bits[i] = kinds[(i / 2) % kinds.length]!;
  return values;
}

/** Tokens to select from, and the share of them to select. */
interface Case {
  readonly covariance: Float32Array<ArrayBuffer>;
  readonly mask: Uint32Array<ArrayBuffer>;
  readonly share: number;
}

async function compareTop(
  gpu: Gpu,
  tally: Tally,
  label: string,
  { covariance, mask, share }: Case,
): Promise<void> {
  const tokens = mask.reduce((sum, value) => sum + Number(value !== 0), 0);
  const candidates = mask.filter((value, i) => value !== 0 && !Number.isNaN(covariance[i])).length;
  using covarianceTensor = gpu.tensor(covariance);
  using maskTensor = gpu.tensor(mask);
  for (const atLeast of [0, 1]) {
    using selection = emptySelection(gpu, covariance.length);
    const recorder = gpu.record("top");
    selectTop(recorder, {
      covariance: covarianceTensor,
      mask: maskTensor,
      share,
      atLeast,
      out: selection,
    });
    const [selected, counts] = await recorder.read(selection.selected, selection.counts);
    const k = amountReference(share, atLeast, tokens, candidates);
    const name = `${share} of ${label}, at least ${atLeast}`;
    compareCounts(tally, name, counts, { selected: k, candidates, tokens });
    tally.same(name, selected, topReference(covariance, mask, k));
  }
}

async function compareSample(
  gpu: Gpu,
  tally: Tally,
  label: string,
  { covariance, mask, share, seed }: Case & { readonly seed: number },
): Promise<void> {
  const { length: size } = covariance;
  const tokens = mask.reduce((sum, value) => sum + Number(value !== 0), 0);
  // 0.5 and 1 occur among the covariances: the interval is open.
  const [covarianceLow, covarianceHigh, stream, atLeast] = [-0.75, 1, 3, 1];
  const isCandidate = (i: number) =>
    mask[i] !== 0 && covariance[i]! > covarianceLow && covariance[i]! < covarianceHigh;
  const candidates = covariance.filter((_, i) => isCandidate(i)).length;
  using covarianceTensor = gpu.tensor(covariance);
  using maskTensor = gpu.tensor(mask);
  using selection = emptySelection(gpu, size);
  const recorder = gpu.record("sample");
  selectSample(recorder, {
    covariance: covarianceTensor,
    mask: maskTensor,
    share,
    atLeast,
    covarianceLow,
    covarianceHigh,
    seed,
    stream,
    out: selection,
  });
  const [selected, counts] = await recorder.read(selection.selected, selection.counts);
  const k = amountReference(share, atLeast, tokens, candidates);
  const name = `${share} of ${label}`;
  compareCounts(tally, name, counts, { selected: k, candidates, tokens });
  tally.same(name, selected, sampleReference({ size, isCandidate, k, seed, stream }));
}

function compareCounts(
  tally: Tally,
  label: string,
  words: ArrayLike<number>,
  expected: SelectionCounts,
): void {
  const names = ["selected", "candidates", "tokens"] as const;
  const of = (counts: SelectionCounts) => names.map((name) => counts[name]);
  tally.same(`counts of ${label}`, of(readSelectionCounts(words)), of(expected));
}

/** Where PPO's clip decides, tokens whose loss is no number are no candidates. */
async function withoutLoss(gpu: Gpu, tally: Tally): Promise<void> {
  const size = 7;
  using covariance = gpu.tensor(new Float32Array(size).fill(2));
  using mask = gpu.tensor(new Uint32Array(size).fill(1));
  using logProb = gpu.tensor([-1, NaN, Infinity, -1, -1, -1, -1]);
  using oldLogProb = gpu.tensor([-1, -1, -1, NaN, -Infinity, -1, -1]);
  using advantages = gpu.tensor([1, 1, 1, 1, 1, NaN, -1]);
  using selection = emptySelection(gpu, size);
  const recorder = gpu.record("sample");
  const unclipped = { logProb, oldLogProb, advantages, clipLow: 0.2, clipHigh: 0.2 };
  selectSample(recorder, {
    covariance,
    mask,
    share: 1,
    ...VERL_INTERVAL,
    seed: 1,
    unclipped,
    out: selection,
  });
  const [selected, counts] = await recorder.read(selection.selected, selection.counts);
  const expected = { selected: 2, candidates: 2, tokens: size };
  compareCounts(tally, "those with tokens without a loss", counts, expected);
  tally.same("tokens without a loss", selected, [1, 0, 0, 0, 0, 0, 1]);
}

/** Where nothing bounds the ratio above, no ratio is clipped there, not even one beyond float32. */
async function withoutBound(gpu: Gpu, tally: Tally): Promise<void> {
  using covariance = gpu.tensor(new Float32Array(4).fill(2));
  using mask = gpu.tensor(new Uint32Array(4).fill(1));
  using logProb = gpu.tensor([0, 0, 0, 0]);
  using oldLogProb = gpu.tensor([-200, -200, -87, 200]);
  using advantages = gpu.tensor([1, -1, 1, -1]);
  for (const [clipHigh, expected] of [[Infinity, [1, 1, 1, 0]], [0.2, [0, 1, 0, 0]]] as const) {
    using selection = emptySelection(gpu, 4);
    const recorder = gpu.record("sample");
    const unclipped = { logProb, oldLogProb, advantages, clipLow: 0.2, clipHigh };
    selectSample(recorder, {
      covariance,
      mask,
      share: 1,
      ...VERL_INTERVAL,
      seed: 1,
      unclipped,
      out: selection,
    });
    const [selected] = await recorder.read(selection.selected);
    tally.same(`ratios beyond float32, clipHigh ${clipHigh}`, selected, expected);
  }
}

/** As verl draws: from the tokens whose gradient PPO's clip leaves, other bounds below and above 1. */
async function unclippedSample(gpu: Gpu, tally: Tally, random: RandomData): Promise<void> {
  const size = 4099;
  const [clipLow, clipHigh, seed, stream, share] = [0.2, 0.28, 6, 2, 0.1];
  const tokens = random.flags(size);
  const old = random.normal(size);
  // None is near a bound, where rounding decides.
  const logRatios = old.map((_, i) => [-0.6, -0.15, 0, 0.15, 0.22, 0.6][i % 6]!);
  const signed = old.map((_, i) => [-1, 0, 0.5, 2, -0.25][i % 5]!);
  const isCandidate = (i: number) => {
    const [policyRatio, advantage] = [Math.exp(logRatios[i]!), signed[i]!];
    const isClipped = (advantage > 0 && policyRatio > 1 + clipHigh) ||
      (advantage < 0 && policyRatio < 1 - clipLow);
    return tokens[i] !== 0 && !isClipped;
  };
  using covariance = gpu.tensor(new Float32Array(size).fill(2));
  using mask = gpu.tensor(tokens);
  using logProb = gpu.tensor(old.map((value, i) => value + logRatios[i]!));
  using oldLogProb = gpu.tensor(old);
  using advantages = gpu.tensor(signed);
  using selection = emptySelection(gpu, size);
  const recorder = gpu.record("sample");
  const unclipped = { logProb, oldLogProb, advantages, clipLow, clipHigh };
  selectSample(recorder, {
    covariance,
    mask,
    share,
    ...VERL_INTERVAL,
    seed,
    stream,
    unclipped,
    out: selection,
  });
  const [selected, counts] = await recorder.read(selection.selected, selection.counts);
  const count = tokens.reduce((sum, value) => sum + Number(value !== 0), 0);
  const candidates = tokens.filter((_, i) => isCandidate(i)).length;
  const k = amountReference(share, 0, count, candidates);
  compareCounts(tally, "the unclipped", counts, { selected: k, candidates, tokens: count });
  tally.same("the unclipped", selected, sampleReference({ size, isCandidate, k, seed, stream }));
}

async function large(gpu: Gpu, tally: Tally): Promise<void> {
  // A permutation, so the rank of each token is known without sorting.
  const covariance = new Float32Array(LARGE).map((_, i) => (i * 7_654_321) % LARGE);
  using covarianceTensor = gpu.tensor(covariance);
  using mask = gpu.tensor(new Uint32Array(LARGE).fill(1));
  for (const share of [0, 0.0002, 1]) {
    using selection = emptySelection(gpu, LARGE);
    const recorder = gpu.record("top");
    selectTop(recorder, { covariance: covarianceTensor, mask, share, out: selection });
    const [selected, counts] = await recorder.read(selection.selected, selection.counts);
    const k = Math.floor(share * LARGE);
    tally.same(`count of ${share} of ${LARGE}`, [readSelectionCounts(counts).selected], [k]);
    tally.that(
      `${share} of ${LARGE}`,
      selected.every((value, i) => value === Number(covariance[i]! >= LARGE - k)),
      "other tokens than those of highest covariance are selected",
    );
  }
}

/** Half of ten million tokens are candidates, by turns. */
async function largeSample(gpu: Gpu, tally: Tally): Promise<void> {
  using covariance = gpu.tensor(new Float32Array(LARGE).map((_, i) => i % 2));
  using mask = gpu.tensor(new Uint32Array(LARGE).fill(1));
  for (const share of [0, 0.0002, 1]) {
    using selection = emptySelection(gpu, LARGE);
    const recorder = gpu.record("sample");
    selectSample(recorder, {
      covariance,
      mask,
      share,
      covarianceLow: 0.5,
      covarianceHigh: 1.5,
      seed: 3,
      out: selection,
    });
    const [selected, counts] = await recorder.read(selection.selected, selection.counts);
    const k = Math.min(Math.floor(share * LARGE), LARGE / 2);
    const expected = { selected: k, candidates: LARGE / 2, tokens: LARGE };
    compareCounts(tally, `${share} of ${LARGE}`, counts, expected);
    let [drawn, others] = [0, 0];
    for (let i = 0; i < LARGE; i += 2) {
      others += selected[i]!;
      drawn += selected[i + 1]!;
    }
    tally.same(`candidates and others drawn, ${share} of ${LARGE}`, [drawn, others], [k, 0]);
  }
}

/** Draws 3 of 12 with many streams: each must come up about as often, each pair too. */
async function drawsAreUniform(gpu: Gpu, tally: Tally): Promise<void> {
  const [size, draws, n] = [12, 600, 3];
  using covariance = gpu.tensor(new Float32Array(size).fill(2));
  using mask = gpu.tensor(new Uint32Array(size).fill(1));
  const recorder = gpu.record("samples");
  const selections = Array.from({ length: draws }, () => emptySelection(gpu, size));
  for (const [stream, selection] of selections.entries()) {
    selectSample(recorder, {
      covariance,
      mask,
      share: n / size,
      ...VERL_INTERVAL,
      seed: 1,
      stream,
      out: selection,
    });
  }
  const read = await recorder.read(...selections.map(({ selected }) => selected));
  for (const selection of selections) selection[Symbol.dispose]();
  const chiSquare = (p: number, events: readonly ((selected: ArrayLike<number>) => boolean)[]) => {
    const expected = draws * p;
    return events.reduce((sum, happens) => {
      const count = read.filter(happens).length;
      return sum + (count - expected) ** 2 / (expected * (1 - p));
    }, 0) / events.length;
  };
  const indices = Array.from({ length: size }, (_, i) => i);
  const pairs = indices.flatMap((i) => indices.slice(0, i).map((j) => [i, j] as const));
  const single = chiSquare(n / size, indices.map((i) => (s: ArrayLike<number>) => s[i] === 1));
  const both = chiSquare(
    (n * (n - 1)) / (size * (size - 1)),
    pairs.map(([i, j]) => (s: ArrayLike<number>) => s[i] === 1 && s[j] === 1),
  );
  // The mean of these squares is 1; 12 and 66 of them stay below these bounds 99.9 times of 100.
  tally.that("every token is drawn as often", single < 2.8, `mean square deviation ${single}`);
  tally.that("every pair is drawn as often", both < 1.7, `mean square deviation ${both}`);
}
