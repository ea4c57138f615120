import { join } from "node:path";

/** The commit that the code is at, with a mark if it was changed since; `unknown` outside a git checkout. */
export async function codeVersion(): Promise<string> {
  const { success, stdout } = await new Deno.Command("git", {
    args: ["describe", "--always", "--dirty", "--exclude=*"],
    cwd: join(import.meta.dirname!, "../.."),
    // With these set, as for CUDA, Deno starts nothing under a list of allowed names.
    env: { LD_LIBRARY_PATH: "", LD_PRELOAD: "" },
    stderr: "null",
  }).output().catch(() => ({ success: false, stdout: new Uint8Array() }));
  return success ? new TextDecoder().decode(stdout).trim() : "unknown";
}
