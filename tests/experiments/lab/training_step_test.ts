/** The RL update against its definition in float64: every logged number, parameter and moment. */
import assert from "node:assert/strict";
import { grpoAdvantages } from "../../../experiments/lab/advantages/grpo.ts";
import { primeAdvantages } from "../../../experiments/lab/advantages/prime.ts";
import { reinforcePlusPlusAdvantages } from "../../../experiments/lab/advantages/reinforce_plus_plus.ts";
import { rlooAdvantages } from "../../../experiments/lab/advantages/rloo.ts";
import { LabError } from "../../../experiments/lab/errors.ts";
import { type ModelConfig, modelConfig } from "../../../experiments/lab/families.ts";
import { initialParameters } from "../../../experiments/lab/initial_parameters.ts";
import { createPolicy, policyState } from "../../../experiments/lab/policy/parameters.ts";
import { predictionReference } from "../../../experiments/lab/policy/prediction_reference.ts";
import type { Sample } from "../../../experiments/lab/sample.ts";
import {
  RUN_INTERVENTIONS,
  SELECTIONS,
  type TrainSettings,
  trainSettings,
} from "../../../experiments/lab/train_settings.ts";
import { updateFromSamples } from "../../../experiments/lab/training_step.ts";
import {
  policyArrays,
  updateFromSamplesReference,
} from "../../../experiments/lab/training_step_reference.ts";
import { AGGREGATIONS, DEFINITIONS, KL_ESTIMATORS, requestGpu } from "../../../kernels/mod.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

/** A model of a few hundred parameters of a family's architecture. */
function tiny(name: string): ModelConfig {
  const config = modelConfig(name);
  return {
    ...config,
    vocab_size: 9,
    hidden_size: 6,
    intermediate_size: 7,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    head_dim: 4,
    sliding_window: config.sliding_window === null ? null : 4,
  };
}

/** Parameters large enough that tokens differ in how likely they are, and no part of the model does nothing. */
function parametersOf(config: ModelConfig): Record<string, Float32Array<ArrayBuffer>> {
  const parameters = initialParameters(config, 7);
  for (const [name, values] of Object.entries(parameters)) {
    for (let i = 0; i < values.length; i++) {
      if (name.endsWith(".bias")) values[i] = 0.3 * Math.sin(i + 1);
      else if (name.endsWith("norm.weight")) values[i] = 1 + 0.3 * Math.cos(i + 2);
      else values[i]! *= 2.5;
    }
  }
  return parameters;
}

/** The policy is no longer its base model. */
function baseParametersOf(config: ModelConfig): Record<string, Float32Array<ArrayBuffer>> {
  return Object.fromEntries(
    Object.entries(parametersOf(config)).map(([name, values]) => [
      name,
      values.map((value, i) => value + 0.1 * Math.sin(3 * i + name.length)),
    ]),
  );
}

const GROUP = 4;
/** Three prompts, and the tokens of four responses to each. */
const PROMPTS = [[1, 4], [6], [3, 3, 2]];
const LENGTHS = [3, 6, 1, 4, 2, 5, 5, 3, 6, 2, 4, 1];
/** How many of a prompt's responses are right. */
const RIGHT = [1, 3, 1];
const REWARDS = [1, 0, 0, 0, 1, 1, 0, 1, 0, 0, 1, 0];
/** The longest response that the task allows: longer than any that was written. */
const COLUMNS = 8;
/**
 * ln π − ln π_old of one token after the other: within the clip range, past each of its bounds, between ε and
 * clip-higher's, and past the dual clip's. None is near a bound.
 */
const LOG_RATIOS = [0.03, -0.08, 0.21, -0.45, 2.7, 0.1, 0.5, -1.2, -0.03, 2.8, 0.06, -0.3, 1.1];

type AdvantageOf = (row: number, token: number) => number;

/** Of either sign, other for each response and each token. */
const handMade: AdvantageOf = (row, token) =>
  Math.fround(0.6 * Math.sin(2.1 * row + 0.5) + 0.8 * Math.sin(1.7 * token + 0.9 * row));

function everyTokenOf(advantages: Float64Array): AdvantageOf {
  return (row, token) => advantages[row * COLUMNS + token]!;
}

const RESPONSES = { rewards: REWARDS, lengths: LENGTHS, columns: COLUMNS, group: GROUP };
const PROCESS_REWARDS = Float64Array.from(
  { length: LENGTHS.length * COLUMNS },
  (_, i) => i % COLUMNS < LENGTHS[Math.floor(i / COLUMNS)]! - 1 ? 0.3 * Math.sin(1.3 * i) : 0,
);

