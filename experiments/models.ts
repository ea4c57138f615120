import { fileURLToPath } from "node:url";
import type { TaskName } from "./lab/tasks/by_name.ts";

/** The folder of a base model's checkpoint in this repository. */
export function baseModelFolder(model: string, task: TaskName, instruct: boolean): string {
  const name = `${model}${instruct ? "-instruct" : ""}.${task}`;
  return fileURLToPath(new URL(`../results/models/${name}`, import.meta.url));
}

/** The folder of this repository's run logs. */
export const LOGS = fileURLToPath(new URL("../results/logs", import.meta.url));

/** The commit that the code is at, with a mark if it was changed since; `unknown` outside a git checkout. */
export async function codeVersion(): Promise<string> {
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  const { success, stdout } = await new Deno.Command("git", {
    args: ["describe", "--always", "--dirty", "--exclude=*"],
    cwd,
    stderr: "null",
  }).output().catch(() => ({ success: false, stdout: new Uint8Array() }));
  return success ? new TextDecoder().decode(stdout).trim() : "unknown";
}
