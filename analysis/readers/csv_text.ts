import { parse } from "csv-parse";
import type { LogSource } from "./log_source.ts";

/** A whole number of lines fits well within this; more is an unclosed quotation mark. */
const LONGEST_RECORD = 1 << 22;

const NEWLINE = 0x0a;
/** A line end or a quotation mark closes a cell. */
const ENDS_CELL: readonly number[] = [NEWLINE, 0x0d, 0x22];

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
  async *records(): AsyncGenerator<string[][]> {
    let records: string[][] = [];
    const parser = parse({
      bom: true,
      delimiter: this.#delimiter,
      record_delimiter: ["\r\n", "\n", "\r"],
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      max_record_size: LONGEST_RECORD,
      // Records are taken here, as a stream would take longer for each than the parser.
      on_record: (record: string[]) => {
        records.push(record);
        return undefined;
      },
    });
    let failure: Error | null | undefined;
    parser.on("error", (error) => failure = error);
    parser.resume();
    for await (const chunk of this.#source.chunks()) {
      this.#lastByte = chunk.at(-1) ?? this.#lastByte;
      // The parser may keep what it is given.
      failure = await new Promise((resolve) => parser.write(chunk.slice(), resolve));
      yield records;
      if (failure) throw failure;
      records = [];
    }
    await new Promise<unknown>((resolve) => parser.on("error", resolve).end(resolve));
    yield records;
    if (failure) throw failure;
  }
}