interface Situation {
  config: ModelConfig;
  /** Those of the policy before its first update. */
  values: Record<string, Float32Array>;
  temperature: number;
  advantageOf: AdvantageOf;
  /** Prompts that are left of the three. */
  prompts: number;
}

/** The samples of a step: other tokens and log-ratios in each. */
function samplesOf(
  { config, values, temperature, advantageOf, prompts }: Situation,
  step: number,
): Sample[] {
  let tokens = 5 * step;
  return LENGTHS.slice(0, prompts * GROUP).map((length, row): Sample => {
    const prompt = PROMPTS[Math.floor(row / GROUP)]!;
    const response = Uint32Array.from({ length }, (_, i) => (3 * row + 4 * i + i * i + step) % 9);
    const { logProb } = predictionReference(
      config,
      values,
      { prompt, response },
      temperature,
    );
    return {
      prompt,
      response,
      oldLogProb: Float32Array.from(
        logProb,
        (value) => value - LOG_RATIOS[tokens++ % LOG_RATIOS.length]!,
      ),
      // What stands behind a response is never read.
      advantages: Float64Array.from(
        { length: COLUMNS },
        (_, i) => i < length ? advantageOf(row, i) : NaN,
      ),
      right: RIGHT[Math.floor(row / GROUP)]!,
    };
  });
}

/** Settings under which every part of the update matters. */
const SETTINGS = {
  prompts: PROMPTS.length,
  group: GROUP,
  minibatches: 2,
  learningRate: 0.003,
  warmupSteps: 4,
  weightDecay: 0.5,
  maxGradientNorm: 0.05,
  seed: 11,
  clipCovRatio: 0.2,
  covarianceLow: 0.02,
  covarianceHigh: 0.9,
  klCovRatio: 0.2,
  klCoefficient: 0.7,
  entropyCoefficient: 0.4,
  referenceCoefficient: 0.3,
  referenceKlEvery: 1,
};

/** Throws where a tensor is further from the expected one than a share of its length. */
function assertTensor(
  name: string,
  actual: ArrayLike<number>,
  expected: Float64Array,
  share: number,
): void {
  const length = Math.hypot(...expected);
  const error = Math.hypot(...expected.map((value, i) => value - actual[i]!));
  assert(error <= share * length, `${name} is off by ${error} of ${length}`);
}

/**
 * Throws where a parameter is not where AdamW has moved it. It moves by the learning rate whatever the size of
 * the gradient, so that rounding counts by how small a gradient is among those of its tensor.
 */
function assertMoved(
  name: string,
  actual: ArrayLike<number>,
  expected: Float64Array,
  { gradients, learningRate }: { gradients: readonly Float64Array[]; learningRate: number },
): void {
  const typical = gradients.map((gradient) => Math.hypot(...gradient) / Math.sqrt(gradient.length));
  for (const [i, value] of expected.entries()) {
    const error = Math.abs(actual[i]! - value);
    const rounding = gradients.reduce(
      (sum, gradient, update) =>
        sum + Math.min(2, 5e-6 * typical[update]! / (Math.abs(gradient[i]!) + 1e-30)),
      0,
    );
    assert(
      error <= 2e-7 * gradients.length * Math.abs(value) + learningRate * rounding,
      `${name}: ${i} is off by ${error} at a learning rate of ${learningRate}`,
    );
  }
}

interface Options {
  config?: ModelConfig;
  advantageOf?: AdvantageOf;
  prompts?: number;
  /** Whether the samples come with what the base model thinks, which then is not asked. */
  knowsReference?: boolean;
  /** The rollout of the first of the two steps. */
  firstStep?: number;
  /** What the float64 step must have logged, so that a case tests what it is meant to. */
  expect?: (data: Record<string, number>) => void;
}

