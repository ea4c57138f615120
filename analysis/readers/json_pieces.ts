import { endOfQuoted } from "../../formats/quoted.ts";
import { LONGEST_LINE } from "./lines.ts";

/** Names of members are kept as far as they tell them apart. */
const LONGEST_NAME = 1 << 10;
/** Names of members that are remembered, to say what a document holds. */
const MOST_NAMES = 100;

/** An element of a list, or a member of an object, at the place where a document has its data. */
export interface Piece {
  /** The name of the member of the document that it lies in; empty in a document that is a list. */
  readonly member: string;
  /** Whether it is an element of a list: its text is a value, else `"name": value`. */
  readonly isElement: boolean;
  /** Its place in the list or object, from 0. */
  readonly index: number;
  /** Its text without space around it; undefined if it is too long. */
  readonly text: string | undefined;
}

/**
 * Takes a JSON document that comes in pieces apart, as far as a log needs it: a list gives its elements, an
 * object the elements and members of its lists and objects. Nothing but the current piece is kept.
 */
export class JsonPieces {
  /** The names of the object's members, the first hundred. */
  readonly names: string[] = [];
  #wants: (member: string) => boolean;
  #onPiece: (piece: Piece) => void;
  #depth = 0;
  #root = "";
  #isOver = false;
  #isBroken = false;
  /** How deep the pieces lie that are taken now; 0 if none are. */
  #taking = 0;
  #isList = false;
  #taken = 0;
  #member = "";
  /** The piece so far; undefined once it is too long. */
  #piece: string | undefined = "";
  #isInString = false;
  #isEscaped = false;
  /** The last string at depth 1, as far as it is needed to tell the name. */
  #string = "";

  /**
   * @param wants Whether the pieces of a member are wanted, by its name; a list that is the document is.
   * @param onPiece Takes each piece.
   */
  constructor(wants: (member: string) => boolean, onPiece: (piece: Piece) => void) {
    this.#wants = wants;
    this.#onPiece = onPiece;
  }

  /** Whether the document has ended, and nothing follows it. */
  get isWhole(): boolean {
    return this.#isOver && !this.#isBroken;
  }

  /** Takes the next part of the text. */
  feed(text: string): void {
    const inString = /["\\]/g;
    const outside = /["{}[\],]/g;
    // Up to here the text is part of the current piece, or passed over.
    let from = 0;
    for (let at = 0; at < text.length && !this.#isBroken;) {
      if (this.#isEscaped) {
        this.#isEscaped = false;
        at++;
        continue;
      }
      const lexeme = this.#isInString ? inString : outside;
      lexeme.lastIndex = at;
      const match = lexeme.exec(text);
      const end = match?.index ?? text.length;
      if (this.#isOver && /\S/.test(text.slice(at, end + 1))) this.#isBroken = true;
      if (this.#isInString && this.#depth === 1 && this.#string.length <= LONGEST_NAME) {
        this.#string += text.slice(at, Math.min(end, at + LONGEST_NAME + 1));
      }
      at = end + 1;
      if (match === null) break;
      switch (match[0]) {
        case "\\":
          this.#isEscaped = true;
          break;
        case '"': {
          if (this.#isInString) {
            this.#isInString = false;
            this.#noteName(text, at);
            break;
          }
          const close = endOfQuoted(text, end);
          if (close === undefined) {
            this.#isInString = true;
            this.#string = "";
            break;
          }
          // Most strings end in the same part.
          if (this.#depth === 1) {
            this.#string = text.slice(at, close - 1);
            this.#noteName(text, close);
          }
          at = close;
          break;
        }
        case "{":
        case "[":
          this.#open(match[0]);
          if (this.#taking === this.#depth) from = at;
          break;
        case ",":
          if (this.#taking === 0 || this.#depth !== this.#taking) break;
          this.#take(text.slice(from, end));
          this.#endPiece();
          from = at;
          break;
        default:
          if (this.#taking > 0 && this.#depth === this.#taking) {
            this.#take(text.slice(from, end));
            // An empty list has no element, not an empty one.
            if (this.#taken > 0 || this.#piece?.trim() !== "") this.#endPiece();
            if ((match[0] === "]") !== this.#isList) this.#isBroken = true;
            this.#taking = 0;
            this.#string = "";
          }
          this.#depth--;
          if (this.#depth === 0) this.#isOver = true;
      }
    }
    if (this.#taking > 0) this.#take(text.slice(from));
  }

  #open(bracket: string): void {
    this.#depth++;
    if (this.#depth === 1) this.#root = bracket;
    const isData = this.#depth === 1
      ? bracket === "["
      : this.#depth === 2 && this.#root === "{" && this.#wants(unescaped(this.#string));
    if (!isData) return;
    this.#taking = this.#depth;
    this.#isList = bracket === "[";
    this.#member = this.#depth === 1 ? "" : unescaped(this.#string);
    this.#taken = 0;
    this.#piece = "";
  }

  /** Remembers the last string of the object if it is the name of a member: a colon follows. */
  #noteName(text: string, at: number): void {
    if (this.#depth !== 1 || this.#root !== "{" || this.names.length === MOST_NAMES) return;
    if (/^\s*:/.test(text.slice(at, at + 8))) this.names.push(unescaped(this.#string));
  }

  #take(text: string): void {
    if (this.#piece === undefined) return;
    this.#piece += text;
    if (this.#piece.length > LONGEST_LINE) this.#piece = undefined;
  }

  #endPiece(): void {
    this.#onPiece({
      member: this.#member,
      isElement: this.#isList,
      index: this.#taken++,
      text: this.#piece?.trim(),
    });
    this.#piece = "";
  }
}

function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return text;
  }
}
