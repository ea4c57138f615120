import { dirname, join } from "node:path";
import { UserError } from "../../formats/errors.ts";

/** What was drawn or measured, and no test of a mutant reads. */
const LEFT_OUT = ["results/figures/", "results/bench/"];

/**
 * Copies a project to a folder: the files that git tracks and the new ones that it does not ignore, as they are
 * now.
 *
 * @throws {UserError} if git cannot list the files.
 */
export async function copyProject(root: string, folder: string): Promise<void> {
  for (const name of await filesOf(root)) {
    if (LEFT_OUT.some((start) => name.startsWith(start))) continue;
    const target = join(folder, name);
    await Deno.mkdir(dirname(target), { recursive: true });
    try {
      await Deno.copyFile(join(root, name), target);
    } catch (error) {
      // git lists what was removed and not yet committed.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

async function filesOf(root: string): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command("git", {
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd: root,
  }).output().catch((error) => {
    throw new UserError(`git is needed to list the files of ${root}: ${error.message}.`);
  });
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) {
    throw new UserError(`git cannot list the files of ${root}: ${text(stderr).trim()}.`);
  }
  return [...new Set(text(stdout).split("\0").filter((name) => name !== ""))];
}
