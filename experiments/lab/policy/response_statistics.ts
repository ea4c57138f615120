import type { Tensor } from "../../../kernels/mod.ts";
import type { Policy } from "./parameters.ts";
import { mostSequences } from "./room.ts";
import { predictionBatch, type Sequence } from "./sequences.ts";
import { predictOnly } from "./update.ts";

/** What a policy thinks of response tokens. Whoever asks disposes of it. */
export interface ResponseStatistics extends Disposable {
  /** ln π of each, [B, R] in f32; 0 for padding. */
  readonly logProb: Tensor<"f32">;
  /** Entropy of the distribution before each, [B, R] in f32; 0 for padding. */
  readonly entropy: Tensor<"f32">;
  /** The first two words of `TokenStatistics.invalid` of each submission, [parts, 2] in u32. */
  readonly invalid: Tensor<"u32">;
}

/** How a policy is asked. */
export interface ResponseQuestion {
  /** Whose time it is in a profile. */
  readonly label: string;
  /** R, the tokens of the longest response or more. */
  readonly columns: number;
  /** Divides the logits. */
  readonly temperature: number;
}

/**
 * Records and submits what a policy thinks of sequences that it does not learn from now: of all at once, or of as many
 * at a time as fit the adapter.
 */
export function recordResponseStatistics(
  policy: Policy,
  sequences: readonly Sequence[],
  { label, columns, temperature }: ResponseQuestion,
): ResponseStatistics {
  const { gpu, config } = policy;
  const lengths = sequences.map(({ prompt, response }) => prompt.length + response.length);
  const most = Math.max(1, mostSequences(gpu, config, Math.max(...lengths)));
  const logProb = gpu.empty([sequences.length, columns]);
  const entropy = gpu.empty([sequences.length, columns]);
  const invalid = gpu.empty([Math.ceil(sequences.length / most), 2], "u32");
  for (let first = 0; first < sequences.length; first += most) {
    using batch = predictionBatch(gpu, config, sequences.slice(first, first + most), columns);
    const recorder = gpu.record(label);
    const prediction = predictOnly(recorder, policy, batch, temperature);
    recorder.copy(prediction.logProb, logProb, { to: first * columns });
    recorder.copy(prediction.entropy, entropy, { to: first * columns });
    recorder.copy(prediction.invalid, invalid, { to: 2 * first / most, count: 2 });
    recorder.submit();
  }
  return {
    logProb,
    entropy,
    invalid,
    [Symbol.dispose]() {
      for (const tensor of [logProb, entropy, invalid]) tensor.destroy();
    },
  };
}
