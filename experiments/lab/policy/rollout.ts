import {
  emptyTokenStatistics,
  listActiveRows,
  ropeTable,
  sampleTokens,
  WORDS_BEFORE_ROWS,
} from "../../../kernels/mod.ts";
import { LabError } from "../errors.ts";
import { type Decoding, readPrompts, readToken, temporaryCache } from "./decode.ts";
import type { Policy } from "./parameters.ts";
import { ropeSettings } from "./rope_settings.ts";

/** How responses are sampled. */
export interface RolloutSettings {
  /** Tokens of the longest response. */
  readonly maxTokens: number;
  /** Divides the logits; 0 takes the most likely token. */
  readonly temperature: number;
  /** A whole number from 0 to 2^53 − 1. */
  readonly seed: number;
  /** Tells apart the rollouts of one seed, a 32-bit number. */
  readonly stream: number;
  /** The token that ends a response, which is part of it. */
  readonly end: number;
  /** The token that stands for none. */
  readonly pad: number;
}

/** A response and what the policy thought of it. */
export interface Response {
  /** Its tokens, the end token included if it was written. */
  readonly tokens: Uint32Array;
  /** The log-probability of each, in nats, at the temperature of sampling, or at 1 where that is 0. */
  readonly logProb: Float32Array;
  /** The entropy of the distribution that each was drawn from, in nats. */
  readonly entropy: Float32Array;
}

/**
 * Samples a response to each prompt: one submission, one readback. Rows that have ended drop out on the GPU.
 *
 * @throws {LabError} if logits hold NaN or Inf.
 * @throws {ShapeError} for more responses than {@linkcode mostResponses} of this adapter's limits, or a
 * temperature out of range.
 */
export async function rollout(
  policy: Policy,
  prompts: readonly ArrayLike<number>[],
  { maxTokens, temperature, seed, stream, end, pad }: RolloutSettings,
): Promise<Response[]> {
  const { gpu, config } = policy;
  const rows = prompts.length;
  const columns = Math.max(...prompts.map(({ length }) => length));
  const tokens = new Uint32Array(rows * columns);
  for (const [row, prompt] of prompts.entries()) tokens.set(Array.from(prompt), row * columns);
  const lengths = Uint32Array.from(prompts, ({ length }) => length);
  const recorder = gpu.record("rollout");
  const tensors = {
    tokens: gpu.tensor(tokens),
    positions: gpu.tensor(tokens.map((_, i) => i % columns)),
    // Of the prompts in their rows, and among all tokens.
    spans: gpu.tensor(spansOf(lengths, 0), [rows, 2]),
    tokenSpans: gpu.tensor(spansOf(lengths, columns), [rows, 2]),
    lengths: gpu.tensor(lengths),
    wanted: gpu.tensor(lengths.map((length, row) => row * columns + length - 1)),
    done: gpu.zeros([rows], "u32"),
    active: gpu.empty([1 + rows], "u32"),
    ropeTable: ropeTable(gpu, columns + maxTokens, ropeSettings(config)),
    token: gpu.empty([rows], "u32"),
    // One step after the other.
    writtenTokens: gpu.empty([maxTokens, rows], "u32"),
    logProbs: gpu.empty([maxTokens, rows]),
    entropies: gpu.empty([maxTokens, rows]),
    invalid: gpu.empty([maxTokens, rows], "u32"),
  };
  using _tensors = {
    [Symbol.dispose]() {
      for (const tensor of Object.values(tensors)) tensor.destroy();
    },
  };
  const { done, active, token } = tensors;
  using statistics = emptyTokenStatistics(gpu, rows);
  const cache = temporaryCache(recorder, policy, rows, columns + maxTokens);
  const decoding: Decoding = { ...tensors, cache };
  recorder.scope("rollout", () => {
    const promptBatch = { ...tensors, spans: tensors.tokenSpans, longest: columns };
    let logits = readPrompts(recorder, policy, promptBatch, cache);
    for (let step = 0; step < maxTokens; step++) {
      if (step > 0) {
        listActiveRows(recorder, { done, out: active });
        logits = readToken(recorder, policy, decoding, { token, step: step - 1 });
      }
      sampleTokens(recorder, {
        logits,
        temperature,
        seed,
        stream,
        position: step,
        done,
        endToken: end,
        padToken: pad,
        // The logits of the prompts are by rows.
        active: step === 0 ? undefined : active,
        out: { tokens: token, statistics },
      });
      recorder.recycle(logits);
      const to = step * rows;
      recorder.copy(token, tensors.writtenTokens, { to });
      recorder.copy(statistics.logProb, tensors.logProbs, { to });
      recorder.copy(statistics.entropy, tensors.entropies, { to });
      recorder.copy(statistics.invalid, tensors.invalid, { from: WORDS_BEFORE_ROWS, to });
    }
  });
  const [writtenTokens, logProbs, entropies, invalid] = await recorder.read(
    tensors.writtenTokens,
    tensors.logProbs,
    tensors.entropies,
    tensors.invalid,
  );
  return Array.from({ length: rows }, (_, row) => {
    let length = 1;
    while (length < maxTokens && writtenTokens[(length - 1) * rows + row] !== end) length++;
    const tokens = new Uint32Array(length);
    const [logProb, entropy] = [new Float32Array(length), new Float32Array(length)];
    for (let token = 0; token < length; token++) {
      const at = token * rows + row;
      // What is computed of a response after its end means nothing.
      if (invalid[at] !== 0) {
        throw new LabError(
          `the logits of token ${token} of response ${row} hold NaN or Inf, expected finite numbers.`,
        );
      }
      tokens[token] = writtenTokens[at]!;
      logProb[token] = logProbs[at]!;
      entropy[token] = entropies[at]!;
    }
    return { tokens, logProb, entropy };
  });
}

/** Where prompts of these lengths begin and end, one every so many columns. */
function spansOf(lengths: Uint32Array, columns: number): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(
    [...lengths].flatMap((length, row) => [row * columns, row * columns + length]),
  );
}
