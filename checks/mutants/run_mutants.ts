import { join } from "node:path";
import { UserError } from "../../formats/errors.ts";
import { impossible, type Mutant } from "./mutant.ts";
import { runTests, type TestChoice, type TestOutcome } from "./test_run.ts";
import { copyProject } from "./working_copy.ts";

/** What became of a mutant. */
export interface MutantResult {
  /** The change. */
  readonly mutant: Mutant;
  /** `passed`: no test has caught it. */
  readonly outcome: TestOutcome;
  /** How long its tests took. */
  readonly seconds: number;
}

/** How mutants are run. */
export interface RunOptions {
  /** How many at a time. */
  readonly jobs: number;
  /** Ends the run. */
  readonly signal: AbortSignal;
  /** Called when tests begin: of a mutant, or before them all without any. */
  readonly onStart?: (what: string) => void;
  /** Called with the result of each mutant, in the order in which they end. */
  readonly onResult?: (result: MutantResult) => void;
}

/** Tests may take this many times as long as without a change, and a minute. */
const PATIENCE = 5;
/** Seconds that unchanged tests may take. */
const LONGEST = 1800;

/**
 * Makes each change in a temporary copy of the project, runs its tests, and takes it back. Before, all tests
 * are run without any change.
 *
 * @param root The folder of the project.
 * @returns The results in the order of the mutants.
 * @throws {UserError} if a text does not occur exactly once, or tests fail without any change or do not exist.
 * @throws The reason of the signal.
 */
export async function runMutants(
  root: string,
  mutants: readonly Mutant[],
  { jobs, signal, onStart = () => {}, onResult = () => {} }: RunOptions,
): Promise<MutantResult[]> {
  const [problem] = await impossible(root, mutants);
  if (problem !== undefined) throw new UserError(problem);
  const place = await Deno.makeTempDir({ prefix: "entropy-mutants-" });
  try {
    const copies = Array.from({ length: jobs }, (_, i) => join(place, String(i)));
    for (const copy of copies) await copyProject(root, copy);

    const choices = new Map(mutants.map((mutant) => [keyOf(mutant), mutant]));
    const durations = new Map<string, number>();
    await inParallel(copies, [...choices], signal, async (copy, [key, choice]) => {
      onStart(`${describeChoice(choice)} without any change`);
      const started = performance.now();
      const outcome = await runTests(copy, choice, LONGEST, signal);
      signal.throwIfAborted();
      if (outcome.kind !== "passed" || outcome.tests === 0) {
        throw new UserError(
          `${describeChoice(choice)} must pass without any change, but ${describe(outcome)}.`,
        );
      }
      durations.set(key, (performance.now() - started) / 1000);
    });

    const results = new Map<Mutant, MutantResult>();
    await inParallel(copies, mutants, signal, async (copy, mutant) => {
      onStart(mutant.what);
      const path = join(copy, mutant.file);
      const original = await Deno.readTextFile(path);
      await Deno.writeTextFile(path, original.split(mutant.text).join(mutant.replacement));
      const started = performance.now();
      const limit = 60 + Math.ceil(PATIENCE * durations.get(keyOf(mutant))!);
      const outcome = await runTests(copy, mutant, limit, signal);
      signal.throwIfAborted();
      await Deno.writeTextFile(path, original);
      const result = { mutant, outcome, seconds: (performance.now() - started) / 1000 };
      results.set(mutant, result);
      onResult(result);
    });
    return mutants.map((mutant) => results.get(mutant)!);
  } finally {
    await Deno.remove(place, { recursive: true });
  }
}

/** Works through items, each by the first of the workers that is free; the first error ends it. */
async function inParallel<Worker, Item>(
  workers: readonly Worker[],
  items: readonly Item[],
  signal: AbortSignal,
  work: (worker: Worker, item: Item) => Promise<void>,
): Promise<void> {
  const left = items.values();
  let failed = false;
  const ends = await Promise.allSettled(workers.map(async (worker) => {
    for (const item of left) {
      signal.throwIfAborted();
      if (failed) return;
      try {
        await work(worker, item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  }));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

function keyOf({ tests, filter }: TestChoice): string {
  return JSON.stringify([tests, filter]);
}

/** Which tests they are, for a person. */
function describeChoice({ tests, filter }: TestChoice): string {
  return tests.join(", ") + (filter === undefined ? "" : ` (${filter})`);
}

function describe(outcome: TestOutcome): string {
  switch (outcome.kind) {
    case "passed":
      return "there is no such test";
    case "failed":
      return `"${outcome.test}" fails`;
    case "broken":
      return outcome.message.replace(/\.$/, "");
  }
}
