import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { printableJson } from "../../formats/printable.ts";
import type { CovarianceToken } from "./touched.ts";

/** What a list of touched tokens tells of each. */
export type TouchedToken = Pick<
  CovarianceToken,
  "sequence" | "position" | "token" | "methods" | "covariance"
>;

/** A token's line of JSON in a list of touched tokens. */
export function touchedLine(
  { sequence, position, token, methods, covariance }: TouchedToken,
): string {
  return printableJson({ sequence, position, token, methods, covariance });
}

/**
 * Whether every line of a file is as {@linkcode touchedLine} makes it; an empty file is such a list, too.
 *
 * @throws {Error} if the file cannot be read.
 */
export async function isTouchedList(path: string): Promise<boolean> {
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
      if (!isTouchedLine(line)) return false;
    }
    return true;
  } finally {
    input.destroy();
  }
}

const LINE_START = '{"sequence":';

function isTouchedLine(line: string): boolean {
  try {
    const token = JSON.parse(line);
    return touchedLine(token) === line &&
      [token.sequence, token.position].every(Number.isInteger) &&
      token.methods.every((name: unknown) => name === "kl-cov" || name === "clip-cov");
  } catch {
    return false;
  }
}
