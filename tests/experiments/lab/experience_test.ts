/** The gathering of experience with a task whose verdicts are known row by row. */
import assert from "node:assert/strict";
import { grpoAdvantages } from "../../../experiments/lab/advantages/grpo.ts";
import { primeAdvantages } from "../../../experiments/lab/advantages/prime.ts";
import { reinforcePlusPlusAdvantages } from "../../../experiments/lab/advantages/reinforce_plus_plus.ts";
import type { GroupedResponses } from "../../../experiments/lab/advantages/responses.ts";
import { rlooAdvantages } from "../../../experiments/lab/advantages/rloo.ts";
import { type Experience, gatherExperience } from "../../../experiments/lab/experience.ts";
import { createPolicy } from "../../../experiments/lab/policy/parameters.ts";
import { predictionReference } from "../../../experiments/lab/policy/prediction_reference.ts";
import { type Response, rollout } from "../../../experiments/lab/policy/rollout.ts";
import type { Sequence } from "../../../experiments/lab/policy/sequences.ts";
import type { RewardModel } from "../../../experiments/lab/reward_model.ts";
import { type TrainSettings, trainSettings } from "../../../experiments/lab/train_settings.ts";
import type { Problem, Task } from "../../../experiments/lab/tasks/task.ts";
import { requestGpu } from "../../../kernels/mod.ts";
import { STUB_CONFIG, STUB_TOKENIZER, stubParameters, stubTask } from "./stub_task.ts";

