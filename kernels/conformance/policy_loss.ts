import type { Gpu } from "../runtime/gpu.ts";
import { emptyPolicyLoss, policyLoss, readMetrics } from "../policy_loss/policy_loss.ts";
import {
  aggregationWeights,
  type PolicyLossInput,
  type PolicyLossOutput,
  policyLossReference,
} from "../policy_loss/policy_loss_reference.ts";
import {
  AGGREGATIONS,
  CLIP_COV,
  DEFINITIONS,
  INTERVENTIONS,
  KL_COV,
  KL_ESTIMATORS,
  PLAIN_PPO,
  type PolicyLossSettings,
} from "../policy_loss/policy_loss_settings.ts";
import { type Check, type Tally, ulp, ulps } from "./check.ts";
import { numericalGradient } from "./numerical_gradient.ts";
import { RandomData } from "./random_data.ts";

/** What WGSL lets the division that makes a share be off by, and the rounding of what is expected, in units in the last place. */
const DIVISION = 3;
const SHAPES: readonly (readonly [number, number])[] = [[1, 1], [3, 17], [8, 257], [1, 4099]];
/** Every intervention in every definition; those of none are one. */
const METHODS = INTERVENTIONS.flatMap((intervention) =>
  DEFINITIONS.filter((definition) => intervention !== "none" || definition === "verl")
    .map((definition) => ({ intervention, definition }))
);

function nameOf({ intervention, definition }: (typeof METHODS)[number]): string {
  return intervention === "none" ? intervention : `${intervention} of ${definition}`;
}

/**
 * {@linkcode policyLoss} in every mode, with ratios of e^±20 and beyond the range of float32, empty responses,
 * padding that is NaN, and response tokens that hold NaN or infinity.
 */
export const policyLossCheck: Check = {
  name: "policy-loss",
  async run(gpu, tally) {
    finiteDifferences(tally);
    const random = new RandomData(13);
    for (const [rows, columns] of SHAPES) {
      for (const aggregation of AGGREGATIONS) {
        for (const method of METHODS) {
          const settings = { ...PLAIN_PPO, aggregation, ...method, klCoefficient: 0.7 };
          await compare(gpu, tally, settings, batch(random, rows, columns, 0.3));
        }
      }
    }
    for (const settings of variants()) {
      await compare(gpu, tally, settings, batch(random, 5, 33, 0.5));
    }
    for (const method of METHODS) {
      await compare(gpu, tally, { ...PLAIN_PPO, ...method }, batch(random, 4, 9, 20));
    }
    await spoilt(gpu, tally, random);
    await beyondFloat32(gpu, tally);
  },
};

function variants(): PolicyLossSettings[] {
  return [
    { ...PLAIN_PPO, clipHigh: 0.28 },
    { ...PLAIN_PPO, dualClip: 3, clipHigh: 0.28 },
    { ...PLAIN_PPO, dualClip: 1.05, largestLogRatio: 0.5 },
    { ...PLAIN_PPO, clipLow: Infinity },
    { ...PLAIN_PPO, clipHigh: Infinity, dualClip: 3 },
    ...METHODS.flatMap((method) => [
      { ...CLIP_COV, ...method },
      { ...KL_COV, ...method },
      { ...PLAIN_PPO, ...method, dualClip: 1.05 },
    ]),
    { ...PLAIN_PPO, entropyCoefficient: 0.01, aggregation: "seq-mean-token-mean" },
    ...KL_ESTIMATORS.map((referenceKl) => ({
      ...PLAIN_PPO,
      referenceKl,
      referenceCoefficient: 0.1,
      entropyCoefficient: 0.5,
    })),
  ];
}

/** A batch whose first response is empty where there are several, and whose padding is NaN. */
function batch(
  random: RandomData,
  rows: number,
  columns: number,
  spread: number,
) {
  const size = rows * columns;
  const mask = random.flags(size, 0.8);
  if (rows > 1) mask.fill(0, 0, columns);
  else mask[0] = 1;
  const logProb = random.normal(size).map((value) => -Math.abs(value));
  // Far from the bounds of the clip, where a rounding decides which side a token is on.
  const logRatio = random.normal(size, spread).map((value) =>
    [0.8, 1.2, 1.28, 3].some((bound) => Math.abs(Math.exp(value) - bound) < 1e-3)
      ? value + 0.01
      : Math.max(-20, Math.min(20, value))
  );
  const oldLogProb = logProb.map((value, i) => value - logRatio[i]!);
  const advantages = random.normal(size);
  advantages[size - 1] = 0;
  for (let i = 0; i < size; i++) if (mask[i] === 0) logProb[i] = NaN;
  return {
    columns,
    logProb,
    oldLogProb,
    advantages,
    mask,
    selected: random.flags(size, 0.3).map((value, i) => value * mask[i]!),
    entropy: random.normal(size).map(Math.abs),
    referenceLogProb: logProb.map((value) => value + 0.3 * (random.uniform() - 0.5)),
  };
}

