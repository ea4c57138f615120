import { counted } from "../../formats/counted.ts";
import type { RayRun } from "./ray_runs.ts";

/** Lines of steps whose end could not be read. */
export class CutLines {
  #count = 0;
  #first = "";

  /** Counts a line, by its place in words. */
  add(place: string): void {
    if (this.#count++ === 0) this.#first = place;
  }

  /** What is to be noted of them. */
  get notes(): string[] {
    const count = this.#count;
    if (count === 0) return [];
    const [lines, them] = count === 1
      ? [`a line of a step (${this.#first}) breaks off, or runs`, "it"]
      : [`${count} lines of steps (the first is ${this.#first}) break off, or run`, "them"];
    return [`${lines} into other output: the values that stood after that in ${them} are lost.`];
  }
}

/** What is noted of torn lines that were put together. */
export function joinedNotes(count: number): string[] {
  if (count === 0) return [];
  const lines = `${counted(count, "line")} of steps that another process's output tore`;
  return [`${lines} ${count === 1 ? "was" : "were"} put together with the rest below.`];
}

/** A run's name: its processes, as Ray names them. */
export function nameOf({ processes }: RayRun): string {
  return Array.from(processes).join(" / ");
}

/** What is noted of a run beside others. */
export function besideNote(runs: readonly RayRun[], run: RayRun): string {
  return `${runs.length} processes print steps of their own by turns (${
    runs.map(nameOf).join(", ")
  }), so the log is read as ${runs.length} runs; this is that of ${nameOf(run)}.`;
}

/** What is noted of processes that printed what the first run did. */
export function repeatedNotes(processes: readonly string[], run: RayRun): string[] {
  return processes.map((process) =>
    `${process} printed once more what ${nameOf(run)} did; it is left out.`
  );
}