const gpu = await requestGpu();
const policy = createPolicy(gpu, STUB_CONFIG, stubParameters());
Deno.test.afterAll(() => {
  policy[Symbol.dispose]();
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

/** A problem whose verdict follows from the tokens of a response. */
interface StubProblem extends Problem {
  isRight(tokens: readonly number[]): boolean;
}

const COLUMNS = 6;
const GROUP = 4;
const STEP = 3;
const { end, pad } = STUB_TOKENIZER;

const sumOf = (tokens: readonly number[]) => tokens.reduce((sum, token) => sum + token, 0);
/** Right by chance, never right, and always; no two judge alike. */
const PROBLEMS: readonly StubProblem[] = [
  { prompt: "ab", isRight: (tokens) => sumOf(tokens) % 2 === 0 },
  { prompt: "c", isRight: () => false },
  { prompt: "dda", isRight: (tokens) => sumOf(tokens) % 3 === 0 },
  { prompt: "gb", isRight: () => true },
  { prompt: "fe", isRight: (tokens) => tokens.length % 2 === 1 },
];

/** Gives these problems one after the other, whatever the random numbers. */
function taskOf(problems: readonly StubProblem[] = PROBLEMS): Task {
  let drawn = 0;
  return stubTask<StubProblem>({
    maxResponseTokens: COLUMNS,
    mixtures: { standard: () => problems[drawn++]! },
    verify: (problem, response) => ({
      correct: problem.isRight([...STUB_TOKENIZER.encode(response)]),
      finished: response.endsWith("."),
    }),
  });
}

function settingsOf(given: Record<string, unknown> = {}): TrainSettings {
  return trainSettings({
    prompts: PROBLEMS.length,
    group: GROUP,
    minibatches: 2,
    seed: 9,
    ...given,
  });
}

/** What is known of the rollout without the code under test. */
interface Known {
  prompts: number[][];
  responses: Response[];
  rewards: number[];
  /** How many responses of each row's group are right. */
  right: number[];
  /** The rows of groups with signal. */
  withSignal: number[];
}

async function knownOf(temperature = 1): Promise<Known> {
  const rows = PROBLEMS.flatMap((problem) => Array.from({ length: GROUP }, () => problem));
  const prompts = rows.map(({ prompt }) => [...STUB_TOKENIZER.encode(prompt)]);
  const responses = await rollout(policy, prompts, {
    maxTokens: COLUMNS,
    temperature,
    seed: 9,
    stream: STEP,
    end,
    pad,
  });
  const rewards = rows.map(({ isRight }, row) => isRight([...responses[row]!.tokens]) ? 1 : 0);
  const right = rewards.map((_, row) => {
    const first = row - row % GROUP;
    return rewards.slice(first, first + GROUP).filter((reward) => reward === 1).length;
  });
  const withSignal = right.flatMap((count, row) => count > 0 && count < GROUP ? [row] : []);
  return { prompts, responses, rewards, right, withSignal };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function near(name: string, actual: number | undefined, expected: number, tolerance = 1e-12): void {
  assert(
    Math.abs(actual! - expected) <= tolerance * (1 + Math.abs(expected)),
    `${name} is ${actual}, expected ${expected}`,
  );
}

/** The samples are these rows of the rollout with these advantages. */
function assertSamples(
  { samples }: Experience,
  rows: readonly number[],
  { prompts, responses, right }: Known,
  advantages: Float64Array,
): void {
  assert.equal(samples.length, rows.length);
  for (const [i, row] of rows.entries()) {
    const sample = samples[i]!;
    assert.deepEqual(Array.from(sample.prompt), prompts[row]);
    assert.deepEqual(sample.response, responses[row]!.tokens);
    assert.deepEqual(sample.oldLogProb, responses[row]!.logProb);
    assert.equal(sample.right, right[row]);
    const { length } = sample.response;
    assert.deepEqual(
      Array.from({ length }, (_, token) => sample.advantages[token]),
      Array.from(advantages.subarray(i * COLUMNS, i * COLUMNS + length)),
    );
  }
}

/** Responses of these rows, as advantages are made of them. */
function responsesOf(rows: readonly number[], { rewards, responses }: Known): GroupedResponses {
  return {
    rewards: rows.map((row) => rewards[row]!),
    lengths: rows.map((row) => responses[row]!.tokens.length),
    columns: COLUMNS,
    group: GROUP,
  };
}

for (const temperature of [1, 1.5]) {
  for (const filterGroups of [true, false]) {
    const groups = filterGroups ? "groups with signal are kept" : "all groups are kept";
    Deno.test(`experience at temperature ${temperature}: ${groups}, and every number logged is of the rollout`, async () => {
      const known = await knownOf(temperature);
      const { responses, rewards, prompts, withSignal } = known;
      assert(withSignal.length > GROUP && withSignal.length < responses.length - GROUP);
      const settings = settingsOf({ temperature, filterGroups });
      const experience = await gatherExperience(policy, taskOf(), settings, { step: STEP });
      const rows = filterGroups ? withSignal : [...responses.keys()];
      const advantages = grpoAdvantages(responsesOf(rows, known));
      assertSamples(experience, rows, known, advantages);

      const {
        "actor/entropy": entropy,
        "train_entropy/all": paperEntropy,
        ...others
      } = experience.data;
      const tokens = responses.flatMap(({ entropy }) => [...entropy]);
      near("actor/entropy", entropy, mean(tokens));
      const values = stubParameters();
      const entropiesAt = (temperature: number, of: readonly number[]) =>
        of.map((row) =>
          predictionReference(
            STUB_CONFIG,
            values,
            { prompt: prompts[row]!, response: responses[row]!.tokens },
            temperature,
          ).entropy
        );
      const all = entropiesAt(temperature, [...responses.keys()]);
      near("actor/entropy", entropy, mean(all.flatMap((own) => [...own])), 1e-5);
      const paper = mean(entropiesAt(1, rows).map((own) => mean([...own])));
      near("train_entropy/all", paperEntropy, paper, 1e-5);
      // The two differ by so much that neither can stand for the other.
      assert(Math.abs(entropy - paper) > 1e-3);
      assert.deepEqual(others, {
        "critic/score/mean": mean(rewards),
        "response_length/mean": mean(responses.map(({ tokens }) => tokens.length)),
        "response_length/clip_ratio": mean(
          responses.map(({ tokens }) => tokens.includes(end) ? 0 : 1),
        ),
        "rollout/no_signal_groups": (responses.length - withSignal.length) / responses.length,
      });
    });
  }
}

for (
  const [algorithm, advantages] of [
    ["rloo", rlooAdvantages],
    ["reinforce++", reinforcePlusPlusAdvantages],
  ] as const
) {
  Deno.test(`experience: each response has the advantages of ${algorithm} that its own reward gives it`, async () => {
    const known = await knownOf();
    const settings = settingsOf({ algorithm });
    const experience = await gatherExperience(policy, taskOf(), settings, { step: STEP });
    const rows = known.withSignal;
    assertSamples(experience, rows, known, advantages(responsesOf(rows, known)));
  });
}

/** Of more responses than there are. */
const BASE_LOG_PROB = Float32Array.from({ length: 64 * COLUMNS }, (_, i) => -i);

/** Process rewards that tell tokens and rows apart; other ones before the model has learnt. */
function stubRewardModel() {
  const calls: { kind: string; sequences: Sequence[]; responses: unknown; temperature: number }[] =
    [];
  const model: RewardModel = {
    policy,
    updates: 0,
    baseLogProb(sequences, responses, temperature) {
      calls.push({ kind: "base", sequences: [...sequences], responses, temperature });
      return Promise.resolve(BASE_LOG_PROB);
    },
    learn(sequences, responses, { temperature, logProb }) {
      assert.equal(logProb, BASE_LOG_PROB);
      calls.push({ kind: "learn", sequences: [...sequences], responses, temperature });
      return Promise.resolve({ "reward_model/dpo_loss": 0.25, "reward_model/grad_norm": 2 });
    },
    judge(sequences, responses, { temperature, logProb }) {
      assert.equal(logProb, BASE_LOG_PROB);
      calls.push({ kind: "judge", sequences: [...sequences], responses, temperature });
      return Promise.resolve(processRewards(sequences));
    },
  };
  return { model, calls };
}

function processRewards(sequences: readonly Sequence[]): Float64Array {
  const rewards = new Float64Array(sequences.length * COLUMNS);
  for (const [row, { prompt, response }] of sequences.entries()) {
    for (let i = 0; i < response.length - 1; i++) {
      rewards[row * COLUMNS + i] = Math.sin(response[i]! + 2 * i + prompt[0]!) / 3;
    }
  }
  return rewards;
}

Deno.test("experience: PRIME's reward model learns from the responses before it judges them", async () => {
  const known = await knownOf(0.8);
  const settings = settingsOf({ algorithm: "prime", temperature: 0.8 });
  const { model, calls } = stubRewardModel();
  const experience = await gatherExperience(policy, taskOf(), settings, {
    step: STEP,
    rewardModel: model,
  });
  const rows = known.withSignal;
  const sequences = rows.map((row) => ({
    prompt: known.prompts[row]!,
    response: known.responses[row]!.tokens,
  }));
  const responses = responsesOf(rows, known);
  assert.deepEqual(
    calls.map(({ sequences, ...call }) => ({
      ...call,
      sequences: sequences.map(({ prompt, response }) => ({
        prompt: Array.from(prompt),
        response,
      })),
    })),
    ["base", "learn", "judge"].map((kind) => ({ kind, responses, temperature: 0.8, sequences })),
  );
  assertSamples(experience, rows, known, primeAdvantages(processRewards(sequences), responses));
  for (const [i, { referenceLogProb }] of experience.samples.entries()) {
    assert.deepEqual(referenceLogProb, BASE_LOG_PROB.subarray(i * COLUMNS, (i + 1) * COLUMNS));
  }
  assert.equal(experience.data["reward_model/dpo_loss"], 0.25);
  assert.equal(experience.data["reward_model/grad_norm"], 2);
});

Deno.test("experience: where no group has signal there is nothing to learn from, and no entropy of it", async () => {
  const hopeless = Array.from({ length: PROBLEMS.length }, () => PROBLEMS[1]!);
  const settings = settingsOf({ algorithm: "prime", temperature: 1.5 });
  const { model, calls } = stubRewardModel();
  const { samples, data } = await gatherExperience(policy, taskOf(hopeless), settings, {
    step: STEP,
    rewardModel: model,
  });
  assert.deepEqual(samples, []);
  assert.deepEqual(calls, []);
  assert.equal(data["rollout/no_signal_groups"], 1);
  assert.deepEqual(Object.keys(data), [
    "actor/entropy",
    "critic/score/mean",
    "response_length/mean",
    "response_length/clip_ratio",
    "rollout/no_signal_groups",
  ]);
});

Deno.test("experience: the run's mixture is drawn from, each step and each seed otherwise, and alike again", async () => {
  const draws = async (seed: number, step: number) => {
    const numbers: number[] = [];
    const task = stubTask<Problem>({
      mixtures: {
        hard: (random) => {
          numbers.push(random.next());
          return { prompt: "a" };
        },
      },
      verify: () => ({ correct: false, finished: true }),
    });
    const settings = settingsOf({ seed, mixture: "hard" });
    await gatherExperience(policy, task, settings, { step });
    assert.equal(numbers.length, settings.prompts);
    assert.equal(new Set(numbers).size, settings.prompts);
    return numbers;
  };
  const first = await draws(1, 1);
  assert.deepEqual(await draws(1, 1), first);
  const others = [await draws(1, 2), await draws(2, 1), await draws(2, 2)].flat();
  assert.equal(new Set([...first, ...others]).size, 4 * PROBLEMS.length);
});
