import type { LogSource } from "./log_source.ts";
import type { Malformed } from "./malformed.ts";

/** A record fits well within so many characters; one that does not has an unclosed quotation mark. */
const LONGEST_RECORD = 1 << 22;

const NEWLINE = 0x0a;
/** A line end or a quotation mark closes a cell. */
const ENDS_CELL: readonly number[] = [NEWLINE, 0x0d, 0x22];

/** How the text of a table is written. */
interface Writing {
  /** What parts its cells. */
  readonly delimiter: string;
  /** How many characters stand before its header. */
  readonly preamble?: number | undefined;
}

/**
 * The text of a table as records of cells. A quotation mark that opens a cell and is not closed, or only by one
 * that stands within text on a later line, is a character as any other, so that the lines after it are records.
 * Tests hold it to csv-parse, which takes all of the file after such a mark for one cell.
 */
export class CsvText {
  #source: LogSource;
  #delimiter: string;
  #preamble: number;
  #malformed: Malformed;
  #lastByte = NEWLINE;
  /** What the text so far does not complete. */
  #rest = "";

  /** The records of a source; `malformed` counts lines that are too long for one. */
  constructor(source: LogSource, { delimiter, preamble = 0 }: Writing, malformed: Malformed) {
    this.#source = source;
    this.#delimiter = delimiter;
    this.#preamble = preamble;
    this.#malformed = malformed;
  }

  /** After the records: false if the end of the file may have cut the last cell. */
  get isTerminated(): boolean {
    return this.#source.isWhole || ENDS_CELL.includes(this.#lastByte);
  }

  /** The records that each chunk completes, each to be taken before the next chunk is asked for. */
  async *records(): AsyncGenerator<Iterable<string[]>> {
    const decoder = new TextDecoder();
    let isTooLong = false;
    for await (const chunk of this.#source.chunks()) {
      this.#lastByte = chunk.at(-1) ?? this.#lastByte;
      let added = decoder.decode(chunk, { stream: true }).slice(this.#preamble);
      this.#preamble = 0;
      if (isTooLong) {
        const end = added.search(/[\r\n]/);
        if (end < 0) continue;
        added = added.slice(end);
        isTooLong = false;
      }
      const text = this.#rest + added;
      // The newline of \r\n may come with the next chunk.
      const end = Math.max(text.lastIndexOf("\n"), text.lastIndexOf("\r", text.length - 2)) + 1;
      yield this.#split(text.slice(0, end), false);
      const last = text.slice(end);
      if (last.length > LONGEST_RECORD) {
        this.#malformed.add(`a line of more than ${LONGEST_RECORD} characters`, last);
        isTooLong = true;
      } else this.#rest += last;
    }
    yield this.#split(this.#rest + decoder.decode(), true);
  }

  /** One record after the other, so that the cells of a chunk are not in memory at once. */
  *#split(text: string, isOver: boolean): Generator<string[]> {
    this.#rest = "";
    if (text.includes('"')) {
      this.#rest = yield* this.#quoted(text, isOver);
      return;
    }
    for (const line of text.includes("\r") ? text.split(/[\r\n]+/) : text.split("\n")) {
      if (line !== "") yield line.split(this.#delimiter);
    }
  }

  /** The records of whole lines with quotation marks among them; returns what needs the lines to come. */
  *#quoted(text: string, isOver: boolean): Generator<string[], string> {
    for (let at = 0; at < text.length;) {
      const end = lineEnd(text, at);
      const line = text.slice(at, end);
      if (!line.includes('"')) {
        if (line !== "") yield line.split(this.#delimiter);
        at = end + 1;
        continue;
      }
      const mayGoOn = !isOver && text.length - at <= LONGEST_RECORD;
      const record = this.#recordAt(text, at, end, mayGoOn);
      if (record === undefined) return text.slice(at);
      yield record.cells;
      at = record.end + 1;
    }
    return "";
  }

  /** The record that begins at a place in a line, and its end; undefined if the text ends within a cell and may go on. */
  #recordAt(
    text: string,
    start: number,
    end: number,
    mayGoOn: boolean,
  ): { cells: string[]; end: number } | undefined {
    const cells: string[] = [];
    for (let from = start;; from++) {
      let to = from;
      let opened = "";
      if (text[from] === '"') {
        const mark = closingMark(text, from);
        if (mark < 0 && mayGoOn) return undefined;
        const next = text[mark + 1];
        const isClosed = next === undefined || "\r\n".includes(next) || next === this.#delimiter;
        if (mark >= 0 && (isClosed || mark < end)) {
          const inner = text.slice(from + 1, mark).replaceAll('""', '"');
          opened = isClosed ? inner : `"${inner}"`;
          to = mark + 1;
          if (to > end) end = lineEnd(text, to);
        }
      }
      const delimiter = text.indexOf(this.#delimiter, to);
      const next = delimiter < 0 || delimiter > end ? end : delimiter;
      cells.push(opened + text.slice(to, next));
      if (next === end) return { cells, end };
      from = next;
    }
  }
}

/** Where the line of a place ends: at a line end, or with the text. */
function lineEnd(text: string, at: number): number {
  LINE_END.lastIndex = at;
  return LINE_END.exec(text)?.index ?? text.length;
}

const LINE_END = /[\r\n]/g;

/** The first quotation mark past an opening one that is not doubled; −1 if there is none. */
function closingMark(text: string, opening: number): number {
  let at = text.indexOf('"', opening + 1);
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}
