import { Buffer } from "node:buffer";
import { CUT_OFF, parseText, textEnd } from "./json_text.ts";

/** Room for the values of a line, at first and between lines at most. */
const FEWEST_VALUES = 64;
const MOST_KEPT = 1 << 20;

/** A field of JSON lines that is kept, and its values on the current line. */
export interface JsonColumn {
  /** The name of the field. */
  readonly name: string;
  /** For a list of records: where in each the value stands, its two names. */
  readonly path?: readonly [string, string];
  /** Turns texts into numbers; without it, a text does not belong into the column. */
  readonly codeOf?: (text: string) => number;
  /** Whether the line has the field. */
  isPresent: boolean;
  /** Whether it is a list, and not one value. */
  isList: boolean;
  /** Whether it is the one value null. */
  isNull: boolean;
  /** Whether it holds anything that does not belong into `values`. */
  isOther: boolean;
  /** Numbers, true and false as 1 and 0, null, NaN and Infinity as NaN. */
  values: Float64Array;
  /** How many of `values` the line has. */
  length: number;
}

/** A column for {@linkcode JsonLineScanner}. */
export function jsonColumn(
  name: string,
  options: Pick<JsonColumn, "path" | "codeOf"> = {},
): JsonColumn {
  const empty = { isPresent: false, isList: false, isNull: false, isOther: false, length: 0 };
  return { name, ...options, ...empty, values: new Float64Array(FEWEST_VALUES) };
}

/** A line that was read; the columns hold its values until the next one. */
export interface JsonLine {
  /** Counted from 1. */
  readonly number: number;
  /** False if it is no JSON object. */
  readonly isObject: boolean;
  /** Its first characters; to be asked for before the next line. */
  head(): string;
}

/** What the scanner waits for. */
const START = 0;
const FIRST_NAME = 1;
const NAME = 2;
const COLON = 3;
const FIRST_VALUE = 4;
const VALUE = 5;
const AFTER_VALUE = 6;
/** The object is over; only the end of the line may follow. */
const DONE = 7;
/** The line is no JSON object; its end is looked for. */
const FAULT = 8;

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const ZERO = 0x30;
const COLON_SIGN = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** What stands between lexemes of a line; a byte order mark, too. */
const IS_SPACE = tableOf(" \t\r\xEF\xBB\xBF");
/** What ends a number or word. */
const ENDS_WORD = tableOf(" \t\r\n,]}");
const IS_DIGIT = tableOf("0123456789");
const IN_NUMBER = tableOf("0123456789+-.eE");

const IS_LIST = 1;
const IS_OBJECT = 2;
const DEEPEST = 64;
/** No name, number or text that is kept is longer. */
const LONGEST_LEXEME = 1 << 16;
/** More names than a message shows. */
const MOST_NAMES = 100;
const HEAD_BYTES = 64;
/** So many digits are an integer that float64 holds exactly. */
const EXACT_DIGITS = 15;
const WORDS: ReadonlyMap<string, number> = new Map([
  ["true", 1],
  ["false", 0],
  ["null", NaN],
  ["NaN", NaN],
  ["Infinity", NaN],
  ["-Infinity", NaN],
]);

/**
 * Reads JSON lines from bytes and keeps the numbers of a few named fields. A line may be of any length and
 * depth: memory holds only those numbers. Values of other fields are passed over without a check.
 *
 * JSON.parse of each line would be simpler, and as fast, but its memory has no bound: it took 350 MB for a
 * line of 6 · 10^6 values (104 MB) that takes 90 MB here, and 4.8 GB and 15 s for a line of 10^8 brackets (97 kB
 * when gzipped), which is refused here in 0.1 s.
 */
export class JsonLineScanner {
  /** The names of the fields of the first line that is an object, at most the first 100. */
  readonly names: string[] = [];
  #hasNames = false;
  #all: readonly JsonColumn[];
  #columns: ReadonlyMap<string, JsonColumn>;
  #onLine: (line: JsonLine) => void;
  #onGrowth: (line: number, values: number) => void;

  #state = START;
  #number = 1;
  #head: string | undefined;
  /** Kinds of the containers that are open; the line's object is at depth 1. */
  #kinds = new Uint8Array(DEEPEST + 1);
  #depth = 0;
  /** The column that the current field belongs to. */
  #column: JsonColumn | undefined;
  /** In a column with a path: whether the current names are those of the path, and the value there. */
  #isOnPath = false;
  #isAtLeaf = false;
  #record = 0;
  /** Inside a text that is passed over, and whether its next character is escaped. */
  #inText = false;
  #isEscaped = false;
  /** The beginning of a lexeme that the last chunk cut off. */
  #carry: Uint8Array = new Uint8Array(0);

