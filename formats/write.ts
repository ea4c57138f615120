import { dirname } from "node:path";
import { UserError } from "./errors.ts";

/**
 * Writes a file whole or not at all: into a temporary file beside it, then renamed. Makes the folder
 * where it is missing.
 *
 * @throws {UserError} if it cannot be written.
 */
export async function writeWhole(
  path: string,
  content: string | Uint8Array | ReadableStream<Uint8Array>,
): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    if (typeof content === "string") await Deno.writeTextFile(temporary, content);
    else await Deno.writeFile(temporary, content);
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw new UserError(`${path} cannot be written: ${(error as Error).message}.`);
  }
}
