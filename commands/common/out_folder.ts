import { dirname, resolve } from "node:path";
import { UserError } from "../../formats/errors.ts";

/** Trees of the system in which Deno lets no program write. */
const SYSTEM_FOLDERS: readonly string[] = ["/proc", "/sys", "/dev"];

/**
 * Refuses a place for output that is not, and cannot become, a folder.
 *
 * @throws {UserError} if it is no name, if it, or what it is to lie in, is a file, or if it lies where no
 * program may write.
 */
export async function checkOutFolder(folder: string): Promise<void> {
  if (folder.trim() === "") {
    throw new UserError(
      `--out is "${folder}", expected the name of a folder; . is the current one.`,
    );
  }
  const system = SYSTEM_FOLDERS.find((one) => `${resolve(folder)}/`.startsWith(`${one}/`));
  if (system !== undefined) {
    throw new UserError(
      `--out is ${folder}, which lies in the system's ${system}, expected a folder that files can be written to.`,
    );
  }
  for (let at = resolve(folder);; at = dirname(at)) {
    const info = await Deno.stat(at).catch(() => undefined);
    if (info?.isDirectory || at === dirname(at)) return;
    if (info === undefined) continue;
    const where = at === resolve(folder) ? "which" : `and ${at}`;
    throw new UserError(`--out is ${folder}, ${where} is a file, expected a folder.`);
  }
}

/**
 * Makes the folder that `--out` names, where it is missing.
 *
 * @throws {UserError} as {@linkcode checkOutFolder}, or if it cannot be made.
 */
export async function makeOutFolder(folder: string): Promise<void> {
  await checkOutFolder(folder);
  try {
    await Deno.mkdir(folder, { recursive: true });
  } catch (error) {
    throw new UserError(`--out is ${folder}, which cannot be made: ${(error as Error).message}.`);
  }
}
