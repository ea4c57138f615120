import { copied } from "./copied.ts";
import type { SeriesCollector } from "./series_collector.ts";
import type { StepLine } from "./verl_fields.ts";

/** What a second process prints is held back until it is known whether the first goes on. */
const MOST_HELD = 64;
const MOST_HELD_CHARACTERS = 1 << 21;
/** The first process goes on so often, while the second prints so many lines, where both of them train. */
const FEWEST_RETURNS = 2;
const FEWEST_LINES = 8;

/** Lines of a process beside those of the run before it. */
interface Held {
  readonly lines: StepLine[];
  characters: number;
  /** How often the run before it went on after a line of this process. */
  returns: number;
  isLast: boolean;
}

/** What one run printed. */
export interface RayRun {
  /** Its processes, as Ray names them. */
  readonly processes: ReadonlySet<string>;
  readonly series: SeriesCollector;
}

/**
 * Parts lines of steps by the processes that print them where two go on side by side, as two runs do whose output goes
 * to one file. A process that takes over from another, as that of a resumed run does, is the same run.
 */
export class RayRuns {
  /** What the first run printed. */
  readonly main: SeriesCollector;
  /** Processes that printed what the first run did; known once all is finished. */
  readonly repeated: string[] = [];
  #make: () => SeriesCollector;
  #keep: (key: string) => boolean;
  #add: (line: StepLine, to: SeriesCollector) => void;
  #processes = new Set<string>();
  #held = new Map<string, Held>();
  #parted = new Map<string, SeriesCollector>();
  #last = "";

  /**
   * Gives each line to `add`, with the series of its run.
   *
   * @param make Makes the series of a run.
   * @param keep Whether the values of a key are needed.
   */
  constructor(
    make: () => SeriesCollector,
    keep: (key: string) => boolean,
    add: (line: StepLine, to: SeriesCollector) => void,
  ) {
    this.main = make();
    this.#make = make;
    this.#keep = keep;
    this.#add = add;
  }

  /** Takes a line of a step. */
  take(line: StepLine): void {
    // A prefix that was torn off names no process.
    const process = line.process === "" ? this.#last : line.process;
    if (line.process === "" && this.#parted.size > 0) {
      this.main.malformed.add(`${line.place()} is of one of several runs`, line.text);
      return;
    }
    this.#last = process;
    const parted = this.#parted.get(process);
    if (parted !== undefined) return this.#add(line, parted);
    if (process === "") return this.#add(line, this.main);
    if (this.#processes.size === 0) this.#processes.add(process);
    if (!this.#processes.has(process)) return this.#hold(process, line);
    this.#add(line, this.main);
    for (const [other, held] of this.#held) {
      if (held.isLast) held.returns++;
      held.isLast = false;
      this.#decide(other, held);
    }
  }

  /** The runs; a single one unless several went on side by side. One that printed what the first did is none. */
  finish(): RayRun[] {
    const [last] = Array.from(this.#held.keys()).slice(-1);
    if (last !== undefined) this.#takeOver(last);
    for (const [process, series] of this.#parted) {
      if (!series.repeats(this.main)) continue;
      this.#parted.delete(process);
      this.repeated.push(process);
    }
    const others = Array.from(this.#parted)
      .map(([process, series]) => ({ processes: new Set([process]), series }));
    return [{ processes: this.#processes, series: this.main }, ...others];
  }

  #hold(process: string, line: StepLine): void {
    let held = this.#held.get(process);
    if (held === undefined) {
      held = { lines: [], characters: 0, returns: 0, isLast: false };
      this.#held.set(process, held);
    }
    const place = line.place();
    held.lines.push({ ...line, text: copied(line.text), place: () => place });
    held.characters += line.text.length;
    held.isLast = true;
    this.#decide(process, held);
    const isMuch = held.lines.length > MOST_HELD || held.characters > MOST_HELD_CHARACTERS;
    if (isMuch && this.#held.has(process)) this.#takeOver(process);
  }

  /** Parts the lines of a process from the others once it is certain that they are another run's. */
  #decide(process: string, { lines, returns }: Held): void {
    if (lines.length < FEWEST_LINES || returns < FEWEST_RETURNS) return;
    const keys = keysOf(lines);
    const shared = keys.filter((key) => this.main.counts.has(key));
    // Another part of the same run prints other metrics.
    if (2 * shared.length <= keys.length || !shared.some(this.#keep)) {
      return this.#takeOver(process);
    }
    this.#held.delete(process);
    const series = this.#make();
    this.#parted.set(process, series);
    for (const line of lines) this.#add(line, series);
  }

  /** Lines of a process go on where those before it end; so do those of processes that came earlier. */
  #takeOver(process: string): void {
    for (const [earlier, { lines }] of this.#held) {
      this.#held.delete(earlier);
      this.#processes.add(earlier);
      for (const line of lines) this.#add(line, this.main);
      if (earlier === process) break;
    }
  }
}

/** The keys of lines, and what else stands before a colon there. */
function keysOf(lines: readonly StepLine[]): string[] {
  const keys = new Set<string>();
  for (const { text } of lines) {
    for (const field of text.split(" - ").slice(1)) {
      keys.add(field.slice(0, field.lastIndexOf(":")).trim());
    }
  }
  return Array.from(keys);
}
