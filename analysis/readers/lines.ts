import type { LogSource } from "./log_source.ts";
import type { Malformed } from "./malformed.ts";

/** No metric line comes near this length; what passes it is not a line but a file without newlines. */
export const LONGEST_LINE: number = 1 << 24;

/** The lines that one chunk of a file completed. */
export interface LineBatch {
  /** The lines with their line ends. */
  text: string;
  /** Number of the first line, from 1. */
  firstNumber: number;
  /** False if the end of the file may have cut the last line: it has no newline, and nothing says that the file is whole. */
  isTerminated: boolean;
}

/**
 * The lines of a text file, in batches, so that a file of any size streams through constant memory.
 * Bytes that are not UTF-8 become U+FFFD. A line of more than 2^24 characters is left out and counted as
 * malformed.
 *
 * @throws {ReadError} if the file cannot be read.
 */
export async function* readLines(
  source: LogSource,
  malformed: Malformed,
): AsyncGenerator<LineBatch> {
  const decoder = new TextDecoder();
  let rest = "";
  let isTooLong = false;
  let number = 1;
  for await (const chunk of source.chunks()) {
    let text = decoder.decode(chunk, { stream: true });
    const last = text.lastIndexOf("\n");
    if (last < 0) {
      if (!isTooLong) rest += text;
      if (rest.length > LONGEST_LINE) {
        malformed.add(`line ${number} has more than ${LONGEST_LINE} characters`, rest);
        isTooLong = true;
        rest = "";
      }
      continue;
    }
    const newRest = text.slice(last + 1);
    text = text.slice(0, last + 1);
    // The line that was too long goes, its newline stays: it counts.
    if (isTooLong) text = text.slice(text.indexOf("\n"));
    text = rest + text;
    yield { text, firstNumber: number, isTerminated: true };
    const count = newlines(text);
    source.spend(count);
    number += count;
    rest = newRest;
    isTooLong = false;
  }
  rest += decoder.decode();
  if (!isTooLong && rest !== "") {
    yield { text: rest, firstNumber: number, isTerminated: source.isWhole };
  }
}

function newlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
}
