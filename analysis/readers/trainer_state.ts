import { ReadError } from "../../formats/errors.ts";
import { parseJsonObject } from "../../formats/json_object.ts";
import { endOfQuoted } from "../../formats/quoted.ts";
import { LONGEST_LINE } from "./lines.ts";
import type { LogSource } from "./log_source.ts";
import { Malformed } from "./malformed.ts";
import { addMetrics, costOfUnreadable } from "./metrics.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import { SeriesCollector } from "./series.ts";
import { StepFinder } from "./step.ts";

const HISTORY = "log_history";

/**
 * Reads the `trainer_state.json` of a Hugging Face Trainer (TRL, ms-swift, Unsloth): the rows of its
 * `log_history`, training and evaluation rows alike, one at a time.
 *
 * @throws {ReadError} if the file cannot be read or is not whole: it is one JSON document.
 */
export async function readTrainerState(
  source: LogSource,
  options: ReaderOptions,
): Promise<LogRows[]> {
  const malformed = new Malformed();
  const collector = new SeriesCollector(options.keep, "mean", malformed);
  const steps = new StepFinder(() => collector.clear());
  const scanner = new HistoryScanner((text, index) => {
    const place = `${HISTORY}[${index}]`;
    if (text === undefined) return malformed.add(place, `more than ${LONGEST_LINE} characters`);
    const row = parseJsonObject(text);
    const step = steps.find((key) => row?.[key]);
    if (row === undefined) {
      source.spend(costOfUnreadable(text));
      malformed.add(place, text);
    } else if (step === undefined) {
      source.spend(1);
      malformed.add(`${place} ${steps.complaint}`, text);
    } else source.spend(1 + addMetrics(row, { collector, step, place: () => place }));
  });
  const decoder = new TextDecoder();
  for await (const chunk of source.chunks()) scanner.feed(decoder.decode(chunk, { stream: true }));
  scanner.feed(decoder.decode());
  if (!scanner.isWhole) {
    throw new ReadError(
      `${source.name} starts like a JSON document but is not a whole one with a list "${HISTORY}", as trainer_state.json is.`,
    );
  }
  return [{ name: "", series: collector, malformed, notes: steps.notes }];
}

/** Finds the elements of the list `log_history` in a JSON object that comes in pieces. */
class HistoryScanner {
  #onElement: (text: string | undefined, index: number) => void;
  #depth = 0;
  #isOver = false;
  #isBroken = false;
  #hasHistory = false;
  /** Within the list, at depth 2. */
  #isInHistory = false;
  #index = 0;
  /** The element so far; undefined once it is too long. */
  #element: string | undefined = "";
  #isInString = false;
  #isEscaped = false;
  /** The last string at depth 1, as far as it is needed to tell the name. */
  #string = "";

  /** A scanner that hands over the text of each element, undefined in place of one that is too long. */
  constructor(onElement: (text: string | undefined, index: number) => void) {
    this.#onElement = onElement;
  }

  /** Whether the object has ended, nothing follows it, and it has the list. */
  get isWhole(): boolean {
    return this.#isOver && this.#hasHistory && !this.#isBroken;
  }

  feed(text: string): void {
    const inString = /["\\]/g;
    const outside = /["{}[\],]/g;
    // Up to here the text is part of the current element, or passed over.
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
      if (this.#isInString && this.#depth === 1 && this.#string.length <= HISTORY.length) {
        this.#string += text.slice(at, Math.min(end, at + HISTORY.length + 1));
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
            break;
          }
          const close = endOfQuoted(text, end);
          if (close === undefined) {
            this.#isInString = true;
            this.#string = "";
            break;
          }
          // Most strings end in the same piece.
          if (this.#depth === 1) this.#string = text.slice(at, close - 1);
          at = close;
          break;
        }
        case "{":
        case "[":
          this.#depth++;
          if (this.#depth === 2 && match[0] === "[" && this.#string === HISTORY) {
            this.#isInHistory = true;
            this.#hasHistory = true;
            from = at;
          }
          break;
        case ",":
          if (!this.#isInHistory || this.#depth !== 2) break;
          this.#take(text.slice(from, end));
          this.#endElement();
          from = at;
          break;
        default:
          this.#depth--;
          if (this.#isInHistory && this.#depth === 1) {
            this.#take(text.slice(from, end));
            // An empty list has no element, not an empty one.
            if (this.#index > 0 || this.#element?.trim() !== "") this.#endElement();
            this.#isInHistory = false;
            this.#string = "";
            if (match[0] !== "]") this.#isBroken = true;
          }
          if (this.#depth === 0) this.#isOver = true;
      }
    }
    if (this.#isInHistory) this.#take(text.slice(from));
  }

  #take(text: string): void {
    if (this.#element === undefined) return;
    this.#element += text;
    if (this.#element.length > LONGEST_LINE) this.#element = undefined;
  }

  #endElement(): void {
    this.#onElement(this.#element?.trim(), this.#index++);
    this.#element = "";
  }
}
