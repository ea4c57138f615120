import type { Gpu, Tensor } from "../../kernels/mod.ts";
import { atResponses } from "./policy/sequences.ts";
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
