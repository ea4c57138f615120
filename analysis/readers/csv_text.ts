import { parse } from "csv-parse";
import type { LogSource } from "./log_source.ts";

/** A whole number of lines fits well within this; more is an unclosed quotation mark. */
const LONGEST_RECORD = 1 << 22;

const NEWLINE = 0x0a;
const QUOTE = 0x22;
/** A line end or a quotation mark closes a cell. */
const ENDS_CELL: readonly number[] = [NEWLINE, 0x0d, QUOTE];

/** The text of a table as records of cells. */
export class CsvText {
  #source: LogSource;
  #delimiter: string;
  #lastByte = NEWLINE;

  /** The records of a source whose cells are parted by `delimiter`. */
  constructor(source: LogSource, delimiter: string) {
    this.#source = source;
    this.#delimiter = delimiter;
  }

  /** After the records: false if the end of the file may have cut the last cell. */
  get isTerminated(): boolean {
    return this.#source.isWhole || ENDS_CELL.includes(this.#lastByte);
  }

  /** The records that each chunk completes. */
  async *records(): AsyncGenerator<Iterable<string[]>> {
    const decoder = new TextDecoder();
    // Without quotation marks lines and cells are split, which takes a fifth of the parser's time.
    let rest = "";
    let parser: Parser | undefined;
    for await (const chunk of this.#source.chunks()) {
      this.#lastByte = chunk.at(-1) ?? this.#lastByte;
      const text = rest + decoder.decode(chunk, { stream: true });
      if (parser === undefined && (chunk.includes(QUOTE) || rest.length > LONGEST_RECORD)) {
        parser = new Parser(this.#delimiter);
      }
      if (parser !== undefined) {
        rest = "";
        yield await parser.add(text);
        parser.expectNoFailure();
      } else {
        // The newline of \r\n may come with the next chunk.
        const end = Math.max(text.lastIndexOf("\n"), text.lastIndexOf("\r", text.length - 2)) + 1;
        rest = text.slice(end);
        yield this.#split(text.slice(0, end));
      }
    }
    rest += decoder.decode();
    if (parser === undefined) {
      yield this.#split(rest);
    } else {
      yield await parser.end(rest);
      parser.expectNoFailure();
    }
  }

  /** One record after the other, so that the cells of a chunk are not in memory at once. */
  *#split(text: string): Generator<string[]> {
    for (const line of text.includes("\r") ? text.split(/[\r\n]+/) : text.split("\n")) {
      if (line !== "") yield line.split(this.#delimiter);
    }
  }
}

/** The parser of tables with quotation marks. */
class Parser {
  #records: string[][] = [];
  #failure: Error | null | undefined;
  #parser: ReturnType<typeof parse>;

  constructor(delimiter: string) {
    this.#parser = parse({
      bom: true,
      delimiter,
      record_delimiter: ["\r\n", "\n", "\r"],
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      max_record_size: LONGEST_RECORD,
      // Records are taken here, as a stream would take longer for each than the parser.
      on_record: (record: string[]) => {
        this.#records.push(record);
        return undefined;
      },
    });
    this.#parser.on("error", (error) => this.#failure = error);
    this.#parser.resume();
  }

  /** The records that a part of the text completes; those before what cannot be parsed, if it has that. */
  async add(text: string): Promise<string[][]> {
    this.#failure = await new Promise((resolve) => this.#parser.write(text, resolve));
    return this.#take();
  }

  /** Those that the end of the text completes. */
  async end(text: string): Promise<string[][]> {
    if (text !== "") this.#parser.write(text);
    await new Promise<unknown>((resolve) => this.#parser.on("error", resolve).end(resolve));
    return this.#take();
  }

  /** Throws the {@linkcode CsvError} of what could not be parsed. */
  expectNoFailure(): void {
    if (this.#failure) throw this.#failure;
  }

  #take(): string[][] {
    const records = this.#records;
    this.#records = [];
    return records;
  }
}
