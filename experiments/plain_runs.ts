import { BASE_MODEL_NAMES, type BaseModelName } from "./lab/families.ts";
import type { TaskName } from "./lab/tasks/task_by_name.ts";
import type { RunSettings } from "./study_log.ts";

/** The seeds of the runs that headlines rest on. */
export const SEEDS = [1, 2, 3];

/** The models whose runs on math are made by all {@linkcode SEEDS}; all others have one seed. */
const HEADLINES: ReadonlySet<string> = new Set(["qwen2.5-7b", "qwen2.5-32b"]);

/** The five sizes of Qwen2.5, from small to large. */
export const QWEN: readonly BaseModelName[] = familyOf("qwen2.5");

/** The models of a family, from small to large. */
export function familyOf(start: string): BaseModelName[] {
  return BASE_MODEL_NAMES.filter((name) => name.startsWith(start));
}

/** The runs of GRPO without intervention of some models. */
export function plainRuns(models: readonly BaseModelName[], task: TaskName): RunSettings[] {
  return models.flatMap((model) =>
    (task === "math" && HEADLINES.has(model) ? SEEDS : [1]).map((seed) => ({ model, task, seed }))
  );
}

/** The paper's families of models. */
export const FAMILIES = [
  { start: "qwen2.5", label: "Qwen2.5" },
  { start: "mistral", label: "Mistral" },
  { start: "llama", label: "Llama" },
  { start: "deepseek-math", label: "DeepSeek-Math" },
];

/** A model's size as the paper writes it: `7B`. */
export function sizeOf(model: string): string {
  return /-(\d+(?:\.\d+)?b)(?:-|$)/.exec(model)![1]!.toUpperCase();
}
