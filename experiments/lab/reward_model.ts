import { readGradientNorm } from "../../kernels/mod.ts";
import { primeAdvantages, primeLoss, primeProcessRewards } from "./advantages/prime.ts";
import type { GroupedResponses, Responses } from "./advantages/responses.ts";
import { expectValidParts } from "./finite.ts";
import type { Policy } from "./policy/parameters.ts";
import { recordResponseStatistics } from "./policy/response_statistics.ts";
import { predictionBatch, type Sequence } from "./policy/sequences.ts";
import { checkNorm, predict, update } from "./policy/update.ts";
import type { StepData } from "./step_data.ts";

/** PRIME's implicit reward model: a policy whose log-ratio to the base model is a reward for each token. */
export interface RewardModel {
  /** The model that is trained. */
  readonly policy: Policy;
  /** How many updates it has had; set when a run is resumed. */
  updates: number;
  /**
   * What the base model thinks of each token, [B, T]; 0 for padding.
   *
   * @throws {LabError} if logits hold NaN or Inf.
   */
  baseLogProb(
    sequences: readonly Sequence[],
    responses: Responses,
    temperature: number,
  ): Promise<Float32Array>;
  /**
   * One update by the cross-entropy of the responses' outcomes.
   *
   * @throws {LabError} if logits or the gradient hold NaN or Inf.
   */
  learn(
    sequences: readonly Sequence[],
    responses: Responses,
    base: BaseLogProb,
  ): Promise<Partial<StepData>>;
  /**
   * The process reward of each token, [B, T]; 0 for padding.
   *
   * @throws {LabError} if logits hold NaN or Inf.
   */
  judge(
    sequences: readonly Sequence[],
    responses: Responses,
    base: BaseLogProb,
  ): Promise<Float64Array>;
}

/** What the reward model is compared with. */
export interface BaseLogProb {
  /** Divides the logits. */
  readonly temperature: number;
  /** ln π_ref of each token at that temperature, [B, T]; 0 for padding. */
  readonly logProb: Float32Array;
}

/** Advantages, and what their making logs. */
export interface JudgedAdvantages {
  /** One for each token, [B, T]; 0 for padding. */
  readonly advantages: Float64Array;
  /** What the reward model logs of its update. */
  readonly data: Partial<StepData>;
  /** ln π_ref of each token, [B, T]; 0 for padding. */
  readonly referenceLogProb: Float32Array;
}

/**
 * PRIME's advantages (Yuan et al. 2024, Cui et al. 2025): the reward model learns from the outcomes of the
 * responses, and then judges each of their tokens.
 *
 * @throws {LabError} if logits or the gradient of the reward model hold NaN or Inf.
 */
export async function judgedAdvantages(
  model: RewardModel,
  sequences: readonly Sequence[],
  responses: GroupedResponses,
  temperature: number,
): Promise<JudgedAdvantages> {
  // The base model stays as it is, so it is asked once.
  const logProb = await model.baseLogProb(sequences, responses, temperature);
  const base = { temperature, logProb };
  const data = await model.learn(sequences, responses, base);
  const processRewards = await model.judge(sequences, responses, base);
  const advantages = primeAdvantages(processRewards, responses);
  return { advantages, data, referenceLogProb: logProb };
}

/** How the reward model is trained, but for its learning rate. */
const OPTIMIZER = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradientNorm: 10 };

/**
 * An implicit reward model that begins as the base model.
 *
 * @param policy The base model, to be trained.
 * @param reference The base model, as it is.
 */
export function rewardModel(
  policy: Policy,
  reference: Policy,
  learningRate: number,
): RewardModel {
  const { gpu, config } = policy;
  /** ln π of each response token under one of the two, [B, T]. */
  const logProbOf = async (
    { name, model }: { readonly name: string; readonly model: Policy },
    sequences: readonly Sequence[],
    { columns }: Responses,
    temperature: number,
  ): Promise<Float32Array> => {
    const question = { label: "reward model", columns, temperature };
    using said = recordResponseStatistics(model, sequences, question);
    const [values, invalid] = await gpu.record().read(said.logProb, said.invalid);
    expectValidParts(name, invalid);
    return values;
  };
  /** ln π_RM − ln π_ref of each response token, [B, T]. */
  const logRatios = async (
    sequences: readonly Sequence[],
    responses: Responses,
    { temperature, logProb }: BaseLogProb,
  ): Promise<Float32Array> => {
    const own = { name: "the reward model", model: policy };
    const values = await logProbOf(own, sequences, responses, temperature);
    return values.map((value, i) => value - logProb[i]!);
  };
  return {
    policy,
    updates: 0,
    baseLogProb: (...asked) =>
      logProbOf({ name: "the reward model's base", model: reference }, ...asked),
    async learn(sequences, responses, base) {
      const { temperature } = base;
      const { loss, gradient } = primeLoss(await logRatios(sequences, responses, base), responses);
      using batch = predictionBatch(gpu, config, sequences, responses.columns);
      using gradLogProb = gpu.tensor(Float32Array.from(gradient), batch.mask.shape);
      using norm = gpu.empty([2]);
      const recorder = gpu.record("reward model");
      const prediction = predict(recorder, policy, batch, temperature);
      using _statistics = prediction.statistics;
      const settings = { ...OPTIMIZER, learningRate };
      this.updates++;
      const gradients = { gradLogProb };
      const step = this.updates;
      update(recorder, policy, { batch, prediction, gradients, settings, step, norm, temperature });
      const [words] = await recorder.read(norm);
      const { norm: gradientNorm } = readGradientNorm(words);
      await checkNorm(policy, "the reward model", gradientNorm);
      return { "reward_model/dpo_loss": loss, "reward_model/grad_norm": gradientNorm };
    },
    async judge(sequences, responses, base) {
      return primeProcessRewards(await logRatios(sequences, responses, base), responses);
    },
  };
}
