import { closeSync, openSync } from "node:fs";
import process from "node:process";
import type { TargetName } from "./corpus.ts";
import type { Input } from "./make_input.ts";
import { CHECKPOINTS, INPUT, type Target, WrongResult } from "./targets.ts";

/** What is wrong with how an input was read. */
export interface Fault {
  /** What kind of fault, and where it is: the same for inputs that show the same. */
  readonly signature: string;
  /** For a person. */
  readonly message: string;
}

/** CPU time that reading a small file may take, in ms. */
const LONGEST = 2000;
/** How much the process may grow by reading a small file, in bytes. */
const LARGEST = 300 * 2 ** 20;

/** Tries inputs one after another, in a process of its own. */
export class Trials {
  #targets: Record<TargetName, Target>;
  #folder: string;
  #rejected: Error | undefined;

  /** @param folder Where the targets have their files; nothing else may appear there. */
  constructor(targets: Record<TargetName, Target>, folder: string) {
    this.#targets = targets;
    this.#folder = folder;
    addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      this.#rejected = asError(event.reason);
    });
  }

  /** Reads an input, and returns what is wrong with that, or undefined. */
  async try(input: Input): Promise<Fault | undefined> {
    const [cpu, memory, handle] = [cpuTime(), memoryUsage(), this.#lowestHandle()];
    let thrown: unknown;
    try {
      await this.#targets[input.target](input);
    } catch (error) {
      thrown = error;
    }
    if (thrown !== undefined) return errorFault(input.target, asError(thrown));
    if (this.#rejected !== undefined) {
      const error = this.#rejected;
      this.#rejected = undefined;
      return errorFault(input.target, error);
    }
    const fault = (kind: string, message: string) => ({
      signature: `${input.target}: ${kind}`,
      message,
    });
    const took = cpuTime() - cpu;
    if (took > LONGEST) return fault("slow", `took ${took.toFixed(0)} ms of CPU time.`);
    const { now, peak } = memoryUsage();
    const grown = Math.max(now - memory.now, peak - memory.peak);
    if (grown > LARGEST) {
      return fault("memory", `the process grew by ${(grown / 2 ** 20).toFixed(0)} MiB.`);
    }
    const left = Array.from(Deno.readDirSync(this.#folder), ({ name }) => name)
      .filter((name) => name !== INPUT && name !== CHECKPOINTS);
    for (const name of left) Deno.removeSync(`${this.#folder}/${name}`, { recursive: true });
    if (left.length > 0) return fault("left a file", `left ${left.join(", ")}.`);
    // Streams close their files a moment after their last byte was taken.
    for (let wait = 0; this.#lowestHandle() > handle; wait++) {
      if (wait === 10) return fault("left a handle", "left a file open.");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return undefined;
  }

  /** Systems give a new file the lowest number that is free: it rises when one stays open. */
  #lowestHandle(): number {
    const handle = openSync(this.#folder, "r");
    closeSync(handle);
    return handle;
  }
}

function errorFault(target: TargetName, error: Error): Fault {
  const frames = (error.stack ?? "").split("\n").filter((line) =>
    line.trimStart().startsWith("at ")
  );
  const ours = frames.map((line) =>
    /\/((?:analysis|experiments|kernels)\/[^)]*:\d+):\d+/.exec(line)
  )
    .find((match) => match !== null)?.[1];
  const place = error instanceof WrongResult
    ? error.message.replace(/\d+/g, "#")
    : `${error.name} at ${ours ?? error.message.slice(0, 80)}`;
  return {
    signature: `${target}: ${place}`,
    message: [`${error.name}: ${error.message.slice(0, 500)}`, ...frames.slice(0, 8)].join("\n"),
  };
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`threw ${thrown}`);
}

/** Of all threads, in ms: unlike the clock's, it does not depend on what else the machine does. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The memory of the process, and the most that it ever had, in bytes. */
function memoryUsage(): { now: number; peak: number } {
  return { now: process.memoryUsage.rss(), peak: 1024 * process.resourceUsage().maxRSS };
}
