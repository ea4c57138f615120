import { otherProcessIn, rayPrefix, rayProcess } from "./ray_prefix.ts";
import { fieldOf, isOwnKey, type StepLine, stepMark } from "./verl_fields.ts";

/** So many lines of other processes may stand between the parts of a line. */
const MOST_BETWEEN = 100;

/**
 * Puts lines of steps together that another process's output tore: `step:1 - a/b:1 - a/c(WorkerDict pid=7) INFO …`, and
 * `:2 - a/d:3` on the next line. A rest is taken only where it is certain to be one: it goes on amid a list of fields,
 * all of them readable, and none of them was there before the tear.
 */
export class TornLines {
  /** How many lines were put together. */
  joined = 0;
  #open: { line: StepLine; head: string; between: number } | undefined;
  #known: ReadonlyMap<string, unknown>;
  #add: (line: StepLine) => void;

  /** Gives lines to `add`, in their order; `known` are the keys so far. */
  constructor(known: ReadonlyMap<string, unknown>, add: (line: StepLine) => void) {
    this.#known = known;
    this.#add = add;
  }

  /** Whether a torn line waits for its rest, so that every line is needed. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** Takes a line of a step. */
  take(line: StepLine): void {
    this.close();
    const tear = line.end === "whole" ? otherProcessIn(line.text, line.process) : -1;
    if (tear < 0 || /\bstep:\d+ - /.test(line.text.slice(tear))) return this.#add(line);
    const place = line.place();
    const held = { ...line, place: () => place };
    this.#open = { line: held, head: line.text.slice(0, tear), between: 0 };
  }

  /** Takes a line that begins no step while a torn one waits; says whether it is its rest. */
  next(text: string, end: StepLine["end"]): boolean {
    const { line, head } = this.#open!;
    const prefix = rayPrefix(text);
    if (prefix !== "" && rayProcess(prefix) !== line.process) {
      if (++this.#open!.between > MOST_BETWEEN) this.close();
      return false;
    }
    const rest = prefix !== "" && text[prefix.length] === "-"
      ? text.slice(prefix.length - 1)
      : text.slice(prefix.length);
    const tear = otherProcessIn(rest, line.process);
    const tail = tear < 0 ? rest : rest.slice(0, tear);
    if (!this.#continues(head, tail, tear < 0 && end === "whole")) {
      this.close();
      return false;
    }
    const whole = { ...line, text: head + rest, end };
    if (tear >= 0) {
      this.#open = { line: whole, head: head + tail, between: 0 };
    } else {
      this.#open = undefined;
      this.joined++;
      this.#add(whole);
    }
    return true;
  }

  /** Gives up on the rest of a torn line. */
  close(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open !== undefined) this.#add(open.line);
  }

  #continues(head: string, tail: string, isWhole: boolean): boolean {
    if (!tail.includes(" - ")) return false;
    const before = head.slice(0, Math.max(0, head.lastIndexOf(" - ")));
    const [start, ...fields] = (head + tail).slice(before.length).split(" - ");
    if (before === "" && !/^step:\d+$/.test(start!)) return false;
    if (!isWhole) fields.pop();
    return fields.length > 0 && fields.every((text) => {
      const field = text.trim();
      const read = stepMark(field) === undefined ? fieldOf(field, this.#known) : undefined;
      if (read === undefined) return false;
      const isOurs = read.value === undefined || isOwnKey(read.key, this.#known);
      return isOurs && !before.includes(` - ${read.key}:`);
    });
  }
}
