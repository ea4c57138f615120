import type { Gpu, Tensor } from "../../kernels/mod.ts";
import { atResponses, type Sequence } from "./policy/sequences.ts";

/** A response to learn from. */
export interface Sample extends Sequence {
  /** The log-probability of each of its tokens under the policy that wrote it, in nats. */
  readonly oldLogProb: Float32Array;
  /** The advantage of each of its tokens; what comes after its last is not read. */
  readonly advantages: ArrayLike<number>;
  /** The log-probability of each of its tokens under the base model, in nats, where that is known. */
  readonly referenceLogProb?: ArrayLike<number>;
  /** How many responses of its group are right. */
  readonly right: number;
}

/** What B samples know of their tokens, in rows of R columns on the GPU; 0 for padding. */
export interface SampleTensors extends Disposable {
  /** {@linkcode Sample.oldLogProb}, [B, R] in f32. */
  readonly oldLogProb: Tensor<"f32">;
  /** {@linkcode Sample.advantages}, [B, R] in f32. */
  readonly advantages: Tensor<"f32">;
}

/**
 * Puts what samples know of their tokens on the GPU.
 *
 * @param columns R, the tokens of the longest response or more.
 */
export function sampleTensors(
  gpu: Gpu,
  samples: readonly Sample[],
  columns: number,
): SampleTensors {
  const tensorOf = (numbersOf: (sample: Sample) => ArrayLike<number>) =>
    gpu.tensor(
      atResponses(samples, columns, (row, token) => numbersOf(samples[row]!)[token]!),
      [samples.length, columns],
    );
  const oldLogProb = tensorOf((sample) => sample.oldLogProb);
  const advantages = tensorOf((sample) => sample.advantages);
  return {
    oldLogProb,
    advantages,
    [Symbol.dispose]() {
      oldLogProb.destroy();
      advantages.destroy();
    },
  };
}
