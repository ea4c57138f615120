import { join } from "node:path";
import { ReadError } from "../formats/errors.ts";
import type { GoldenFiles } from "../kernels/conformance/golden.ts";

/** The golden files that the kernels are held to, by the names that they have in a folder. */
const FILES = {
  softmax: "softmax.json",
  policyLoss: "policy_loss.json",
  klPenalty: "kl_penalty.json",
} as const;

/**
 * Reads the golden cases of a folder, in the format of tests/golden.
 *
 * @throws {ReadError} if the folder holds none, or a file is not JSON.
 */
export async function readGolden(folder: string): Promise<GoldenFiles> {
  const files: Record<string, unknown> = {};
  for (const [name, file] of Object.entries(FILES)) {
    const path = join(folder, file);
    const text = await Deno.readTextFile(path).catch((error) => {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
        return undefined;
      }
      throw new ReadError(`${path} cannot be read: ${(error as Error).message}.`);
    });
    if (text === undefined) continue;
    try {
      // Python writes NaN, which JSON does not know.
      files[name] = JSON.parse(text.replace(/\bNaN\b/g, "null"));
    } catch (error) {
      throw new ReadError(`${path} is not JSON: ${(error as Error).message}.`);
    }
  }
  if (Object.keys(files).length === 0) {
    throw new ReadError(
      `${folder} holds no golden file, expected one of ${Object.values(FILES).join(", ")}.`,
    );
  }
  return files as GoldenFiles;
}
