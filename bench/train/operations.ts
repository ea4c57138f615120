import { type ModelConfig, parameterShapes } from "../../experiments/lab/families.ts";

/**
 * Floating-point operations of a forward pass that are needed for a response: a multiplication and an addition
 * for each weight of the layers and each token read, for each weight of the output projection, or of what comes
 * after the last layer's attention, and each response token, and for each component of a query that meets a key
 * and of a value that is added. What is computed beyond this, such as padding, logits within prompts or rows that
 * have ended, counts as nothing, and so do norms, rotations and activations.
 */
export function forwardOperations(
  config: ModelConfig,
  promptTokens: number,
  responseTokens: number,
): number {
  // The last token is only predicted.
  const tokens = promptTokens + responseTokens - 1;
  const last = `model.layers.${config.num_hidden_layers - 1}.`;
  let projections = 0;
  for (const [name, shape] of Object.entries(parameterShapes(config))) {
    if (!name.endsWith("_proj.weight")) continue;
    const isAfterAttention = name.startsWith(last) &&
      /\.(o_proj|gate_proj|up_proj|down_proj)\./.test(name);
    projections += 2 * shape[0]! * shape[1]! * (isAfterAttention ? responseTokens : tokens);
  }
  const window = config.sliding_window ?? Infinity;
  let pairs = 0;
  for (let token = 1; token <= tokens; token++) pairs += Math.min(token, window);
  const queries = config.num_attention_heads * config.head_dim;
  return projections +
    2 * config.vocab_size * config.hidden_size * responseTokens +
    4 * config.num_hidden_layers * queries * pairs;
}

/** An update's operations over those of its forward pass: a backward pass has two products for each. */
export const TRAINING_PASSES = 3;