const FLOATS = ["logProb", "oldLogProb", "advantages", "entropy", "referenceLogProb"] as const;
const WORDS = ["mask", "selected"] as const;

/** A batch, some of whose numbers are spoilt. */
type Batch = ReturnType<typeof batch>;

/** What the kernel makes of a batch: both gradients and the metrics. */
async function onGpu(gpu: Gpu, settings: PolicyLossSettings, input: Required<PolicyLossInput>) {
  const { columns } = input;
  const rows = input.mask.length / columns;
  const shape = [rows, columns];
  const tensors = Object.fromEntries([
    ...FLOATS.map((name) => [name, gpu.tensor(Float32Array.from(input[name]), shape)]),
    ...WORDS.map((name) => [name, gpu.tensor(Uint32Array.from(input[name]), shape)]),
  ]) as Record<(typeof FLOATS)[number] | (typeof WORDS)[number], ReturnType<Gpu["tensor"]>>;
  using out = emptyPolicyLoss(gpu, rows, columns);
  const recorder = gpu.record("policy loss");
  policyLoss(recorder, { ...tensors, settings, out });
  const [gradLogProb, gradEntropy, metrics] = await recorder.read(
    out.gradLogProb,
    out.gradEntropy,
    out.metrics,
  );
  for (const tensor of Object.values(tensors)) tensor.destroy();
  return { gradLogProb, gradEntropy, metrics };
}

/** Ratios up to and beyond the range of float32: where no clip bounds them, they are not taken for smaller ones. */
async function beyondFloat32(gpu: Gpu, tally: Tally): Promise<void> {
  const tokens = [87.5, 88.5, 90, 200, -200, 1e30].flatMap((delta) =>
    [1e-30, -3e-30, 0].flatMap((advantage) =>
      [0, 1].map((selected) => ({ delta, advantage, selected }))
    )
  );
  const zeros = () => new Float32Array(tokens.length);
  const batch = {
    columns: tokens.length,
    logProb: zeros(),
    oldLogProb: Float32Array.from(tokens, ({ delta }) => -delta),
    advantages: Float32Array.from(tokens, ({ advantage }) => advantage),
    selected: Uint32Array.from(tokens, ({ selected }) => selected),
    entropy: zeros(),
    referenceLogProb: zeros(),
  };
  const all = new Uint32Array(tokens.length).fill(1);
  for (const method of METHODS) {
    for (
      const settings of [
        { ...KL_COV, ...method },
        { ...KL_COV, ...method, klCoefficient: 0 },
        { ...KL_COV, ...method, largestLogRatio: 89 },
        { ...PLAIN_PPO, ...method },
        { ...PLAIN_PPO, ...method, dualClip: 3 },
        { ...PLAIN_PPO, ...method, clipHigh: Infinity },
        { ...PLAIN_PPO, ...method, clipLow: Infinity },
      ]
    ) {
      const { gradLogProb } = policyLossReference({ ...batch, mask: all }, settings);
      // Those that have a loss, also by themselves: one without would hide what the others sum to.
      const finite = all.map((_, i) => Number(!Number.isNaN(gradLogProb[i])));
      for (const mask of [all, finite]) {
        const input = { ...batch, mask };
        const expected = policyLossReference(input, settings);
        const actual = await onGpu(gpu, settings, input);
        const { clipLow, clipHigh, dualClip, klCoefficient, largestLogRatio } = settings;
        const label = `${nameOf(method)} of ${
          mask === all ? "all" : "finite"
        } ratios beyond float32, ${
          [clipLow, clipHigh, dualClip, klCoefficient, largestLogRatio].join(", ")
        }`;
        const gradients = expected.gradLogProb;
        // Half a unit in the last place of a log-ratio of 88, and the smallest ratio, which is e^-87.
        const near = (value: number) => 1e-37 + 5e-6 * Math.abs(value);
        const tolerance = gradients.map(near);
        tally.near(`gradLogProb of ${label}`, actual.gradLogProb, gradients, tolerance);
        const { loss, clipFraction, clipFractionLower } = readMetrics(actual.metrics);
        tally.near(`loss of ${label}`, [loss], [expected.loss], near(expected.loss));
        const shares = [expected.clipFraction, expected.clipFractionLower];
        tally.near(
          `counts of ${label}`,
          [clipFraction, clipFractionLower],
          shares,
          ulps(shares, DIVISION),
        );
      }
    }
  }
}