/** Two steps on the GPU, each from where the one before ended, against float64. */
async function compare(given: Record<string, unknown>, options: Options = {}): Promise<void> {
  const { config = tiny("qwen2.5-0.5b"), firstStep = 2, expect = () => {} } = options;
  const settings: TrainSettings = trainSettings({ ...SETTINGS, ...given });
  const values = parametersOf(config);
  const baseValues = baseParametersOf(config);
  const situation: Situation = {
    config,
    values,
    temperature: settings.temperature,
    advantageOf: options.advantageOf ?? handMade,
    prompts: options.prompts ?? PROMPTS.length,
  };
  using policy = createPolicy(gpu, config, values);
  using reference = createPolicy(gpu, config, baseValues);
  const own = {
    policy: policyArrays(config, values),
    reference: policyArrays(config, baseValues),
  };
  const kinds = ["parameters", "firstMoments", "secondMoments"] as const;
  let updates = 0;
  for (let step = firstStep; step < firstStep + 2; step++) {
    const samples = samplesOf(situation, step);
    const place = { step, updates };
    const expected = updateFromSamplesReference(own, samples, settings, place);
    const given = options.knowsReference
      ? samples.map((sample): Sample => ({
        ...sample,
        referenceLogProb: predictionReference(config, baseValues, sample, settings.temperature)
          .logProb,
      }))
      : samples;
    const policies = options.knowsReference ? { policy } : { policy, reference };
    const actual = await updateFromSamples(policies, given, settings, place);
    assert.equal(actual.updates, expected.updates);
    updates = expected.updates;
    const data = expected.data as Record<string, number>;
    expect(data);
    const logged = Object.entries(data);
    assert.deepEqual(Object.keys(actual.data).sort(), logged.map(([key]) => key).sort());
    for (const [key, value] of logged) {
      const own = actual.data[key as keyof typeof actual.data]!;
      const error = Math.abs(own - value);
      assert(
        error <= 1e-6 + 1e-5 * Math.abs(value),
        `step ${step}: ${key} is ${own}, not ${value}`,
      );
    }
    const state = await policyState(policy);
    for (const kind of kinds) {
      for (const [name, values] of Object.entries(own.policy[kind])) {
        const { data } = state[kind].get(name)!;
        const what = `step ${step}: ${kind} of ${name}`;
        if (kind === "parameters") {
          const gradients = expected.gradients.map((gradient) => gradient[name]!);
          const learningRate = expected.data["actor/lr"]!;
          assertMoved(what, data, values, { gradients, learningRate });
        } else assertTensor(what, data, values, 2e-5);
        // The next step begins for both where the GPU is.
        values.set(data);
      }
    }
  }
}

/** Ratios were clipped, and some by the dual clip. */
const clips = (data: Record<string, number>) => {
  assert(data["actor/pg_clipfrac"]! > 0 && data["actor/pg_clipfrac_lower"]! > 0);
};
/** Tokens were selected, but not all. */
const selects = (data: Record<string, number>) => {
  assert(data["actor/touched_tokens"]! > 2);
  assert(data["actor/touched_tokens"]! < data["rollout/tokens"]! / 2);
  assert("touched/covariance" in data);
};

Deno.test("the update is that of float64: plain GRPO", () => compare({}, { expect: clips }));

Deno.test("the update is that of float64: every intervention", async (t) => {
  const cases: [Record<string, unknown>, Options["expect"]?][] = [
    [{ intervention: "entropy-bonus" }],
    ...KL_ESTIMATORS.map((
      referenceKl,
    ): [Record<string, unknown>] => [{ intervention: "reference-kl", referenceKl }]),
    [{ intervention: "clip-higher" }, clips],
    ...["clip-cov", "kl-cov"].flatMap((intervention) =>
      DEFINITIONS.flatMap((definition) =>
        SELECTIONS.map((
          selection,
        ): [Record<string, unknown>, Options["expect"]] => [
          { intervention, definition, selection },
          selects,
        ])
      )
    ),
  ];
  const compared = new Set(["none", ...cases.map(([settings]) => settings["intervention"])]);
  assert.deepEqual(RUN_INTERVENTIONS.filter((name) => !compared.has(name)), []);
  for (const [settings, expect] of cases) {
    const name = Object.values(settings).join(", ");
    await t.step(name, () => compare(settings, expect === undefined ? {} : { expect }));
  }
});

Deno.test("the update is that of float64: clip ranges other than the method's own", async (t) => {
  const cases: Record<string, unknown>[] = [
    { clipLow: null, clipHigh: null, dualClip: null },
    { clipLow: 0.5, clipHigh: 0.15, dualClip: 5 },
    { intervention: "clip-cov", clipLow: 0.2, clipHigh: 0.2, dualClip: 10 },
    { intervention: "kl-cov", clipLow: 0.2, clipHigh: 0.2, dualClip: 10 },
  ];
  for (const settings of cases) {
    await t.step(JSON.stringify(settings), () => compare(settings));
  }
});

Deno.test("the update is that of float64: what is logged of tokens that a wider clip range lets through", async () => {
  const expect = (data: Record<string, number>) => {
    assert(data["freed/tokens"]! > 0);
    assert(Number.isFinite(data["freed/covariance"]));
  };
  await compare({ intervention: "clip-higher", clipHigh: 0.5 }, { expect });
  await compare({ clipLow: 0.5, clipHigh: null }, { expect });
  const none = (data: Record<string, number>) => assert(!("freed/tokens" in data));
  await compare({}, { expect: none });
});

