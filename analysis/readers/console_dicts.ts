import { isObject, parseJsonObject } from "../../formats/json_object.ts";
import { parsePythonLiteral } from "../../formats/python_literal.ts";
import { endOfQuoted } from "../../formats/quoted.ts";
import { isNeeded } from "./keys.ts";
import type { Malformed } from "./malformed.ts";
import { addMetrics } from "./metrics.ts";
import { parseNumber } from "./parse_number.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import { SeriesCollector } from "./series_collector.ts";
import { cellsOf, StepFinder } from "./step.ts";
import { isStep } from "./step_value.ts";

/** A printed row is a few kilobytes; a longer dictionary is something else. */
const LONGEST_ROW = 1 << 16;
/** Keys that the trainers of Hugging Face print in each row, in some of which there is nothing else. */
const TELLING = ["epoch", "loss", "grad_norm", "learning_rate", "step", "global_step"];
/** What a number is wrapped in where it is printed as NumPy's or PyTorch's. */
const WRAPPED = /\b(?:np|numpy|torch)?\.?(?:float\d*|int\d*|tensor)\(([-+.\w]+)(?:, [^()]*)?\)/g;

/** A step printed right before a row, as OpenRLHF does: `✨ Global step 2: {…}`. */
const STEP_BEFORE = /\b(?:step|iteration|iter)[ :=#]{0,3}(\d+)(?:\/\d+)?[\]:,|\s-]{0,4}$/i;
const LONGEST_STEP = 48;

/**
 * Collects the dictionaries that TRL, transformers and what is built on them print at each step, as Python or
 * JSON writes them: `{'loss': 0.05, 'entropy': '0.25', 'epoch': 0.01}`, with a progress bar before or
 * after. A row that names no step has the one printed right before it; without that it is one more than the last,
 * unless it only adds other keys to the same epoch, as an evaluation does.
 */
export class ConsoleDicts {
  #series: SeriesCollector;
  #malformed: Malformed;
  #steps: StepFinder;
  #count = -1;
  #epoch: unknown;
  #keys = new Set<string>();
  #isCounted = false;

  /** Collects into series of its own; what is unreadable is counted with the rest of the log. */
  constructor(options: ReaderOptions, malformed: Malformed) {
    this.#malformed = malformed;
    this.#series = new SeriesCollector(options.keep, "mean", malformed);
    this.#steps = new StepFinder(this.#series);
  }

  /** Takes a line that holds `{'` or `{"` at `start`; says how many values it gave. */
  add(line: string, start: number, place: () => string): number {
    let count = 0;
    for (let at = start; at >= 0; at = line.indexOf("{", at)) {
      const end = endOfDictionary(line, at);
      if (end === undefined) return count;
      const row = parsed(line.slice(at, end));
      if (row !== undefined && isMetrics(row)) {
        const before = STEP_BEFORE.exec(line.slice(Math.max(0, at - LONGEST_STEP), at));
        count += this.#addRow(row, place, before === null ? undefined : Number(before[1]));
      }
      at = end;
    }
    return count;
  }

  #addRow(row: Record<string, unknown>, place: () => string, printed?: number): number {
    const numbers = Object.fromEntries(
      Object.entries(row).map(([key, value]) => [
        key,
        typeof value === "string" ? parseNumber(value) ?? value : value,
      ]),
    );
    const step = this.#steps.find(cellsOf(numbers)) ??
      (printed !== undefined && isStep(printed) ? printed : this.#counted(numbers));
    const { own } = this.#steps;
    return addMetrics(numbers, { collector: this.#series, step, own, place });
  }

  #counted(row: Record<string, unknown>): number {
    const names = Object.keys(row).filter((name) => name !== "epoch");
    const goesOn = row["epoch"] !== undefined && row["epoch"] === this.#epoch &&
      !names.some((name) => this.#keys.has(name));
    if (!goesOn) {
      this.#count++;
      this.#keys.clear();
    }
    for (const name of names) this.#keys.add(name);
    this.#epoch = row["epoch"];
    this.#isCounted = true;
    return this.#count;
  }

  /** What was found; undefined if nothing was. */
  rows(): LogRows | undefined {
    if (this.#series.counts.size === 0) return undefined;
    const notes = this.#isCounted
      ? ["the log names no step: the rows that it prints were counted, from 0."]
      : [];
    return {
      name: "",
      format: "trainer-console",
      series: this.#series,
      malformed: this.#malformed,
      ...this.#steps.facts,
      notes: [...this.#steps.notes, ...notes],
    };
  }
}

/** The place after a dictionary that begins at `start`; undefined if the line does not end it. */
function endOfDictionary(line: string, start: number): number | undefined {
  let depth = 0;
  const lexeme = /['"{}]/g;
  lexeme.lastIndex = start;
  for (let match = lexeme.exec(line); match !== null; match = lexeme.exec(line)) {
    if (match.index - start > LONGEST_ROW) return undefined;
    if (match[0] === "{") depth++;
    else if (match[0] === "}") {
      if (--depth === 0) return match.index + 1;
    } else {
      const end = endOfQuoted(line, match.index);
      if (end === undefined) return undefined;
      lexeme.lastIndex = end;
    }
  }
  return undefined;
}

function parsed(text: string): Record<string, unknown> | undefined {
  const row = text.startsWith('{"') ? parseJsonObject(text) : undefined;
  if (row !== undefined) return row;
  const value = parsePythonLiteral(text.includes("(") ? text.replace(WRAPPED, "$1") : text);
  return isObject(value) ? value : undefined;
}

/** Whether a dictionary is a row of metrics, and no configuration: numbers, one of which a trainer prints. */
function isMetrics(row: Record<string, unknown>): boolean {
  const numbers = Object.keys(row).filter((key) => {
    const value = row[key];
    return typeof value === "number" ||
      (typeof value === "string" && parseNumber(value) !== undefined);
  });
  const isFlat = numbers.length >= Object.keys(row).length / 2;
  return isFlat && numbers.length > 1 &&
    numbers.some((key) => TELLING.includes(key) || isNeeded(key));
}