/** What NaN and infinity do in each input, response token or padding, and in a batch of padding alone. */
async function spoilt(gpu: Gpu, tally: Tally, random: RandomData): Promise<void> {
  const all = { referenceCoefficient: 0.1, entropyCoefficient: 0.2, dualClip: 1.5 };
  const cases = METHODS.flatMap((method, i): PolicyLossSettings[] => {
    const aggregation = AGGREGATIONS[i % AGGREGATIONS.length]!;
    const referenceKl = KL_ESTIMATORS[i % KL_ESTIMATORS.length]!;
    const settings = { ...PLAIN_PPO, ...method, aggregation, referenceKl };
    return [{ ...settings, ...all }, { ...settings, largestLogRatio: 20 }];
  });
  for (const settings of cases) {
    const whole = batch(random, 3, 300, 0.3);
    const before = await onGpu(gpu, settings, whole);
    const label = `${
      nameOf(settings)
    }, ${settings.referenceKl} of weight ${settings.referenceCoefficient}`;
    for (const name of FLOATS) {
      for (const value of [NaN, Infinity, -Infinity]) {
        // In another block than the first token, and selected, so that a selection could hide it.
        const at = whole.mask.findLastIndex((value) => value !== 0);
        const input: Batch = { ...whole, [name]: whole[name].with(at, value) };
        input.selected = whole.selected.with(at, 1);
        const title = `${label} with ${name} ${value}`;
        await compareSpoilt(gpu, tally, title, { settings, input, at });
      }
    }
    for (const value of [NaN, Infinity, -Infinity]) {
      const input: Batch = { ...whole };
      for (const name of FLOATS) {
        input[name] = whole[name].map((own, i) => whole.mask[i] === 0 ? value : own);
      }
      const after = await onGpu(gpu, settings, input);
      for (const part of ["gradLogProb", "gradEntropy", "metrics"] as const) {
        tally.same(`${part} of ${label} with padding ${value}`, after[part], before[part]);
      }
    }
  }
  const empty: Batch = { ...batch(random, 3, 5, 0.3) };
  empty.mask = new Uint32Array(empty.mask.length);
  await compare(gpu, tally, { ...PLAIN_PPO, ...all }, empty);
}

/** The spoilt token's gradients, and the metrics that it enters, are NaN; nothing else changes. */
async function compareSpoilt(
  gpu: Gpu,
  tally: Tally,
  label: string,
  { settings, input, at }: { settings: PolicyLossSettings; input: Batch; at: number },
): Promise<void> {
  const actual = await onGpu(gpu, settings, input);
  const expected = policyLossReference(input, settings);
  // With other numbers in the spoilt token's place the other tokens' gradients are the same.
  const mended: Batch = { ...input };
  for (const name of FLOATS) {
    if (!Number.isFinite(input[name][at])) mended[name] = input[name].with(at, 0);
  }
  const other = await onGpu(gpu, settings, mended);
  for (const part of ["gradLogProb", "gradEntropy"] as const) {
    const want = other[part].with(at, expected[part][at]!);
    const spoils = Number.isNaN(expected[part][at]);
    tally.same(`${part} of ${label}`, actual[part], spoils ? want : other[part]);
  }
  const metrics = readMetrics(actual.metrics);
  const others = readMetrics(other.metrics);
  for (const name of ["loss", "ppoKl", "referenceKl", "entropy"] as const) {
    const isNumber = !Number.isNaN(expected[name]);
    tally.that(
      `${name} of ${label}`,
      isNumber ? metrics[name] === others[name] : Number.isNaN(metrics[name]),
      `${metrics[name]}, expected ${isNumber ? others[name] : NaN}`,
    );
  }
  const counts = ["clipFraction", "clipFractionLower", "selected"] as const;
  const shares = counts.map((name) => expected[name]);
  tally.near(
    `counts of ${label}`,
    counts.map((name) => metrics[name]),
    shares,
    ulps(shares, DIVISION),
  );
}

