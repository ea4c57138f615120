import { endOfQuoted } from "./quoted.ts";

/**
 * The value of a Python literal as `pprint` writes it (dictionaries, lists, tuples, strings, adjacent
 * strings, numbers, True, False, None) as JSON-like data, tuples as arrays; undefined if `text` is not
 * one from start to end.
 */
export function parsePythonLiteral(text: string): unknown {
  const parser = new Parser(text);
  try {
    const value = parser.value();
    return parser.atEnd() ? value : undefined;
  } catch (error) {
    if (error instanceof NotALiteral) return undefined;
    throw error;
  }
}

class NotALiteral extends Error {}

/** Deeper nesting than any configuration has; a bound on recursion. */
const DEEPEST = 200;

class Parser {
  #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  atEnd(): boolean {
    this.#space();
    return this.#at === this.#text.length;
  }

  value(): unknown {
    if (++this.#depth > DEEPEST) throw new NotALiteral();
    this.#space();
    const next = this.#text[this.#at];
    let value: unknown;
    if (next === "{") value = this.#dictionary();
    else if (next === "[") value = this.#list("[", "]");
    else if (next === "(") {
      // pprint wraps a long string in brackets: that is the string, not a tuple.
      const items = this.#list("(", ")");
      value = items.length === 1 && this.#lastSeparator !== "," ? items[0] : items;
    } else if (next === "'" || next === '"') value = this.#strings();
    else value = this.#word();
    this.#depth--;
    return value;
  }

  #lastSeparator = "";

  #space(): void {
    const space = /\s*/y;
    space.lastIndex = this.#at;
    space.exec(this.#text);
    this.#at = space.lastIndex;
  }

  #take(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #expect(character: string): void {
    if (!this.#take(character)) throw new NotALiteral();
  }

  #list(open: string, close: string): unknown[] {
    this.#expect(open);
    const items: unknown[] = [];
    let separator = "";
    while (!this.#take(close)) {
      items.push(this.value());
      separator = this.#take(",") ? "," : "";
      if (separator === "") {
        this.#expect(close);
        break;
      }
    }
    this.#lastSeparator = separator;
    return items;
  }

  #dictionary(): Record<string, unknown> {
    this.#expect("{");
    const entries: [string, unknown][] = [];
    while (!this.#take("}")) {
      const key = this.value();
      this.#expect(":");
      entries.push([String(key), this.value()]);
      if (this.#take(",")) continue;
      this.#expect("}");
      break;
    }
    return Object.fromEntries(entries);
  }

  #strings(): string {
    let text = "";
    this.#space();
    while (this.#text[this.#at] === "'" || this.#text[this.#at] === '"') {
      const start = this.#at;
      const end = endOfQuoted(this.#text, start);
      if (end === undefined) throw new NotALiteral();
      this.#at = end;
      const raw = this.#text.slice(start + 1, end - 1);
      text += raw.replace(/\\(.)/g, (_, c) => ESCAPES[c] ?? c);
      this.#space();
    }
    return text;
  }

  #word(): unknown {
    const word = /[-+\w.]+/y;
    word.lastIndex = this.#at;
    const match = word.exec(this.#text);
    if (match === null) throw new NotALiteral();
    this.#at = word.lastIndex;
    const text = match[0];
    if (WORDS.has(text)) return WORDS.get(text);
    const number = Number(text);
    if (Number.isNaN(number)) throw new NotALiteral();
    return number;
  }
}

const ESCAPES: Record<string, string> = { n: "\n", t: "\t", r: "\r" };
const WORDS: ReadonlyMap<string, boolean | number | null> = new Map<
  string,
  boolean | number | null
>([
  ["True", true],
  ["False", false],
  ["None", null],
  ["nan", NaN],
  ["inf", Infinity],
  ["-inf", -Infinity],
]);