Deno.test("the update is that of float64: what is logged of one update of a rollout, for the theory", async () => {
  const is = (has: boolean) => (data: Record<string, number>) => {
    const keys = Object.keys(data).filter((key) => key.startsWith("theory/"));
    assert.equal(keys.length, has ? 4 : 0);
  };
  const plain = { clipLow: null, clipHigh: null, dualClip: null };
  await compare({ minibatches: 1, ...plain }, { expect: is(true) });
  await compare({ minibatches: 1, temperature: 0.7, filterGroups: false }, { expect: is(true) });
  await compare({ minibatches: 2, ...plain }, { expect: is(false) });
});

Deno.test("the update is that of float64: every aggregation", async (t) => {
  for (const aggregation of AGGREGATIONS) {
    await t.step(aggregation, () => compare({ aggregation, intervention: "entropy-bonus" }));
  }
});

Deno.test("the update is that of float64: every algorithm's advantages", async (t) => {
  for (
    const [algorithm, advantages] of [
      ["grpo", grpoAdvantages(RESPONSES)],
      ["rloo", rlooAdvantages(RESPONSES)],
      ["reinforce++", reinforcePlusPlusAdvantages(RESPONSES)],
      ["prime", primeAdvantages(PROCESS_REWARDS, RESPONSES)],
    ] as const
  ) {
    await t.step(
      algorithm,
      () => compare({ algorithm }, { advantageOf: everyTokenOf(advantages) }),
    );
  }
});

Deno.test("a base model whose logits are NaN is told, and gives no KL", async () => {
  const config = tiny("qwen2.5-7b");
  const values = parametersOf(config);
  const wrong = { ...values, "model.norm.weight": new Float32Array(config.hidden_size).fill(NaN) };
  using policy = createPolicy(gpu, config, values);
  using reference = createPolicy(gpu, config, wrong);
  const samples = samplesOf(
    { config, values, temperature: 1, advantageOf: handMade, prompts: PROMPTS.length },
    1,
  );
  await assert.rejects(
    updateFromSamples({ policy, reference }, samples, trainSettings(SETTINGS), {
      step: 1,
      updates: 0,
    }),
    new LabError(
      "the logits of the base model hold NaN or Inf at token 0, expected finite numbers.",
    ),
  );
});

Deno.test("the update is that of float64: the reference KL is logged when it is time, and by the loss that has it", async () => {
  const stepsWith = async (given: Record<string, unknown>) => {
    const has: boolean[] = [];
    await compare(given, { firstStep: 4, expect: (data) => has.push("actor/kl_loss" in data) });
    return has;
  };
  assert.deepEqual(await stepsWith({ referenceKlEvery: 2 }), [false, true]);
  assert.deepEqual(await stepsWith({ referenceKlEvery: 3 }), [true, false]);
  assert.deepEqual(await stepsWith({ referenceKlEvery: 0 }), [false, false]);
  const loss = { intervention: "reference-kl", referenceKlEvery: 0 };
  assert.deepEqual(await stepsWith(loss), [true, true]);
});

Deno.test("the update is that of float64: samples that know what the base model thinks of them", async () => {
  await compare({ intervention: "reference-kl", temperature: 0.8 }, { knowsReference: true });
});

Deno.test("the update is that of float64: a temperature other than 1", async () => {
  await compare({ temperature: 1.7, intervention: "entropy-bonus" });
  await compare({ temperature: 0.6, intervention: "clip-cov" }, { expect: selects });
});

Deno.test("the update is that of float64: one minibatch, uneven ones, more than samples", async () => {
  await compare({ minibatches: 1, maxGradientNorm: 100 });
  const half = { minibatches: 3, intervention: "clip-cov", selection: "batch" };
  await compare(half, { prompts: 2 });
  await compare({ minibatches: 6 }, { prompts: 1 });
});

Deno.test("the update is that of float64: the learning rate before, at and after the end of the warm-up", async () => {
  for (const [firstStep, shares] of [[1, [0.25, 0.5]], [4, [1, 1]]] as const) {
    const rates: number[] = [];
    await compare({}, { firstStep, expect: (data) => rates.push(data["actor/lr"]!) });
    assert.deepEqual(rates, shares.map((share) => 0.003 * share));
  }
  await compare({ warmupSteps: 0 }, {
    firstStep: 1,
    expect: (data) => assert.equal(data["actor/lr"], 0.003),
  });
});

Deno.test("the update is that of float64: a decoder with an output embedding of its own", async () => {
  await compare({}, { config: tiny("mistral-7b-v0.3") });
});
