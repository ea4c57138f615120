import { isObject } from "../../formats/json_object.ts";
import { parsePythonLiteral } from "../../formats/python_literal.ts";
import { endOfQuoted } from "../../formats/quoted.ts";
import { COLOUR } from "./colour.ts";
import { copied } from "./copied.ts";
import { rayPrefix, rayProcess } from "./ray_prefix.ts";

/** How the configuration begins. */
export const CONFIG_START = "{'actor_rollout_ref'";
/** How a line of a printed dictionary begins. */
const LITERAL = /^(?:['"{}[\]()]|-?\d|(?:True|False|None)\b)/;
/** The printed configuration is a few hundred lines; past this it is not one. */
const LONGEST_CONFIG = 5000;
const MOST_CONFIG_CHARACTERS = 1 << 20;

/** Finds the configuration that verl prints at the start as a Python dictionary over many lines. */
export class ConfigScanner {
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

  /** Takes the next line of the log. */
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

  /** The configuration, and the process that printed it, as Ray names it. */
  result(): { config: Record<string, unknown>; process: string } | undefined {
    if (this.#found === undefined) return undefined;
    return { config: this.#found, process: rayProcess(this.#process) };
  }
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
