import type { Gpu } from "../../../kernels/mod.ts";
import { LabError } from "../errors.ts";
import type { ModelConfig } from "../families.ts";

/** Bytes of a number. */
const F32 = 4;

/**
 * The most responses that can be sampled at once within the limits of an adapter: no tensor may be larger than a
 * binding, nor may all together be larger than a buffer, which stands for the adapter's memory.
 *
 * @param promptTokens Of the longest prompt.
 * @param responseTokens Of the longest response.
 */
export function mostResponses(
  gpu: Gpu,
  config: ModelConfig,
  promptTokens: number,
  responseTokens: number,
): number {
  const tokens = promptTokens + responseTokens;
  const cache = F32 * tokens * config.num_key_value_heads * config.head_dim;
  const { all, largest } = activations(config);
  const logits = F32 * config.vocab_size;
  // Tokens, log-probabilities, entropies and whether they are valid, on the GPU and read back.
  const results = 2 * 4 * F32 * responseTokens;
  return mostThatFit(gpu, {
    largest: Math.max(cache, promptTokens * largest, logits, results),
    all: 2 * config.num_hidden_layers * cache + promptTokens * all + logits + results,
  });
}

/**
 * The most sequences that one update can learn from, likewise.
 *
 * @param tokens Of the longest sequence.
 */
export function mostSequences(gpu: Gpu, config: ModelConfig, tokens: number): number {
  const { all, largest } = activations(config);
  const logits = F32 * config.vocab_size;
  // The backward pass makes a gradient of about each number.
  return mostThatFit(gpu, {
    largest: tokens * Math.max(largest, logits),
    all: 2 * tokens * (all + logits),
  });
}

/** Tokens of the longest sequence of a task. */
export interface SequenceRoom {
  /** Of the longest prompt. */
  readonly maxPromptTokens: number;
  /** Of the longest response. */
  readonly maxResponseTokens: number;
}

/** How many responses a run samples and learns from at once. */
export interface BatchRoom {
  /** Prompts of a rollout. */
  readonly prompts: number;
  /** Responses to each. */
  readonly group: number;
  /** Updates that share them. */
  readonly minibatches: number;
}

/**
 * Throws unless the rollouts and updates of a run fit the adapter.
 *
 * @throws {LabError} naming the setting and the largest number that fits.
 */
export function expectRoom(
  gpu: Gpu,
  config: ModelConfig,
  { maxPromptTokens, maxResponseTokens }: SequenceRoom,
  { prompts, group, minibatches }: BatchRoom,
): void {
  const responses = prompts * group;
  const most = mostResponses(gpu, config, maxPromptTokens, maxResponseTokens);
  if (responses > most) {
    throw new LabError(
      `prompts is ${prompts} and group ${group}, ${responses} responses of a rollout, expected at most ${most}, ${
        whyNotMore(gpu)
      }.`,
    );
  }
  const sequences = mostSequences(gpu, config, maxPromptTokens + maxResponseTokens);
  if (responses / minibatches > sequences) {
    throw new LabError(
      `minibatches is ${minibatches}, ${
        responses / minibatches
      } responses of an update, expected at most ${sequences}, ${whyNotMore(gpu)}.`,
    );
  }
}

/** The limits, as a sentence is to end. */
export function whyNotMore({ device: { limits } }: Gpu): string {
  return `as many as fit this adapter's bindings of ${limits.maxStorageBufferBindingSize} bytes and buffers of ${limits.maxBufferSize}`;
}

interface Bytes {
  /** Of the largest tensor. */
  readonly largest: number;
  /** Of all tensors. */
  readonly all: number;
}

function mostThatFit({ device: { limits } }: Gpu, { largest, all }: Bytes): number {
  const binding = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  // The pool rounds sizes up by less than a quarter.
  return Math.floor(0.8 * Math.min(binding / largest, limits.maxBufferSize / all));
}

/** What a forward pass keeps of a token; see {@linkcode LayerActivations}. */
function activations(config: ModelConfig): Bytes {
  const { hidden_size: width, intermediate_size: inner } = config;
  const queries = config.num_attention_heads * config.head_dim;
  const keys = config.num_key_value_heads * config.head_dim;
  const layer = 4 * width + 2 * queries + 2 * keys + 3 * inner + config.num_attention_heads + 2;
  return {
    largest: F32 * Math.max(width, queries + 2 * keys, 2 * inner),
    // Of the last layer, what goes on is copied.
    all: F32 * (config.num_hidden_layers * layer + queries + 2 * width + 1),
  };
}
