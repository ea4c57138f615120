import { readBytes } from "./bytes.ts";

/** No metric line comes near this length; what passes it is not a line but a file without newlines. */
const LONGEST_LINE = 1 << 24;

/** The lines that one chunk of a file completed. */
export interface LineBatch {
  /** Lines without their line end. */
  lines: string[];
  /** Line number of `lines[0]`, from 1. */
  firstNumber: number;
  /** False if the last line of the batch ended with the file and not with a newline. */
  terminated: boolean;
}

/**
 * The lines of a text file, in batches, so that a file of any size streams through constant memory.
 * Bytes that are not UTF-8 become U+FFFD. A line of more than 2^24 characters is given as its first
 * 2^24.
 *
 * @throws {ReadError} if the file cannot be read.
 */
export async function* readLines(path: string): AsyncGenerator<LineBatch> {
  const decoder = new TextDecoder();
  let rest = "";
  let number = 1;
  for await (const chunk of readBytes(path)) {
    const lines = decoder.decode(chunk, { stream: true }).split("\n");
    lines[0] = rest.length < LONGEST_LINE ? rest + lines[0] : rest;
    rest = lines.pop()!.slice(0, LONGEST_LINE);
    if (lines.length === 0) continue;
    for (let i = 0; i < lines.length; i++) {
      if (lines[i]!.endsWith("\r")) lines[i] = lines[i]!.slice(0, -1);
    }
    yield { lines, firstNumber: number, terminated: true };
    number += lines.length;
  }
  rest += decoder.decode();
  if (rest !== "") yield { lines: [rest], firstNumber: number, terminated: false };
}
