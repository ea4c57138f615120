import { TokenCollector } from "./collector.ts";
import type { DumpFormat, TokenDump } from "./dump.ts";
import { readJsonlTokens } from "./jsonl.ts";
import { readNpz } from "./npz.ts";
import { recogniseDump } from "./recognise.ts";
import { readSafetensors } from "./safetensors.ts";

/**
 * Reads a token dump of one batch: ln π, advantages and the mask of response tokens, optionally the old
 * ln π, as safetensors, NumPy's npz, JSON lines, or prime-rl's token export; all of them also gzipped.
 * The format is recognised from the content. The tokens go into a temporary file, so that a dump may be
 * larger than memory; `using tokens = await readTokens(path)` removes it again.
 *
 * @throws {ReadError} if the file cannot be read, lacks a column, or holds no response token.
 * @throws {UserError} if the temporary folder is full.
 */
export async function readTokens(path: string): Promise<TokenDump> {
  const stored = await recogniseDump(path);
  const collector = new TokenCollector(path);
  try {
    let format: DumpFormat = stored;
    if (stored === "jsonl") format = await readJsonlTokens(path, collector);
    else if (stored === "npz") await readNpz(path, collector);
    else await readSafetensors(path, collector);
    return collector.finish(format);
  } catch (error) {
    collector.discard();
    throw error;
  }
}
