import { OUTCOME_ADVANTAGES } from "./advantages/advantages_by_name.ts";
import type { GroupedResponses } from "./advantages/responses.ts";
import { groupHasSignal } from "./advantages/signal.ts";
import { STEPS_PER_SEED } from "./bounds.ts";
import { expectValidParts } from "./finite.ts";
import { mean } from "./mean.ts";
import type { Policy } from "./policy/parameters.ts";
import { rollout } from "./policy/rollout.ts";
import { recordResponseStatistics } from "./policy/response_statistics.ts";
import { longestResponse, type Sequence } from "./policy/sequences.ts";
import { type JudgedAdvantages, judgedAdvantages, type RewardModel } from "./reward_model.ts";
import type { Sample } from "./sample.ts";
import type { TrainSettings } from "./train_settings.ts";
import type { StepData } from "./step_data.ts";
import { seededRandom } from "./tasks/random.ts";
import { verifyTokens } from "./tasks/response.ts";
import type { Problem, Task } from "./tasks/task.ts";
import { expectVocabulary } from "./vocabulary_fits.ts";

/** Responses to problems, verified. */
export interface Experience {
  /** The responses to learn from: those of groups with signal. */
  readonly samples: readonly Sample[];
  /** What the step logs of the rollout. */
  readonly data: StepData;
}

/** What a rollout is made for. */
export interface ExperienceOptions {
  /** The number of the rollout, from 1. */
  readonly step: number;
  /** PRIME's, which learns from the responses before it judges them; needed with that algorithm. */
  readonly rewardModel?: RewardModel | undefined;
}

/**
 * Draws a step's problems, samples a group of responses to each, verifies them, and makes advantages of the
 * rewards.
 *
 * @throws {LabError} if the policy's vocabulary is not the task's, or logits, or the gradient of the reward
 * model, hold NaN or Inf.
 */
export async function gatherExperience(
  policy: Policy,
  task: Task,
  settings: TrainSettings,
  { step, rewardModel }: ExperienceOptions,
): Promise<Experience> {
  expectVocabulary("the policy", policy.config, task);
  const { group, filterGroups } = settings;
  const columns = task.maxResponseTokens;

  // Rollout: a group of responses to each problem.
  const problems = drawProblems(task, settings, step);
  const prompts = problems.map(({ prompt }) => task.tokenizer.encode(prompt));
  const responses = await rollout(policy, prompts, {
    maxTokens: columns,
    temperature: settings.temperature,
    seed: settings.seed,
    stream: step,
    end: task.tokenizer.end,
    pad: task.tokenizer.pad,
  });

  // Reward: 1 for what a program finds right, else 0. Groups that are all right or all wrong teach nothing.
  const verdicts = responses.map(({ tokens }, i) => verifyTokens(task, problems[i]!, tokens));
  const rewards = verdicts.map(({ correct }) => Number(correct));
  const signal = groupHasSignal(rewards, group);
  const kept = responses.map((_, row) => row)
    .filter((row) => !filterGroups || signal[Math.floor(row / group)]);

  // Advantage: one for each token of the responses that are kept.
  const sequences = kept.map((row): Sequence => ({
    prompt: prompts[row]!,
    response: responses[row]!.tokens,
  }));
  const { advantages, data, referenceLogProb } = await advantagesOf(
    settings,
    rewardModel,
    sequences,
    {
      rewards: kept.map((row) => rewards[row]!),
      lengths: kept.map((row) => responses[row]!.tokens.length),
      columns,
      group,
    },
  );
  const samples = kept.map((row, i): Sample => {
    const start = row - row % group;
    return {
      ...sequences[i]!,
      oldLogProb: responses[row]!.logProb,
      advantages: advantages.subarray(i * columns, (i + 1) * columns),
      ...(referenceLogProb === undefined
        ? {}
        : { referenceLogProb: referenceLogProb.subarray(i * columns, (i + 1) * columns) }),
      right: rewards.slice(start, start + group).reduce((sum, reward) => sum + reward, 0),
    };
  });

  // The paper's H (Eq. 5) is at temperature 1, whatever the temperature of sampling.
  const entropies = settings.temperature === 1
    ? kept.map((row) => responses[row]!.entropy)
    : await entropiesOf(policy, sequences);
  return {
    samples,
    data: {
      "actor/entropy": mean(responses.flatMap(({ entropy }) => Array.from(entropy))),
      ...(entropies.length === 0
        ? {}
        : { "train_entropy/all": mean(entropies.map((entropy) => mean(Array.from(entropy)))) }),
      "critic/score/mean": mean(rewards),
      "response_length/mean": mean(responses.map(({ tokens }) => tokens.length)),
      "response_length/clip_ratio": mean(verdicts.map(({ finished }) => Number(!finished))),
      "rollout/no_signal_groups": mean(signal.map((has) => Number(!has))),
      ...data,
    },
  };
}

/** The problems of a step, each as often as it is answered. */
function drawProblems(task: Task, settings: TrainSettings, step: number): Problem[] {
  const { prompts, group, mixture, seed } = settings;
  const random = seededRandom(seed * STEPS_PER_SEED + step);
  return Array.from({ length: prompts }, () => task.mixtures[mixture](random))
    .flatMap((problem) => Array.from({ length: group }, () => problem));
}

/** Advantages of every token by the run's algorithm, [B, T], and what PRIME's reward model found and logs. */
async function advantagesOf(
  { algorithm, temperature }: TrainSettings,
  rewardModel: RewardModel | undefined,
  sequences: readonly Sequence[],
  responses: GroupedResponses,
): Promise<Pick<JudgedAdvantages, "advantages"> & Partial<JudgedAdvantages>> {
  if (sequences.length === 0) return { advantages: new Float64Array() };
  return algorithm === "prime"
    ? await judgedAdvantages(rewardModel!, sequences, responses, temperature)
    : { advantages: OUTCOME_ADVANTAGES[algorithm](responses) };
}

/** The entropy before each token of the responses at temperature 1, in nats. */
async function entropiesOf(
  policy: Policy,
  sequences: readonly Sequence[],
): Promise<Float32Array[]> {
  if (sequences.length === 0) return [];
  const columns = longestResponse(sequences);
  const question = { label: "entropy", columns, temperature: 1 };
  using said = recordResponseStatistics(policy, sequences, question);
  const [values, invalid] = await policy.gpu.record().read(said.entropy, said.invalid);
  expectValidParts("the policy at temperature 1", invalid);
  return sequences.map(({ response }, row) =>
    values.slice(row * columns, row * columns + response.length)
  );
}
