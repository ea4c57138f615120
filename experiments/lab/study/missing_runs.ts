import { join } from "node:path";
import { exists } from "../checkpoint.ts";
import { expectFinishedLog } from "./run_log_file.ts";
import type { StudyRun } from "./study_run.ts";

/**
 * The runs that have no finished log yet.
 *
 * @param logs The folder of finished logs.
 * @throws {LabError} if what is there under the name of a run is not its log, whole.
 */
export async function missingRuns<Run extends StudyRun>(
  runs: readonly Run[],
  logs: string,
): Promise<Run[]> {
  const missing: Run[] = [];
  for (const run of runs) {
    if (!await isFinished(run, logs)) missing.push(run);
  }
  return missing;
}

/**
 * Whether a run has a finished log.
 *
 * @throws {LabError} as {@linkcode missingRuns}.
 */
export async function isFinished(run: StudyRun, logs: string): Promise<boolean> {
  for (const ending of [".jsonl", ".jsonl.gz"]) {
    const path = join(logs, run.name + ending);
    if (!await exists(path)) continue;
    await expectFinishedLog(path, run);
    return true;
  }
  return false;
}
