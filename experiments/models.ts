import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { baseModelName } from "./lab/train_settings.ts";
import type { TaskName } from "./lab/tasks/task_by_name.ts";

/** The folder of this repository's base models. */
export const MODELS = inRepository("results/models");

/** The folder of this repository's run logs. */
export const LOGS = inRepository("results/logs");

/** The folder of what the study has not finished. */
export const UNFINISHED = inRepository("runs/study");

/** The file that tells how long the runs of the study took. */
export const TIMINGS = inRepository("results/timings.jsonl");

/** The folder of a user's own runs, in the one that the command was called from. */
export const RUNS = "runs";

/** The name of a base model's folder: `qwen2.5-7b.math`, or `qwen2.5-7b-instruct.math`. */
export function baseModelFolderName(model: string, task: TaskName, instruct: boolean): string {
  return `${baseModelName(model, instruct)}.${task}`;
}

/** The folder of a base model's checkpoint in this repository. */
export function baseModelFolder(model: string, task: TaskName, instruct: boolean): string {
  return join(MODELS, baseModelFolderName(model, task, instruct));
}

function inRepository(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}
