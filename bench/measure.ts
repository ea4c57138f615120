import type { Job, Library, Times } from "./library.ts";
import type { Problem, Work } from "./bench_problem.ts";

/** Shows what goes on while a step runs, and gives the step's result. */
export type WithProgress = <T>(text: string, step: () => Promise<T>) => Promise<T>;

/** The time of one call of a problem. */
export interface Measurement<W = Work> {
  /** The problem. */
  readonly problem: Problem<W>;
  /** Of the kernels: by timestamps, or by the clock where a peer was timed beside them. */
  readonly milliseconds: number;
  /** Of each peer that takes the problem; or why it was not timed, in a sentence. */
  readonly peers: ReadonlyMap<string, number | string>;
}

/** Rounds of which the median is taken. */
const ROUNDS = 5;
/** Milliseconds that the calls of a library are to take in a round. */
const ROUND = 150;
/** More calls at once would take more memory for their commands and not make the time more certain. */
const MOST_CALLS = 1000;
/** The most bytes of a peer's results at once; the kernels write theirs to one place. */
const MOST_BYTES = 2 ** 30;
/** How far a peer's results may be from the kernels', as a share of the largest. */
const TOLERANCE = 1e-3;

/** A library that takes a problem. */
interface Runner {
  readonly job: Job;
  readonly calls: number;
  readonly times: Times[];
}

interface Entry<W> {
  readonly problem: Problem<W>;
  readonly kernels: Runner;
  readonly peers: Map<string, Runner>;
  readonly reasons: Map<string, string>;
}

/**
 * Times problems: every library is warmed up and its results are compared with the kernels' first, then
 * all libraries take turns in rounds.
 *
 * @param withProgress Wraps each step with what it does.
 */
export async function measure<W>(
  problems: readonly Problem<W>[],
  kernels: Library<W>,
  peers: ReadonlyMap<string, Library<W>>,
  withProgress: WithProgress,
): Promise<Measurement<W>[]> {
  const entries: Entry<W>[] = [];
  try {
    for (const problem of problems) {
      entries.push(
        await withProgress(`preparing ${label(problem)}`, () => prepare(problem, kernels, peers)),
      );
    }
    for (let round = 1; round <= ROUNDS; round++) {
      for (const entry of entries) {
        const text = `round ${round} of ${ROUNDS}: ${label(entry.problem)}`;
        await withProgress(text, () => timeInTurn(entry));
      }
    }
    return entries.map(summarize);
  } finally {
    for (const { kernels, peers } of entries) {
      for (const { job } of [kernels, ...peers.values()]) job.destroy();
    }
  }
}

function label({ name, size }: Pick<Problem, "name" | "size">): string {
  return `${name} ${size}`;
}

async function prepare<W>(
  problem: Problem<W>,
  kernels: Library<W>,
  peers: ReadonlyMap<string, Library<W>>,
): Promise<Entry<W>> {
  const job = kernels.prepare(problem)!;
  const entry: Entry<W> = {
    problem,
    kernels: await warmUp(job, MOST_CALLS),
    peers: new Map(),
    reasons: new Map(),
  };
  const expected = peers.size === 0 ? [] : await job.results();
  const bytes = 4 * expected.reduce((sum, { length }) => sum + length, 0);
  for (const [name, library] of peers) {
    let job: Job | undefined;
    try {
      job = library.prepare(problem);
      if (job === undefined) continue;
      const difference = largestDifference(await job.results(), expected);
      if (!(difference <= TOLERANCE)) {
        throw new Error(`its results differ by ${difference.toExponential(1)} of the largest`);
      }
      const most = Math.max(1, Math.min(MOST_CALLS, Math.floor(MOST_BYTES / bytes)));
      entry.peers.set(name, await warmUp(job, most));
    } catch (error) {
      job?.destroy();
      entry.reasons.set(name, reasonOf(error));
    }
  }
  return entry;
}

/** Finds how many calls, up to `most`, fill a round; by then everything is compiled. */
async function warmUp(job: Job, most: number): Promise<Runner> {
  await job.time(1);
  let calls = 1;
  for (;;) {
    const { clock, gpu } = await job.time(calls);
    const taken = gpu ?? clock;
    if (taken > ROUND / 8 || calls === most) {
      const fitting = Math.round(calls * ROUND / Math.max(1, taken));
      return { job, calls: Math.max(1, Math.min(most, fitting)), times: [] };
    }
    calls = Math.min(most, 4 * calls);
  }
}

async function timeInTurn<W>({ kernels, peers, reasons }: Entry<W>): Promise<void> {
  kernels.times.push(await kernels.job.time(kernels.calls));
  for (const [name, { job, calls, times }] of peers) {
    try {
      times.push(await job.time(calls));
    } catch (error) {
      peers.delete(name);
      job.destroy();
      reasons.set(name, reasonOf(error));
    }
  }
}

function summarize<W>({ problem, kernels, peers, reasons }: Entry<W>): Measurement<W> {
  const byClock = peers.size > 0;
  return {
    problem,
    milliseconds: perCall(kernels, byClock),
    peers: new Map<string, number | string>([
      ...Array.from(peers, ([name, runner]) => [name, perCall(runner, true)] as const),
      ...reasons,
    ]),
  };
}

function perCall({ calls, times }: Runner, byClock: boolean): number {
  return median(times.map(({ clock, gpu }) => byClock ? clock : gpu ?? clock)) / calls;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** The largest |actual − expected| of each array as a share of its largest |expected|; NaN counts as infinite. */
function largestDifference(
  actual: readonly ArrayLike<number>[],
  expected: readonly ArrayLike<number>[],
): number {
  return Math.max(...expected.map((values, i) => {
    let [difference, scale] = [0, 0];
    if (actual[i]?.length !== values.length) return Infinity;
    for (let j = 0; j < values.length; j++) {
      const distance = Math.abs(actual[i]![j]! - values[j]!);
      difference = Math.max(difference, Number.isNaN(distance) ? Infinity : distance);
      scale = Math.max(scale, Math.abs(values[j]!));
    }
    return difference / scale;
  }));
}

/** The first line of an error's message. */
export function reasonOf(error: unknown): string {
  return String((error as Error | null)?.message ?? error).trim().split("\n")[0]!.slice(0, 200);
}
