import type { Problem, Work } from "./bench_problem.ts";

/** How long some calls took in all, in milliseconds. */
export interface Times {
  /** From the first call to the end of the last, less a round trip without any. */
  readonly clock: number;
  /** By the GPU's own timestamps, where they can be had. */
  readonly gpu: number | undefined;
}

/** A problem made ready on a library: its inputs are on the GPU. */
export interface Job {
  /** Times so many calls, queued together and waited for once. */
  time(calls: number): Promise<Times>;
  /** The results of a call, in an order and form that all libraries share. */
  results(): Promise<readonly ArrayLike<number>[]>;
  /** Frees what it holds. */
  destroy(): void;
}

/** A library is not on this machine; the message says what was looked for and how to get it. */
export class NotInstalledError extends Error {}

/** What can solve problems: the project's kernels, or a peer. */
export interface Library<W = Work> {
  /** The adapter that it runs on, or the software adapter whose processor it runs on without one. */
  readonly adapter: string;
  /** Its version, where deno.json does not name it. */
  readonly version?: string;
  /** Makes a problem ready, or nothing where it has no way to solve it. */
  prepare(problem: Problem<W>): Job | undefined;
  /** Frees its device. */
  destroy(): void;
}

/** Milliseconds of so many calls by the clock, less those of a round trip without any. */
export async function clock(
  calls: number,
  run: (calls: number) => Promise<void>,
): Promise<number> {
  const start = performance.now();
  await run(calls);
  const middle = performance.now();
  await run(0);
  const end = performance.now();
  return (middle - start) - (end - middle);
}

/** The selected covariances, largest first: libraries may break ties in different ways. */
export function sortedValues(covariance: Float32Array, indices: Iterable<number>): Float32Array {
  return Float32Array.from(indices, (index) => covariance[index]!).sort().reverse();
}