async function compare(
  gpu: Gpu,
  tally: Tally,
  settings: PolicyLossSettings,
  input: Required<PolicyLossInput>,
): Promise<void> {
  const { columns } = input;
  const rows = input.mask.length / columns;
  const { gradLogProb, gradEntropy, metrics } = await onGpu(gpu, settings, input);
  const expected = policyLossReference(input, settings);
  const plain = plainPolicyLoss(input, settings);
  const label = `${nameOf(settings)}, ${settings.aggregation}, reference KL ${
    settings.referenceCoefficient && settings.referenceKl
  } of [${rows}, ${columns}]`;
  const scale = largestTerms(input, settings);
  tally.near(
    `gradLogProb of ${label}`,
    gradLogProb,
    expected.gradLogProb,
    scale.map((term, i) =>
      2 * Math.abs(plain.gradLogProb[i]! - expected.gradLogProb[i]!) + 6 * ulp(term)
    ),
  );
  tally.near(
    `gradEntropy of ${label}`,
    gradEntropy,
    expected.gradEntropy,
    ulps(expected.gradEntropy, 2),
  );
  const actual = readMetrics(metrics);
  const counts = ["clipFraction", "clipFractionLower", "selected"] as const;
  const shares = counts.map((name) => expected[name]);
  tally.near(
    `counts of ${label}`,
    counts.map((name) => actual[name]),
    shares,
    ulps(shares, DIVISION),
  );
  // Sums may cancel, the rounding of their terms does not.
  const largest = scale.reduce((sum, term) => sum + term, 1);
  const sums = ["loss", "ppoKl", "referenceKl", "entropy"] as const;
  tally.near(
    `sums of ${label}`,
    sums.map((name) => actual[name]),
    sums.map((name) => expected[name]),
    sums.map((name) => 2 * Math.abs(plain[name] - expected[name]) + 8 * ulp(largest)),
  );
}

/** The size of the terms of each token's gradient and loss, which may cancel. */
function largestTerms(input: PolicyLossInput, settings: PolicyLossSettings): Float64Array {
  const { logProb, oldLogProb, advantages, mask, columns } = input;
  return aggregationWeights(mask, columns, settings.aggregation).map((weight, i) =>
    weight === 0
      ? 0
      : weight * (1 + (1 + Math.abs(advantages[i]!)) * Math.exp(logProb[i]! - oldLogProb[i]!))
  );
}

/** The least that float32 costs: the log-ratios are rounded, and the results. */
function plainPolicyLoss(input: PolicyLossInput, settings: PolicyLossSettings): PolicyLossOutput {
  const logRatio = Float32Array.from(
    { length: input.mask.length },
    (_, i) => input.logProb[i]! - input.oldLogProb[i]!,
  );
  const shifted: PolicyLossInput = {
    ...input,
    logProb: logRatio,
    oldLogProb: new Float32Array(logRatio.length),
    ...(input.referenceLogProb === undefined ? {} : {
      referenceLogProb: Float64Array.from(
        logRatio,
        (value, i) => value - Math.fround(input.logProb[i]! - input.referenceLogProb![i]!),
      ),
    }),
  };
  return policyLossReference(shifted, settings);
}

function finiteDifferences(tally: Tally): void {
  const random = new RandomData(14);
  for (const method of METHODS) {
    for (const referenceKl of KL_ESTIMATORS) {
      const input = batch(random, 3, 5, 0.3);
      const settings: PolicyLossSettings = {
        ...PLAIN_PPO,
        ...method,
        referenceKl,
        referenceCoefficient: 0.3,
        entropyCoefficient: 0.2,
        klCoefficient: 0.9,
        dualClip: 1.5,
      };
      const at = Float64Array.from(input.logProb, (value) => Number.isNaN(value) ? 0 : value);
      const objective = (logProb: Float64Array) =>
        policyLossReference({ ...input, logProb }, settings).loss;
      const expected = policyLossReference(input, settings);
      tally.near(
        `the reference of ${nameOf(method)} with ${referenceKl} against finite differences`,
        expected.gradLogProb,
        numericalGradient(objective, at, 1e-5),
        1e-8,
      );
      tally.near(
        `the entropy's gradient of ${nameOf(method)} against finite differences`,
        expected.gradEntropy,
        numericalGradient(
          (entropy) => policyLossReference({ ...input, entropy }, settings).loss,
          Float64Array.from(input.entropy),
        ),
        1e-8,
      );
    }
  }
}
