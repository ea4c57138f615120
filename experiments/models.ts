import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { baseModelName } from "./lab/settings.ts";
import type { TaskName } from "./lab/tasks/by_name.ts";

/** The folder of this repository's base models. */
export const MODELS = inRepository("results/models");

/** The folder of this repository's run logs. */
export const LOGS = inRepository("results/logs");

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

/** The commit that the code is at, with a mark if it was changed since; `unknown` outside a git checkout. */
export async function codeVersion(): Promise<string> {
  const { success, stdout } = await new Deno.Command("git", {
    args: ["describe", "--always", "--dirty", "--exclude=*"],
    cwd: inRepository("."),
    // With these set, as for CUDA, Deno starts nothing under a list of allowed names.
    env: { LD_LIBRARY_PATH: "", LD_PRELOAD: "" },
    stderr: "null",
  }).output().catch(() => ({ success: false, stdout: new Uint8Array() }));
  return success ? new TextDecoder().decode(stdout).trim() : "unknown";
}
