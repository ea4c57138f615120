import { ReadError } from "../../formats/errors.ts";
import { NPY_MAGIC } from "./npz.ts";
import { isSafetensorsStart } from "./safetensors.ts";
import type { DumpSource } from "../../formats/source.ts";

/**
 * How a token dump is stored, told from the beginning of its content and not from its name.
 *
 * @throws {ReadError} if it is empty, or is no token dump.
 */
export function recogniseDump(
  { name, head }: Pick<DumpSource, "name" | "head">,
): "safetensors" | "npz" | "jsonl" {
  if (head.length === 0) throw new ReadError(`${name} is empty, expected a token dump.`);
  if (head[0] === 0x50 && head[1] === 0x4b) return "npz";
  if (NPY_MAGIC.every((byte, i) => head[i] === byte)) {
    throw new ReadError(
      `${name} is a single NumPy array, expected a .npz file with log_prob, advantages and mask.`,
    );
  }
  if (isSafetensorsStart(head)) return "safetensors";
  const text = new TextDecoder().decode(head).replace(/^\uFEFF/, "");
  if (text.trimStart().startsWith("{")) return "jsonl";
  throw new ReadError(`${name} is no token dump, expected safetensors, npz or JSON lines.`);
}
