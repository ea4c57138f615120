import { isDeepStrictEqual } from "node:util";
import { readConfig, readTask } from "./checkpoint.ts";
import { LabError } from "./errors.ts";
import { type ModelConfig, modelConfig } from "./families.ts";
import { shown } from "./schema.ts";
import type { Task } from "./tasks/task.ts";
import { expectVocabulary } from "./vocabulary_fits.ts";

/**
 * Throws unless a checkpoint can be a policy of a task: it has its vocabulary, and was not made for another.
 *
 * @returns Its configuration.
 * @throws {LabError} naming both vocabularies' sizes or both tasks, or if there is no checkpoint.
 */
export async function expectTask(folder: string, task: Task): Promise<ModelConfig> {
  const config = await readConfig(folder);
  expectVocabulary(folder, config, task);
  const own = await readTask(folder);
  if (own === undefined || own === task.name) return config;
  throw new LabError(`${folder} was made for the task ${own}, expected one for ${task.name}.`);
}

/**
 * Throws unless a checkpoint can be the base model that a run names.
 *
 * @param model The name of the base model, `qwen2.5-7b`.
 * @throws {LabError} as {@linkcode expectTask}, or naming the first field in which its configuration is another.
 */
export async function expectBase(folder: string, model: string, task: Task): Promise<void> {
  const found = await expectTask(folder, task);
  for (const [name, value] of Object.entries(modelConfig(model))) {
    const own = found[name as keyof typeof found];
    if (isDeepStrictEqual(own, value)) continue;
    throw new LabError(
      `${folder} has ${name} ${shown(own)}, expected ${shown(value)}, that of the model ${model}.`,
    );
  }
}
