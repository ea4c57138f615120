import { ReadError } from "../errors.ts";
import { readHead } from "../readers/bytes.ts";
import { NPY_MAGIC } from "./npz.ts";
import { isSafetensorsStart } from "./safetensors.ts";

const HEAD_BYTES = 1 << 12;

/**
 * How a token dump is stored, told from its content and not its name.
 *
 * @throws {ReadError} if the file cannot be read, is empty, or is no token dump.
 */
export async function recogniseDump(path: string): Promise<"safetensors" | "npz" | "jsonl"> {
  const head = await readHead(path, HEAD_BYTES);
  if (head.length === 0) throw new ReadError(`${path} is empty, expected a token dump.`);
  if (head[0] === 0x50 && head[1] === 0x4b) return "npz";
  if (NPY_MAGIC.every((byte, i) => head[i] === byte)) {
    throw new ReadError(
      `${path} is a single NumPy array, expected a .npz file with log_prob, advantages and mask.`,
    );
  }
  if (isSafetensorsStart(head)) return "safetensors";
  const text = new TextDecoder().decode(head).replace(/^\uFEFF/, "");
  if (text.trimStart().startsWith("{")) return "jsonl";
  throw new ReadError(`${path} is no token dump, expected safetensors, npz or JSON lines.`);
}
