import { ReadError } from "../../formats/errors.ts";
import { NPY_MAGIC } from "../../formats/npz.ts";
import { isSafetensorsStart } from "../../formats/safetensors_header.ts";
import type { DumpSource } from "./dump_source.ts";

const HEAD_BYTES = 1 << 12;

/**
 * How a token dump is stored, told from the beginning of its content and not from its name.
 *
 * @throws {ReadError} if it cannot be read, is empty, or is no token dump.
 */
export async function recogniseDump(
  source: DumpSource,
): Promise<"safetensors" | "npz" | "jsonl"> {
  const { name } = source;
  const head = await source.head(HEAD_BYTES);
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
