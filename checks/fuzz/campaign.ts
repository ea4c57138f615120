import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Assignment, Message } from "./child.ts";
import { readCorpus, type TargetName } from "./corpus.ts";
import { makeInput } from "./make_input.ts";
import type { Fault } from "./trial.ts";

/** What is tried, and for how long. */
export interface CampaignOptions {
  /** The seed of all inputs. */
  readonly seed: number;
  /** What to fuzz. */
  readonly targets: readonly TargetName[];
  /** How many inputs. */
  readonly inputs: number;
  /** After how many ms no further input is begun. */
  readonly milliseconds: number;
  /** How many processes share the inputs. */
  readonly processes: number;
  /** The program that reads the inputs (default `child.ts`). */
  readonly child?: string;
  /** An input that takes longer than this, in ms, hangs (default 20 s): the child tells which are slow. */
  readonly hang?: number;
  /** Called now and then with the number of inputs so far. */
  readonly onProgress?: (inputs: number, findings: number) => void;
}

/** A fault with an input that shows it. */
export interface Finding extends Fault {
  /** What read it. */
  readonly target: TargetName;
  /** The file of the corpus in whose place the input is. */
  readonly entry: string;
  /** The number of the input that it was found with. */
  readonly index: number;
  /** The smallest input that shows it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How many inputs showed it. */
  count: number;
}

/** What came of it. */
export interface Campaign {
  /** How many inputs were tried. */
  readonly inputs: number;
  /** One for each signature. */
  readonly findings: readonly Finding[];
}

/** A process with more than this, in bytes, is ended before it brings the machine down. */
const LARGEST = 2 * 2 ** 30;

const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

/**
 * Tries mutated inputs in processes of their own, so that a hang and a crash are findings too; a new process
 * goes on after them.
 */
export async function runCampaign(options: CampaignOptions): Promise<Campaign> {
  const { processes, milliseconds } = options;
  const folder = await Deno.makeTempDir({ prefix: "entropy-fuzz-" });
  const state: State = {
    options,
    end: performance.now() + milliseconds,
    inputs: 0,
    found: new Map(),
  };
  try {
    await Promise.all(Array.from({ length: processes }, (_, i) => share(state, i, folder)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const findings = Array.from(state.found.values()).sort((a, b) => a.index - b.index);
  return { inputs: state.inputs, findings };
}

interface State {
  readonly options: CampaignOptions;
  readonly end: number;
  readonly found: Map<string, Finding>;
  inputs: number;
}

/** One process's share of the inputs, by one process after another. */
async function share(state: State, number: number, parent: string): Promise<void> {
  const { seed, targets, inputs: to, processes: stride } = state.options;
  let from: number | undefined = number;
  for (let life = 0; from !== undefined && from < to && performance.now() < state.end; life++) {
    const folder = join(parent, `${number}-${life}`);
    await Deno.mkdir(folder);
    const known = Array.from(state.found.keys());
    from = await live(state, { seed, from, to, stride, targets, folder, known });
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs a process to its end, and returns the input to go on with if it did not end by itself. */
async function live(state: State, assignment: Assignment): Promise<number | undefined> {
  const { seed, targets, folder, stride } = assignment;
  const { child: script = CHILD, hang = 20_000, onProgress } = state.options;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--no-remote", "--config", CONFIG],
      ...["--allow-read", `--allow-write=${folder}`, "--ignore-env"],
      ...[script, JSON.stringify(assignment)],
    ],
    env: { TMPDIR: folder, TMP: folder, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let begun = { index: assignment.from, at: performance.now() };
  let killed: "hang" | "memory" | "time" | undefined;
  const kill = (reason: typeof killed) => {
    killed ??= reason;
    try {
      child.kill("SIGKILL");
    } catch {
      // It has just ended.
    }
  };
  const timer = setInterval(() => {
    const now = performance.now();
    if (now - begun.at > hang) kill("hang");
    else if (now > state.end) kill("time");
    onProgress?.(state.inputs, state.found.size);
  }, 250);
  const printed: string[] = [];
  const watchMemory = async () => {
    for await (const line of lines(child.stderr)) {
      const memory = /^memory (\d+)$/.exec(line);
      if (memory === null) printed.push(line);
      else if (Number(memory[1]) > LARGEST) kill("memory");
    }
  };
  const watchInputs = async () => {
    for await (const line of lines(child.stdout)) {
      const { index, fault, bytes }: Message = JSON.parse(line);
      begun = { index, at: performance.now() };
      if (fault === undefined) state.inputs++;
      else add(state, index, fault, bytes);
    }
  };
  const [status] = await Promise.all([child.status, watchInputs(), watchMemory()]);
  clearInterval(timer);
  if (killed === "time" || (status.success && killed === undefined)) return undefined;
  const { target } = makeInput(readCorpus(), targets, seed, begun.index);
  const fault = killed === undefined
    ? {
      signature: `${target}: crash`,
      message: `the process ended with ${status.signal ?? status.code}.\n${
        printed.slice(0, 20).join("\n")
      }`,
    }
    : killed === "hang"
    ? { signature: `${target}: hang`, message: `took more than ${hang / 1000} s.` }
    : { signature: `${target}: memory`, message: `took more than ${LARGEST / 2 ** 30} GiB.` };
  add(state, begun.index, fault);
  return begun.index + stride;
}

/**
 * Counts a fault, and keeps the smallest input that shows it.
 *
 * @param index The number of the input that it was found with.
 * @param base64 A smaller one; without it that input itself.
 */
function add({ found, options }: State, index: number, fault: Fault, base64?: string): void {
  const known = found.get(fault.signature);
  const bytes = base64 === undefined ? undefined : Uint8Array.fromBase64(base64);
  if (known !== undefined && (bytes === undefined || bytes.length >= known.bytes.length)) {
    known.count++;
    return;
  }
  const input = makeInput(readCorpus(), options.targets, options.seed, index);
  found.set(fault.signature, {
    ...fault,
    target: input.target,
    entry: input.entry.name,
    index,
    bytes: bytes ?? input.bytes,
    count: (known?.count ?? 0) + 1,
  });
}

async function* lines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
}
