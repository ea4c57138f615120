import { LabError } from "./errors.ts";
import type { ModelConfig } from "./families.ts";
import type { Task } from "./tasks/task.ts";

/**
 * Throws unless a policy has as many tokens as the vocabulary of a task: with fewer it could not read some of
 * them, with more its tokens are others.
 *
 * @param where Whose vocabulary, as the sentence is to begin.
 * @throws {LabError} with both sizes.
 */
export function expectVocabulary(where: string, config: ModelConfig, task: Task): void {
  const { paddedSize } = task.tokenizer;
  if (config.vocab_size === paddedSize) return;
  throw new LabError(
    `${where} has a vocabulary of ${config.vocab_size} tokens, expected the ${paddedSize} of the task ${task.name}.`,
  );
}
