import { npzArrays } from "../../formats/npz.ts";
import { safetensorsArrays } from "../../formats/safetensors.ts";
import { readArrayTokens } from "./array_dump.ts";
import { TokenCollector } from "./collector.ts";
import type { TokenDump } from "./dump.ts";
import { DumpSource } from "./dump_source.ts";
import { readJsonlTokens } from "./jsonl_dump.ts";
import { recogniseDump } from "./recognise_dump.ts";

/** The longest header of safetensors that is read: that of a dump holds a few tensors. */
const LONGEST_HEADER = 1 << 23;

/**
 * Reads a token dump of one batch: ln π, advantages and the mask of response tokens, optionally the old
 * ln π, as safetensors, NumPy's npz, JSON lines, or prime-rl's token export; all of them also gzipped.
 * The format is recognised from the content. The file is opened once, so it may be a pipe, and `-` stands
 * for standard input. The tokens go into a temporary file, so that a dump may be larger than memory;
 * `using tokens = await readTokens(path)` removes it again.
 *
 * @throws {ReadError} if the file cannot be read, lacks a column, or holds no response token, or if it is
 * compressed out of proportion: arrays that take more than 250 times their size and 512 MiB, JSON lines that
 * take more than 50 times theirs and 128 MiB, their tokens in the temporary file (36 bytes each) counted.
 * @throws {UserError} if the temporary folder is full.
 */
export async function readTokens(path: string): Promise<TokenDump> {
  await using source = await DumpSource.open(path);
  const stored = await recogniseDump(source);
  const { name, allowance } = source;
  allowance.isText = stored === "jsonl";
  const collector = new TokenCollector(name, allowance);
  try {
    if (stored === "jsonl") return collector.finish(await readJsonlTokens(source, collector));
    const file = await source.seekable();
    const arrays = stored === "npz"
      ? npzArrays(name, file, (bytes) => allowance.take(bytes))
      : safetensorsArrays(name, file, LONGEST_HEADER);
    await readArrayTokens(name, arrays, collector);
    return collector.finish(stored);
  } catch (error) {
    collector.discard();
    throw error;
  }
}
