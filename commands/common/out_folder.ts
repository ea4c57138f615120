import { dirname, resolve } from "node:path";
import { UserError } from "../../formats/errors.ts";

/**
 * Refuses a place for output that is not, and cannot become, a folder.
 *
 * @throws {UserError} if it, or what it is to lie in, is a file.
 */
export async function checkOutFolder(folder: string): Promise<void> {
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
