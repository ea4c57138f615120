import {
  matmulReference,
  tokenStatisticsBackwardReference,
  tokenStatisticsReference,
} from "../../../kernels/mod.ts";
import type { ModelConfig } from "../families.ts";
import { backwardReference, type GradientArrays } from "./backward_reference.ts";
import { forwardReference, type ParameterArrays } from "./forward_reference.ts";
import type { Sequence } from "./sequences.ts";

/** What a policy thinks of the tokens of one response, in float64. */
export interface PredictionReference {
  /** The log-probability of each, in nats. */
  readonly logProb: Float64Array;
  /** The entropy of the distribution before each, in nats. */
  readonly entropy: Float64Array;
  /**
   * Adds to the gradients of all parameters, from those with respect to the log-probabilities and the entropies
   * of the response's tokens.
   */
  backward(
    gradLogProb: ArrayLike<number>,
    gradEntropy: ArrayLike<number>,
    gradients: GradientArrays,
  ): void;
}

/**
 * The forward pass of one sequence up to the statistics of its response, and its backward, in float64: the
 * definition that {@linkcode predict} and the gradients of {@linkcode update} are held to.
 *
 * @param temperature Divides the logits; 1 by default.
 */
export function predictionReference(
  config: ModelConfig,
  values: ParameterArrays,
  { prompt, response }: Sequence,
  temperature = 1,
): PredictionReference {
  const written = [...Array.from(prompt), ...Array.from(response)];
  // The last token is only predicted.
  const tokens = written.slice(0, -1);
  const count = tokens.length;
  const { vocab_size: columns, hidden_size: width } = config;
  const output = config.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight";
  const weight = values[output]!;
  const sequence = { tokens, positions: tokens.map((_, i) => i), spans: [0, count] };
  const activations = forwardReference(config, values, sequence);
  const { hidden } = activations;
  const logits = matmulReference({
    a: hidden,
    b: weight,
    m: count,
    n: columns,
    k: width,
    transposeB: true,
  });
  const statistics = { logits, targets: written.slice(1), columns, temperature };
  const { logProb, entropy } = tokenStatisticsReference(statistics);
  const first = prompt.length - 1;
  return {
    logProb: logProb.subarray(first),
    entropy: entropy.subarray(first),
    backward(gradLogProb, gradEntropy, gradients) {
      const ofTokens = (ofResponse: ArrayLike<number>) =>
        tokens.map((_, i) => i < first ? 0 : ofResponse[i - first]!);
      const gradLogits = tokenStatisticsBackwardReference(statistics, {
        gradLogProb: ofTokens(gradLogProb),
        gradEntropy: ofTokens(gradEntropy),
      });
      const gradWeight = matmulReference({
        a: gradLogits,
        b: hidden,
        m: columns,
        n: width,
        k: count,
        transposeA: true,
      });
      for (let i = 0; i < gradWeight.length; i++) gradients[output]![i]! += gradWeight[i]!;
      const gradHidden = matmulReference({
        a: gradLogits,
        b: weight,
        m: count,
        n: width,
        k: columns,
      });
      backwardReference(config, values, { sequence, activations, gradHidden, gradients });
    },
  };
}
