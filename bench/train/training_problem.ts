import type { ModelConfig } from "../../experiments/lab/families.ts";
import { initialParameters } from "../../experiments/lab/initial_parameters.ts";
import type { ParameterValues } from "../../experiments/lab/policy/parameters.ts";
import type { Sequence } from "../../experiments/lab/policy/sequences.ts";
import { RandomData } from "../../kernels/conformance/random_data.ts";
import type { Problem } from "../bench_problem.ts";

/** One update of a policy, so plain that any library can make it: sequences of one length, given advantages. */
export interface TrainingWork {
  /** The architecture. */
  readonly config: ModelConfig;
  /** The parameters before the update. */
  readonly parameters: ParameterValues;
  /** B sequences, all of the same lengths. */
  readonly sequences: readonly Sequence[];
  /** Tokens of each prompt. */
  readonly promptTokens: number;
  /** Tokens R of each response. */
  readonly responseTokens: number;
  /**
   * −A / (B·R) for each response token, [B, R]: the loss is its product with the log-probabilities, summed.
   */
  readonly gradLogProb: Float32Array<ArrayBuffer>;
}

/** AdamW's settings; the gradient is not clipped. */
export const OPTIMIZER = {
  learningRate: 2e-4,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
} as const;

/** How large an update is. */
export interface TrainingSize {
  /** Number of sequences. */
  readonly rows: number;
  /** Tokens of each prompt. */
  readonly promptTokens: number;
  /** Tokens of each response. */
  readonly responseTokens: number;
}

/** An update on as many sequences as asked for, with random tokens and advantages. */
export function trainingProblem(
  name: string,
  config: ModelConfig,
  { rows, promptTokens, responseTokens }: TrainingSize,
): Problem<TrainingWork> {
  const random = new RandomData(1);
  const tokens = (count: number) => random.integers(count, config.vocab_size);
  const sequences = Array.from({ length: rows }, (): Sequence => ({
    prompt: tokens(promptTokens),
    response: tokens(responseTokens),
  }));
  const count = rows * responseTokens;
  return {
    name,
    size: `${rows}×(${promptTokens}+${responseTokens}) tokens`,
    unit: "tokens/s",
    // The last token of a sequence is only predicted.
    amount: rows * (promptTokens + responseTokens - 1),
    bytes: null,
    work: {
      config,
      parameters: initialParameters(config, 1),
      sequences,
      promptTokens,
      responseTokens,
      gradLogProb: random.normal(count).map((advantage) => -advantage / count),
    },
  };
}
