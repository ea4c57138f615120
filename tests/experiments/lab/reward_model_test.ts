/** PRIME's implicit reward model against its definition in float64: what it judges, and how it learns. */
import assert from "node:assert/strict";
import { primeLoss, primeProcessRewards } from "../../../experiments/lab/advantages/prime.ts";
import type { Responses } from "../../../experiments/lab/advantages/responses.ts";
import { zeroGradients } from "../../../experiments/lab/policy/backward_reference.ts";
import { createPolicy, policyState } from "../../../experiments/lab/policy/parameters.ts";
import { predictionReference } from "../../../experiments/lab/policy/prediction_reference.ts";
import type { Sequence } from "../../../experiments/lab/policy/sequences.ts";
import {
  type BaseLogProb,
  type RewardModel,
  rewardModel,
} from "../../../experiments/lab/reward_model.ts";
import { adamwReference, gradientNormReference, requestGpu } from "../../../kernels/mod.ts";
import { STUB_CONFIG, stubParameters } from "./stub_task.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

type Values = Record<string, Float32Array<ArrayBuffer>>;

const BASE = stubParameters();
/** The reward model once it is no longer the base model. */
const LEARNT: Values = Object.fromEntries(
  Object.entries(BASE).map(([name, values]) => [
    name,
    values.map((value, i) => value + 0.2 * Math.sin(3 * i + name.length)),
  ]),
);
const TEMPERATURE = 0.8;
const LEARNING_RATE = 0.01;
const COLUMNS = 6;
const SEQUENCES: readonly Sequence[] = [
  { prompt: [2, 3], response: [4, 5, 6, 1] },
  { prompt: [8], response: [7, 1] },
  { prompt: [5, 5, 4], response: [2, 3, 4, 5, 6, 7] },
];
const RESPONSES: Responses = {
  rewards: [1, 0, 1],
  lengths: SEQUENCES.map(({ response }) => response.length),
  columns: COLUMNS,
};

/** ln π_RM − ln π_ref of each token, [B, T]; 0 for padding. */
function logRatiosOf(values: Values): Float64Array {
  const ratios = new Float64Array(SEQUENCES.length * COLUMNS);
  for (const [row, sequence] of SEQUENCES.entries()) {
    const [own, base] = [values, BASE].map((of) =>
      predictionReference(STUB_CONFIG, of, sequence, TEMPERATURE).logProb
    );
    for (const [i, value] of own!.entries()) ratios[row * COLUMNS + i] = value - base![i]!;
  }
  return ratios;
}

async function baseOf(model: RewardModel): Promise<BaseLogProb> {
  const logProb = await model.baseLogProb(SEQUENCES, RESPONSES, TEMPERATURE);
  return { temperature: TEMPERATURE, logProb };
}

function near(name: string, actual: number, expected: number, tolerance = 1e-5): void {
  assert(Math.abs(actual - expected) <= tolerance, `${name} is ${actual}, expected ${expected}`);
}

Deno.test("process rewards are those of the log-ratio to the base model, and 0 before anything is learnt", async () => {
  using reference = createPolicy(gpu, STUB_CONFIG, BASE);
  for (const values of [LEARNT, BASE]) {
    using policy = createPolicy(gpu, STUB_CONFIG, values);
    const model = rewardModel(policy, reference, LEARNING_RATE);
    const judged = await model.judge(SEQUENCES, RESPONSES, await baseOf(model));
    const expected = primeProcessRewards(logRatiosOf(values), RESPONSES);
    assert.equal(judged.length, expected.length);
    for (const [i, value] of expected.entries()) near(`token ${i}`, judged[i]!, value);
    assert.equal(judged.some((value) => value !== 0), values === LEARNT);
  }
});

Deno.test("an update is AdamW's on the cross-entropy of the outcomes, and each is counted", async () => {
  using reference = createPolicy(gpu, STUB_CONFIG, BASE);
  using policy = createPolicy(gpu, STUB_CONFIG, LEARNT);
  const model = rewardModel(policy, reference, LEARNING_RATE);
  const states = Object.entries(LEARNT).map(([name, values]) => ({
    name,
    parameter: Float64Array.from(values),
    firstMoment: new Float64Array(values.length),
    secondMoment: new Float64Array(values.length),
  }));
  const settings = { learningRate: LEARNING_RATE, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
  for (let step = 1; step <= 3; step++) {
    // From where the GPU is, so that rounding does not add up.
    const { parameters } = await policyState(policy);
    const values: Values = Object.fromEntries(
      [...parameters].map(([name, { data }]) => [name, data as Float32Array<ArrayBuffer>]),
    );
    const data = await model.learn(SEQUENCES, RESPONSES, await baseOf(model));
    assert.equal(model.updates, step);
    const { loss, gradient } = primeLoss(logRatiosOf(values), RESPONSES);
    const gradients = zeroGradients(STUB_CONFIG);
    for (const [row, sequence] of SEQUENCES.entries()) {
      predictionReference(STUB_CONFIG, values, sequence, TEMPERATURE).backward(
        gradient.subarray(row * COLUMNS, (row + 1) * COLUMNS),
        new Float64Array(COLUMNS),
        gradients,
      );
    }
    const { norm } = gradientNormReference(Object.values(gradients), Infinity);
    near("the loss", data["reward_model/dpo_loss"]!, loss);
    near("the norm", data["reward_model/grad_norm"]!, norm, 1e-5 * norm);
    assert(norm < 10, "the gradient is clipped");

    const after = (await policyState(policy)).parameters;
    for (const state of states) {
      state.parameter.set(values[state.name]!);
      adamwReference({
        ...state,
        gradient: gradients[state.name]!,
        settings: { ...settings, weightDecay: 0 },
        step,
      });
      const typical = Math.hypot(...gradients[state.name]!) /
        Math.sqrt(state.parameter.length);
      for (const [i, value] of state.parameter.entries()) {
        // AdamW moves a parameter by the sign of its gradient, which is rounding where that is tiny.
        if (Math.abs(gradients[state.name]![i]!) < 1e-3 * typical) continue;
        near(`${state.name} ${i}`, after.get(state.name)!.data[i]!, value, 0.02 * LEARNING_RATE);
      }
    }
  }
});
