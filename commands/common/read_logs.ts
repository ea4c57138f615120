import { resolve } from "node:path";
import { joinExports } from "../../analysis/readers/join.ts";
import { type ReadRunOptions, readRuns } from "../../analysis/readers/read_run.ts";
import { runPath } from "../../analysis/readers/log_name.ts";
import type { Run } from "../../analysis/readers/run.ts";
import { ReadError, UserError } from "../../formats/errors.ts";
import { STANDARD_INPUT } from "../../formats/standard_input.ts";
import { isSystem, printError, sentence, UsageError, withProgress } from "./command.ts";
import { expandInputs, printSkipped } from "./inputs.ts";
import { wantedNames } from "./output_names.ts";

/** More runs than this cannot be told apart in a picture, and want much time and memory. */
const MOST_RUNS = 500;

/** The runs of a command line. */
export interface ReadLogs {
  /** The runs, in the order of the files. */
  readonly runs: readonly Run[];
  /** Why files and exports could not be read, a sentence each, which was also said on stderr. */
  readonly failed: readonly string[];
  /** Says on stderr which files of the folders hold no training log. */
  printSkipped(): void;
}

/**
 * Reads the runs of the logs that a command line names, as {@linkcode expandInputs} finds them. What was
 * named and cannot be read is said on stderr, and the others are read.
 *
 * @param prepared What is wanted of each run, so that what is not needs no memory while the others are read.
 * @throws {UsageError} if nothing is named.
 * @throws {UserError} if there are more than 500 runs.
 */
export async function readLogs(
  names: readonly string[],
  keys: { readonly [name in "entropy-key" | "score-key"]?: string | undefined },
  prepared: (run: Run) => Run,
): Promise<ReadLogs> {
  if (names.length === 0) throw new UsageError("name at least one log file (see --help).");
  const options: ReadRunOptions = {
    ...(keys["entropy-key"] === undefined ? {} : { entropyKey: keys["entropy-key"] }),
    ...(keys["score-key"] === undefined ? {} : { scoreKey: keys["score-key"] }),
  };
  const read: Run[] = [];
  const skipped: string[] = [];
  const failed: string[] = [];
  const fail = (message: string) => {
    printError(message);
    failed.push(message);
  };
  for (const { path, named } of await expandInputs(names)) {
    try {
      const runs = await withProgress(`reading ${path}`, () => readRuns(path, options));
      for (const run of runs) read.push(prepared(run));
    } catch (error) {
      if (!(error instanceof ReadError || isSystem(error))) throw error;
      if (named) fail(error instanceof ReadError ? error.message : `${path}: ${sentence(error)}`);
      else skipped.push(path);
    }
  }
  const runs = joinExports(read, (error) => fail(error.message));
  if (runs.length > MOST_RUNS) {
    throw new UserError(
      `the files hold ${runs.length} runs, expected at most ${MOST_RUNS} in one call: name fewer files, or split the export into files of fewer runs.`,
    );
  }
  return { runs, failed, printSkipped: () => printSkipped(skipped, "no training log") };
}

/** What files about runs are called, without their endings: as their logs; {@linkcode ownName} tells equal ones apart. */
export function logNames(runs: readonly Run[]): string[] {
  const paths = runs.map(({ source }) =>
    source === STANDARD_INPUT ? "-" : resolve(runPath(source))
  );
  return wantedNames(paths, /(?:\.(?:gz|log|out|jsonl?|csv|wandb))*$/);
}
