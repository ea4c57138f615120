import { readLines } from "./lines.ts";
import { Malformed } from "./malformed.ts";
import { parsePythonLiteral } from "./python_literal.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import { SeriesCollector } from "./series.ts";

// verl prints `step:12 - actor/entropy:0.35 - …`; Ray puts `(TaskRunner pid=1)` before it and a
// progress bar or another process may have left half a line there.
const STEP = /(?<![\w/])step:(\d+) - /;
// A colour code as an escape byte, or as the text that a JSON log writes for it.
// deno-lint-ignore no-control-regex
const COLOUR = /(?:\x1b|\\u001b|\\x1b|\\033)\[[0-9;]*m/gi;
const RAY_PREFIX = /^(?:\([^()]*\bpid=\d+[^()]*\) ?)+/;
const KEY = /^[A-Za-z_][^\s:]*(?::[^\s:]+)*$/;
const WRAPPED = /^(.*?):(?:np|numpy|torch)?\.?\w*\(([^(),\s]+)[^()]*\)$/;
/** How a line of a printed dictionary begins. */
const LITERAL = /^(?:['"{}[\]()]|-?\d|(?:True|False|None)\b)/;
/** W&B cuts a line of its output.log here. */
const WANDB_LINE = 4096;
/** The printed configuration is a few hundred lines; past this it is not one. */
const LONGEST_CONFIG = 5000;

/**
 * Reads the console output of verl: what a terminal, `tee`, Slurm, Ray's driver log or W&B's
 * `output.log` holds. Fields cut off at a line's end and fields broken by another process's output
 * are counted as malformed; of a step that a resumed run repeats the last value holds.
 *
 * @throws {ReadError} if the file cannot be read.
 */
export async function readVerlConsole(path: string, options: ReaderOptions): Promise<LogRows[]> {
  const collector = new SeriesCollector(options.keep, "last");
  const malformed = new Malformed();
  const config = new ConfigScanner();
  for await (const batch of readLines(path)) {
    for (let i = 0; i < batch.lines.length; i++) {
      const raw = batch.lines[i]!;
      const number = batch.firstNumber + i;
      if (!raw.includes("step:")) {
        config.scan(raw);
        continue;
      }
      const whole = raw.length !== WANDB_LINE && (batch.terminated || i < batch.lines.length - 1);
      const line = raw.replace(COLOUR, "");
      const match = STEP.exec(line);
      if (match === null) config.scan(raw);
      else {
        const fields = line.slice(match.index + match[0].length);
        addFields(Number(match[1]), fields, whole, `line ${number}`, collector, malformed);
      }
    }
  }
  return [{ name: "", series: collector, malformed, ...config.result() }];
}

function addFields(
  step: number,
  text: string,
  whole: boolean,
  place: string,
  collector: SeriesCollector,
  malformed: Malformed,
): void {
  // A log that was itself written as JSON ends the line with the text `\n`.
  const end = text.search(/\\[nr]/);
  if (end >= 0) text = text.slice(0, end);
  const fields = text.split(" - ");
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!.trim();
    if (field === "") continue;
    if (i === fields.length - 1 && !whole && end < 0) {
      // The value may have lost its last digits, so even a readable one is not used.
      malformed.add(place, field);
      continue;
    }
    const colon = field.lastIndexOf(":");
    let key = field.slice(0, colon);
    let value = parseNumber(field.slice(colon + 1));
    if (value === undefined) {
      const wrapped = WRAPPED.exec(field);
      key = wrapped?.[1] ?? "";
      value = parseNumber(wrapped?.[2] ?? "");
    }
    if (value === undefined || !KEY.test(key)) {
      if (!isText(field)) malformed.add(place, field);
    } else collector.add(step, key, value);
  }
}

/** verl also prints settings among the metrics, such as `mode:sync` or `flag:True`; they are whole. */
function isText(field: string): boolean {
  return /^[A-Za-z_][^\s:]*:(?:True|False|None|[A-Za-z_][\w.-]*)$/.test(field);
}

/** A Python number, `nan` and `inf` included; undefined if `text` is anything else. */
function parseNumber(text: string): number | undefined {
  if (text === "" || text.includes(" ")) return undefined;
  const value = Number(text);
  if (!Number.isNaN(value)) return /^0[xob]/i.test(text) ? undefined : value;
  if (/^[-+]?nan$/i.test(text)) return NaN;
  if (/^[-+]?inf(inity)?$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  return undefined;
}

/** Finds the configuration that verl prints at the start as a Python dictionary over many lines. */
class ConfigScanner {
  #lines: string[] = [];
  #process = "";
  #depth = 0;
  #found: Record<string, unknown> | undefined;

  scan(raw: string): void {
    if (this.#found !== undefined) return;
    if (this.#lines.length === 0 && !raw.includes("{'actor_rollout_ref'")) return;
    const bare = raw.replace(COLOUR, "");
    const process = RAY_PREFIX.exec(bare)?.[0] ?? "";
    const line = bare.slice(process.length).trimStart();
    if (this.#lines.length === 0) {
      if (!line.startsWith("{'actor_rollout_ref'")) return;
      this.#process = process;
    } else if (process !== this.#process || !LITERAL.test(line)) {
      return; // Another process, or a warning of this one, prints in between.
    }
    this.#lines.push(line);
    this.#depth += nesting(line);
    if (this.#depth > 0 && this.#lines.length < LONGEST_CONFIG) return;
    const value = parsePythonLiteral(this.#lines.join("\n"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      this.#found = value as Record<string, unknown>;
    }
    this.#lines = [];
    this.#depth = 0;
  }

  result(): { config?: Record<string, unknown> } {
    return this.#found === undefined ? {} : { config: this.#found };
  }
}

/** Opening less closing brackets, those within quotes left out. */
function nesting(line: string): number {
  let depth = 0;
  const bare = line.replace(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g, "");
  for (const character of bare) {
    if ("{[(".includes(character)) depth++;
    else if ("}])".includes(character)) depth--;
  }
  return depth;
}
