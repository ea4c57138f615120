import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { printableJson } from "../../formats/printable.ts";
import type { TokenDump } from "./dump.ts";
import type { MethodReports } from "./method_report.ts";
import { type CovarianceToken, selectedTokens } from "./selected_tokens.ts";

/** What a list of selected tokens tells of each. */
export type SelectedToken = Pick<
  CovarianceToken,
  "sequence" | "position" | "token" | "methods" | "covariance"
>;

/** A token's line of JSON in a list of selected tokens. */
export function selectedLine(
  { sequence, position, token, methods, covariance }: SelectedToken,
): string {
  return printableJson({ sequence, position, token, methods, covariance });
}

/** Characters of the list that are made before they are handed on. */
const PIECE = 1 << 16;

/** The list of all tokens that the methods of a report select, a line of JSON for each, in UTF-8. */
export function selectedList(
  tokens: TokenDump,
  report: MethodReports,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  function* pieces(): Generator<Uint8Array> {
    let text = "";
    for (const token of selectedTokens(tokens, report)) {
      text += selectedLine(token) + "\n";
      if (text.length < PIECE) continue;
      yield encoder.encode(text);
      text = "";
    }
    yield encoder.encode(text);
  }
  return ReadableStream.from(pieces());
}

/**
 * Whether every line of a file is as {@linkcode selectedLine} makes it; an empty file is such a list, too.
 *
 * @throws {Error} if the file cannot be read.
 */
export async function isSelectedList(path: string): Promise<boolean> {
  {
    // A large file of another kind may have no end of a line, which readline would wait for.
    using file = await Deno.open(path);
    const head = new Uint8Array(LINE_START.length);
    if (await file.read(head) === null) return true;
    if (new TextDecoder().decode(head) !== LINE_START) return false;
  }
  const input = createReadStream(path);
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      if (!isSelectedLine(line)) return false;
    }
    return true;
  } finally {
    input.destroy();
  }
}

const LINE_START = '{"sequence":';

function isSelectedLine(line: string): boolean {
  try {
    const token = JSON.parse(line);
    return selectedLine(token) === line &&
      [token.sequence, token.position].every(Number.isInteger) &&
      token.methods.every((name: unknown) => name === "kl-cov" || name === "clip-cov");
  } catch {
    return false;
  }
}
