import { isObject } from "../../formats/json_object.ts";
import { parsePythonLiteral } from "../../formats/python_literal.ts";
import { endOfQuoted } from "../../formats/quoted.ts";
import { ConsoleDicts } from "./console_dicts.ts";
import { copied } from "./copied.ts";
import { type LineBatch, readLines } from "./lines.ts";
import type { LogSource } from "./log_source.ts";
import { Malformed } from "./malformed.ts";
import { parseNumber } from "./parse_number.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import { SeriesCollector } from "./series_collector.ts";
import { isStep } from "./step_value.ts";

// verl prints `step:12 - actor/entropy:0.35 - …`; Ray puts `(TaskRunner pid=1)` before it and a
// progress bar or another process may have left half a line there.
const STEP_MARK = "step:";
const STEP = /(?<![\w/])step:(\d+) - /;
// Where a newline was lost, the mark stands right after a value: `0.57step:11 - `, `mode:syncstep:11 - `.
const STEP_AT_END = /step:(\d+)$/;
const VALUE_BEFORE_STEP = /(?:^|[^A-Za-z_/]|:[A-Za-z]+)$/;
// A lone carriage return ends a line; a log that was itself written as JSON has the texts `\n` and `\r`.
const LINE_END = /\\[nr]|\r/;
// A colon that parted a value from what was printed right after it, not one within a name.
const TORN_KEY = /:(?:[^A-Za-z\d]|[\d.]+[^\d./]|[^/:]*$)/;
// A colour code as an escape byte, or as the text that a JSON log writes for it.
// deno-lint-ignore no-control-regex
const COLOUR = /(?:\x1b|\\u001b|\\x1b|\\033)\[[0-9;]*m/gi;
const CONFIG_START = "{'actor_rollout_ref'";
/** How a line of a printed dictionary begins. */
const LITERAL = /^(?:['"{}[\]()]|-?\d|(?:True|False|None)\b)/;
/** W&B cuts a line of its output.log here. */
const WANDB_LINE = 4096;
/** The printed configuration is a few hundred lines; past this it is not one. */
const LONGEST_CONFIG = 5000;
const MOST_CONFIG_CHARACTERS = 1 << 20;

/** What verl prints before it trains: `Total training steps: 500`. */
const PLANNED = "Total training steps: ";

/** How a printed dictionary begins, TRL's row or verl's configuration. */
const DICTS = ["{'", '{"'];

/**
 * Reads the console output of verl or of a trainer that prints dictionaries, as TRL does: what a terminal,
 * `tee`, Slurm, Ray's driver log or W&B's `output.log` holds. Lines of verl go before dictionaries. Fields cut off at a line's end and fields broken by another process's output
 * are counted as malformed, and so is the one before a lost newline; of a step that a resumed run repeats
 * the last value holds.
 *
 * @throws {ReadError} if the file cannot be read.
 */
export async function readConsole(
  source: LogSource,
  options: ReaderOptions,
): Promise<LogRows[]> {
  const malformed = new Malformed();
  const collector = new SeriesCollector(options.keep, "last", malformed);
  const config = new ConfigScanner();
  let plannedSteps: number | undefined;
  const dicts = new ConsoleDicts(options, malformed);
  for await (const batch of readLines(source, malformed)) {
    const { text } = batch;
    const planned = /^\d+(?=\D)/.exec(textAfter(text, PLANNED));
    if (planned !== null) plannedSteps = Number(planned[0]);
    const place = placeIn(batch);
    // Most lines are neither metrics nor configuration: the next of each is looked for in the text.
    let step = -1;
    let start = -1;
    for (let at = 0; at < text.length;) {
      if (step < at) step = indexOrEnd(text, STEP_MARK, at);
      if (start < at) {
        const starts = collector.counts.size === 0 ? DICTS : config.isFound ? [] : [CONFIG_START];
        start = Math.min(text.length, ...starts.map((part) => indexOrEnd(text, part, at)));
      }
      const next = config.isOpen ? at : Math.min(step, start);
      if (next === text.length) break;
      source.spend(1);
      const begin = Math.max(at, text.lastIndexOf("\n", next) + 1);
      const newline = text.indexOf("\n", next);
      const end = newline < 0 ? text.length : newline;
      const raw = text.slice(begin, text[end - 1] === "\r" ? end - 1 : end);
      at = end + 1;
      const match = step < end ? STEP.exec(raw.replace(COLOUR, "")) : null;
      if (match === null) {
        config.scan(raw);
        const dictionary = config.isOpen ? -1 : raw.search(/\{['"]/);
        if (dictionary >= 0 && collector.counts.size === 0) {
          source.spend(dicts.add(raw, dictionary, () => place(begin)));
        }
        continue;
      }
      const isTerminated = newline >= 0 || batch.isTerminated;
      const isWhole = raw.length !== WANDB_LINE && isTerminated;
      const lines = match.input.slice(match.index).split(LINE_END);
      source.spend(lines.length);
      for (const [i, line] of lines.entries()) {
        const found = i === 0 ? match : STEP.exec(line);
        if (found === null) continue;
        const fields = i === 0 ? line : line.slice(found.index);
        const whole = isWhole || i < lines.length - 1;
        source.spend(addFields(fields, whole, () => place(begin), collector));
      }
    }
  }
  const printed = collector.counts.size === 0 ? dicts.rows() : undefined;
  const rows = printed ?? { name: "", series: collector, malformed, notes: [] };
  return [{
    ...rows,
    ...config.result(),
    ...(plannedSteps === undefined ? {} : { plannedSteps }),
  }];
}

/** What follows the last occurrence of a part, as far as a number goes; empty if there is none. */
function textAfter(text: string, part: string): string {
  const at = text.lastIndexOf(part);
  return at < 0 ? "" : text.slice(at + part.length, at + part.length + 24);
}

function indexOrEnd(text: string, part: string, from: number): number {
  const index = text.indexOf(part, from);
  return index < 0 ? text.length : index;
}

/** Tells the lines of ascending places in a batch, each newline looked for once. */
function placeIn({ text, firstNumber }: LineBatch): (at: number) => string {
  let number = firstNumber;
  let newline = text.indexOf("\n");
  return (at) => {
    for (; newline >= 0 && newline < at; newline = text.indexOf("\n", newline + 1)) number++;
    return `line ${number}`;
  };
}

/** Adds the fields of a line that begins with `step:N - `, each to the last step before it; says how many they were. */
function addFields(
  text: string,
  whole: boolean,
  place: () => string,
  collector: SeriesCollector,
): number {
  const { malformed } = collector;
  let step: number | undefined;
  const fields = text.split(" - ");
  for (let i = 0; i < fields.length; i++) {
    const isLast = i === fields.length - 1;
    const field = fields[i]!.trim();
    if (field === "") continue;
    const mark = isLast ? undefined : stepMark(field);
    if (mark !== undefined) {
      // Nothing shows that the value before the mark is whole.
      if (mark.before !== "" && step !== undefined) malformed.add(place(), field);
      step = isStep(Number(mark.digits)) ? Number(mark.digits) : undefined;
      if (step !== undefined) continue;
      const shown = mark.digits.slice(0, 24);
      malformed.add(
        `${place()} has the step ${shown}, expected 0 to 2^53 − 1`,
        fields.slice(i + 1, i + 9).join(" - "),
      );
      continue;
    }
    if (step === undefined) continue;
    if (isLast && !whole) {
      // The value may have lost its last digits, so even a readable one is not used.
      malformed.add(place(), field);
      continue;
    }
    const colon = field.lastIndexOf(":");
    let key = field.slice(0, colon);
    let value = parseNumber(field.slice(colon + 1));
    if (value === undefined) {
      const wrapped = unwrapped(field);
      key = wrapped?.key ?? "";
      value = parseNumber(wrapped?.value ?? "");
    }
    // A key that was there before needs no second look.
    if (value !== undefined && (collector.counts.has(key) || isKey(key))) {
      collector.add(step, key, value);
    } else if (!isText(field)) malformed.add(place(), field);
  }
  return fields.length;
}

/** The mark `step:N` at the end of a field, and what was printed right before it; undefined if there is none. */
function stepMark(field: string): { before: string; digits: string } | undefined {
  if (!field.includes(STEP_MARK)) return undefined;
  const match = STEP_AT_END.exec(field);
  if (match === null) return undefined;
  const before = field.slice(0, match.index);
  return VALUE_BEFORE_STEP.test(before) ? { before, digits: match[1]! } : undefined;
}

/**
 * Whether a text can be a key: no space in it, and no colon but within a part of a path, as in
 * `val-core/org/set-1:v2/acc/mean@16`.
 */
function isKey(text: string): boolean {
  return /^[A-Za-z_]\S*$/.test(text) && !TORN_KEY.test(text);
}

/** The parts of a field such as `key:np.float64(0.5)` or `key:tensor(0.5, device='cuda:0')`. */
function unwrapped(field: string): { key: string; value: string } | undefined {
  if (!field.endsWith(")")) return undefined;
  const open = field.lastIndexOf("(");
  const colon = field.lastIndexOf(":", open);
  if (open < 0 || colon < 0) return undefined;
  const inside = field.slice(open + 1, -1);
  const isWrapper = /^(?:np|numpy|torch)?\.?\w*$/.test(field.slice(colon + 1, open));
  if (!isWrapper || inside.includes(")")) return undefined;
  return { key: field.slice(0, colon), value: /^[^,\s]*/.exec(inside)![0] };
}

/** verl also prints settings among the metrics, such as `mode:sync` or `flag:True`; they are whole. */
function isText(field: string): boolean {
  return /^[A-Za-z_][^\s:]*:(?:True|False|None|[A-Za-z_][\w.-]*)$/.test(field);
}

/** Finds the configuration that verl prints at the start as a Python dictionary over many lines. */
class ConfigScanner {
  #lines: string[] = [];
  #characters = 0;
  #process = "";
  #depth = 0;
  #found: Record<string, unknown> | undefined;

  /** Whether a configuration has begun, so that every line is needed. */
  get isOpen(): boolean {
    return this.#lines.length > 0;
  }

  /** Whether a configuration was found, so that no line is needed any more. */
  get isFound(): boolean {
    return this.#found !== undefined;
  }

  scan(raw: string): void {
    if (this.#found !== undefined) return;
    if (this.#lines.length === 0 && !raw.includes(CONFIG_START)) return;
    const bare = raw.replace(COLOUR, "");
    const process = rayPrefix(bare);
    const line = bare.slice(process.length).trimStart();
    if (this.#lines.length === 0) {
      if (!line.startsWith(CONFIG_START)) return;
      this.#process = process;
    } else if (process !== this.#process || !LITERAL.test(line)) {
      return; // Another process, or a warning of this one, prints in between.
    }
    this.#characters += line.length;
    if (this.#characters > MOST_CONFIG_CHARACTERS) return this.#reset();
    this.#lines.push(copied(line));
    this.#depth += nesting(line);
    if (this.#depth > 0 && this.#lines.length < LONGEST_CONFIG) return;
    const value = parsePythonLiteral(this.#lines.join("\n"));
    if (isObject(value)) this.#found = value;
    this.#reset();
  }

  #reset(): void {
    this.#lines = [];
    this.#characters = 0;
    this.#depth = 0;
  }

  result(): { config?: Record<string, unknown> } {
    return this.#found === undefined ? {} : { config: this.#found };
  }
}

/** What Ray puts before a line: `(TaskRunner pid=1, ip=10.0.0.1) `, once or several times. */
function rayPrefix(line: string): string {
  let end = 0;
  while (line[end] === "(") {
    const close = line.indexOf(")", end);
    const inside = line.slice(end + 1, close < 0 ? end : close);
    if (inside.includes("(") || !/\bpid=\d/.test(inside)) break;
    end = close + 1;
    if (line[end] === " ") end++;
  }
  return line.slice(0, end);
}

/** Opening less closing brackets, those within quotes left out. */
function nesting(line: string): number {
  let depth = 0;
  const lexeme = /['"{}[\]()]/g;
  for (let match = lexeme.exec(line); match !== null; match = lexeme.exec(line)) {
    if (match[0] === "'" || match[0] === '"') {
      const end = endOfQuoted(line, match.index);
      if (end === undefined) break;
      lexeme.lastIndex = end;
    } else depth += "{[(".includes(match[0]) ? 1 : -1;
  }
  return depth;
}
