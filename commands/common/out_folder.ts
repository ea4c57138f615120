import { LabError } from "../../experiments/lab/errors.ts";

/**
 * Makes the folder that `--out` names, where it is missing.
 *
 * @throws {LabError} if something else is there, or it cannot be made.
 */
export async function makeOutFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true });
  } catch (error) {
    const { message } = error as Error;
    throw new LabError(`${folder} is no folder to write into, and cannot be made one: ${message}.`);
  }
}
