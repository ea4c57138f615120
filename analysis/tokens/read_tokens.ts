import { TokenCollector } from "./collector.ts";
import type { DumpFormat, TokenDump } from "./dump.ts";
import { readJsonlTokens } from "./jsonl.ts";
import { readNpz } from "./npz.ts";
import { recogniseDump } from "./recognise.ts";
import { readSafetensors } from "./safetensors.ts";
import { DumpSource } from "../../formats/source.ts";

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
  const stored = recogniseDump(source);
  source.allowance.isText = stored === "jsonl";
  const collector = new TokenCollector(source.name, source.allowance);
  try {
    let format: DumpFormat = stored;
    if (stored === "jsonl") format = await readJsonlTokens(source, collector);
    else if (stored === "npz") {
      await readNpz(source.name, await source.seekable(), source.allowance, collector);
    } else await readSafetensors(source.name, await source.seekable(), collector);
    return collector.finish(format);
  } catch (error) {
    collector.discard();
    throw error;
  }
}
