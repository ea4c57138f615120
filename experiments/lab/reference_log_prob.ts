import type { Gpu, Tensor } from "../../kernels/mod.ts";
import type { Policy } from "./policy/parameters.ts";
import { mostSequences } from "./policy/room.ts";
import { atResponses, predictionBatch, type Sequence } from "./policy/sequences.ts";
import { predictOnly } from "./policy/update.ts";
import type { Sample } from "./sample.ts";

/**
 * The log-probabilities of samples under the base model, where each knows its own.
 *
 * @param columns R, the tokens of the longest response or more.
 * @returns ln π of each response token, [B, R] in f32; 0 for padding; whoever asks disposes of it.
 */
export function knownReferenceLogProb(
  gpu: Gpu,
  samples: readonly Sample[],
  columns: number,
): Tensor<"f32"> | undefined {
  const known = samples.map(({ referenceLogProb }) => referenceLogProb)
    .filter((values) => values !== undefined);
  if (known.length < samples.length) return undefined;
  const values = atResponses(samples, columns, (row, token) => known[row]![token]!);
  return gpu.tensor(values, [samples.length, columns]);
}

/**
 * Records and submits the log-probabilities of a policy that is not trained: all sequences at once, or as many at a
 * time as fit the adapter.
 *
 * @param columns R, the tokens of the longest response or more.
 * @returns ln π of each response token, [B, R] in f32; 0 for padding; whoever asks disposes of it.
 */
export function recordReferenceLogProb(
  policy: Policy,
  sequences: readonly Sequence[],
  columns: number,
  temperature: number,
): Tensor<"f32"> {
  const { gpu, config } = policy;
  const lengths = sequences.map(({ prompt, response }) => prompt.length + response.length);
  const most = Math.max(1, mostSequences(gpu, config, Math.max(...lengths)));
  const logProb = gpu.empty([sequences.length, columns]);
  for (let first = 0; first < sequences.length; first += most) {
    using batch = predictionBatch(gpu, config, sequences.slice(first, first + most), columns);
    const recorder = gpu.record("reference");
    const prediction = predictOnly(recorder, policy, batch, temperature);
    recorder.copy(prediction.logProb, logProb, { to: first * columns });
    recorder.submit();
  }
  return logProb;
}