  /**
   * A scanner that calls `onLine` for each line that is not blank, and `onGrowth` with the number of values
   * before it makes room for more of them; what that throws ends the reading.
   */
  constructor(
    columns: readonly JsonColumn[],
    onLine: (line: JsonLine) => void,
    onGrowth: (line: number, values: number) => void = () => {},
  ) {
    this.#all = columns;
    this.#onGrowth = onGrowth;
    this.#columns = new Map(columns.map((column) => [column.name, column]));
    this.#onLine = onLine;
  }

  /** Takes the next bytes; they are not needed afterwards. */
  feed(chunk: Uint8Array): void {
    let bytes = chunk;
    if (this.#carry.length > 0) {
      bytes = new Uint8Array(this.#carry.length + chunk.length);
      bytes.set(this.#carry);
      bytes.set(chunk, this.#carry.length);
    }
    this.#carry = bytes.slice(this.#scan(bytes));
  }

  /** Takes the end of the file for the end of the last line. */
  end(): void {
    this.feed(Uint8Array.of(NEWLINE));
  }

  /** Scans as far as the lexemes are whole, and returns how far. */
  #scan(bytes: Uint8Array): number {
    // One character per byte, so that places are the same in both.
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
    let lineStart = 0;
    let i = 0;
    while (i < bytes.length) {
      const code = bytes[i]!;
      if (this.#inText) i = this.#passText(bytes, i);
      else if (code === NEWLINE) {
        this.#endLine(bytes, lineStart, i);
        lineStart = ++i;
      } else if (IS_SPACE[code] === 1) i++;
      else if (this.#state === FAULT) {
        const newline = bytes.indexOf(NEWLINE, i);
        i = newline < 0 ? bytes.length : newline;
      } else {
        const next = this.#lexeme(bytes, text, i, code);
        if (next === CUT_OFF) break;
        i = next;
      }
    }
    if (this.#state !== START) this.#head ??= headOf(bytes.subarray(lineStart));
    return i;
  }

  #endLine(bytes: Uint8Array, start: number, end: number): void {
    if (this.#state !== START) {
      const isObject = this.#state === DONE;
      if (isObject) this.#hasNames = true;
      else if (!this.#hasNames) this.names.length = 0;
      const cutOff = this.#head;
      const head = () => cutOff ?? headOf(bytes.subarray(start, end));
      this.#onLine({ number: this.#number, isObject, head });
      for (const column of this.#all) {
        column.isPresent = false;
        if (column.values.length > MOST_KEPT) column.values = new Float64Array(FEWEST_VALUES);
      }
      this.#state = START;
      this.#depth = 0;
      this.#column = undefined;
      this.#head = undefined;
    }
    this.#number++;
  }

  /** Takes the lexeme that begins at `i` and returns the place after it. */
  #lexeme(bytes: Uint8Array, text: string, i: number, code: number): number {
    switch (this.#state) {
      case START:
        return code === OPEN_OBJECT ? this.#open(IS_OBJECT, i) : this.#fault(i);
      case FIRST_NAME:
      case NAME: {
        if (code === CLOSE_OBJECT && this.#state === FIRST_NAME) return this.#close(code, i);
        const end = code === QUOTE ? textEnd(bytes, i) : undefined;
        if (end === undefined) return this.#fault(i);
        if (end === CUT_OFF) return this.#cutOff(bytes, i);
        this.#takeName(text.slice(i + 1, end - 1));
        this.#state = COLON;
        return end;
      }
      case COLON:
        if (code !== COLON_SIGN) return this.#fault(i);
        this.#state = VALUE;
        return i + 1;
      case FIRST_VALUE:
      case VALUE:
        if (code === OPEN_OBJECT) return this.#open(IS_OBJECT, i);
        if (code === OPEN_LIST) return this.#open(IS_LIST, i);
        if (code === CLOSE_LIST && this.#state === FIRST_VALUE) return this.#close(code, i);
        return code === QUOTE ? this.#text(bytes, i) : this.#word(bytes, text, i);
      case AFTER_VALUE:
        if (code !== COMMA) return this.#close(code, i);
        this.#state = this.#kinds[this.#depth] === IS_OBJECT ? NAME : VALUE;
        return i + 1;
      default:
        return this.#fault(i);
    }
  }

  #takeName(name: string): void {
    if (this.#depth === 1) {
      if (!this.#hasNames && this.names.length < MOST_NAMES) this.names.push(name);
      const column = this.#columns.get(name);
      this.#column = column;
      if (column === undefined) return;
      column.isPresent = true;
      column.isList = false;
      column.isNull = false;
      column.isOther = false;
      column.length = 0;
      return;
    }
    const path = this.#column?.path;
    if (path === undefined) return;
    if (this.#depth === 3) this.#isOnPath = name === path[0];
    this.#isAtLeaf = this.#depth === 4 && this.#isOnPath && name === path[1];
  }

  #open(kind: number, i: number): number {
    if (this.#depth === DEEPEST) return this.#fault(i);
    const column = this.#column;
    if (column !== undefined) {
      if (this.#depth === 1 && kind === IS_LIST) column.isList = true;
      else if (column.path === undefined) column.isOther = true;
      else if (this.#depth === 2) this.#record = 0;
    }
    this.#kinds[++this.#depth] = kind;
    this.#state = kind === IS_OBJECT ? FIRST_NAME : FIRST_VALUE;
    return i + 1;
  }

  #close(code: number, i: number): number {
    const kind = code === CLOSE_OBJECT ? IS_OBJECT : code === CLOSE_LIST ? IS_LIST : 0;
    if (this.#kinds[this.#depth] !== kind) return this.#fault(i);
    this.#depth--;
    if (this.#column?.path !== undefined && this.#depth === 2) {
      this.#push(this.#column, this.#record);
    }
    this.#state = this.#depth === 0 ? DONE : AFTER_VALUE;
    return i + 1;
  }

  /** Whether a value at this place belongs to the current column. */
  #isKept(): boolean {
    const column = this.#column;
    if (column === undefined) return false;
    if (column.path !== undefined) return this.#depth === 4 && this.#isAtLeaf;
    return this.#depth === 1 || (this.#depth === 2 && column.isList);
  }

  /** Takes a number, true, false, null, NaN or Infinity. */
  #word(bytes: Uint8Array, text: string, i: number): number {
    let end = i;
    while (end < bytes.length && ENDS_WORD[bytes[end]!] === 0) end++;
    if (end === bytes.length) return this.#cutOff(bytes, i);
    if (end === i) return this.#fault(i);
    this.#state = AFTER_VALUE;
    if (!this.#isKept()) return end;
    // A number ends with a digit.
    const value = IS_DIGIT[bytes[end - 1]!] === 1
      ? numberOf(bytes, text, i, end)
      : WORDS.get(text.slice(i, end));
    if (value === undefined) return this.#fault(i);
    const column = this.#column!;
    if (column.path !== undefined) this.#record = value;
    else {
      if (this.#depth === 1) column.isNull = text.slice(i, end) === "null";
      this.#push(column, value);
      // Most of what there is to read: the next value of a list.
      if (bytes[end] === COMMA && this.#depth === 2) {
        this.#state = VALUE;
        return end + 1;
      }
    }
    return end;
  }

  /** Takes a text, or begins to pass over it. */
  #text(bytes: Uint8Array, i: number): number {
    const column = this.#isKept() ? this.#column : undefined;
    if (column?.codeOf === undefined) {
      if (column !== undefined) column.isOther = true;
      this.#state = AFTER_VALUE;
      this.#inText = true;
      return i + 1;
    }
    const end = textEnd(bytes, i);
    if (end === undefined) return this.#fault(i);
    if (end === CUT_OFF) return this.#cutOff(bytes, i);
    const value = parseText(bytes.subarray(i, end));
    if (value === undefined) return this.#fault(i);
    this.#push(column, column.codeOf(value));
    this.#state = AFTER_VALUE;
    return end;
  }

  #passText(bytes: Uint8Array, start: number): number {
    for (let i = start; i < bytes.length; i++) {
      const code = bytes[i]!;
      if (code === NEWLINE) {
        this.#inText = false;
        this.#isEscaped = false;
        return this.#fault(i);
      }
      if (this.#isEscaped) this.#isEscaped = false;
      else if (code === BACKSLASH) this.#isEscaped = true;
      else if (code === QUOTE) {
        this.#inText = false;
        return i + 1;
      }
    }
    return bytes.length;
  }

  #push(column: JsonColumn, value: number): void {
    if (column.length === column.values.length) {
      let values = 0;
      for (const { isPresent, length } of this.#all) if (isPresent) values += length;
      this.#onGrowth(this.#number, values);
      const grown = new Float64Array(2 * column.length);
      grown.set(column.values);
      column.values = grown;
    }
    column.values[column.length++] = value;
  }

  #fault(i: number): number {
    this.#state = FAULT;
    return i;
  }

  #cutOff(bytes: Uint8Array, i: number): number {
    return bytes.length - i > LONGEST_LEXEME ? this.#fault(i) : CUT_OFF;
  }
}

/** A number, of which JSON's grammar is not checked in every detail; undefined if it is none. */
function numberOf(
  bytes: Uint8Array,
  text: string,
  start: number,
  end: number,
): number | undefined {
  let i = start;
  if (end - start <= EXACT_DIGITS) {
    let integer = 0;
    for (; i < end && IS_DIGIT[bytes[i]!] === 1; i++) integer = 10 * integer + bytes[i]! - ZERO;
    if (i === end) return integer;
  }
  for (; i < end; i++) {
    if (IN_NUMBER[bytes[i]!] === 0) return undefined;
  }
  const value = Number(text.slice(start, end));
  return Number.isNaN(value) ? undefined : value;
}

function headOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, HEAD_BYTES));
}

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}
