import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ByteSource } from "../../../formats/byte_source.ts";
import { isObject, parseJsonObject } from "../../../formats/json_object.ts";
import { exists } from "../checkpoint.ts";
import { LabError } from "../errors.ts";
import { shown } from "../schema.ts";
import type { StudyRun } from "./study_run.ts";

/**
 * The runs that have no finished log yet.
 *
 * @param logs The folder of finished logs.
 * @throws {LabError} if what is there under the name of a run is not its log.
 * @throws {ReadError} if it cannot be read.
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
 * @throws {ReadError} as {@linkcode missingRuns}.
 */
export async function isFinished(run: StudyRun, logs: string): Promise<boolean> {
  for (const ending of [".jsonl", ".jsonl.gz"]) {
    const path = join(logs, run.name + ending);
    if (!await exists(path)) continue;
    await expectLogOf(path, run);
    return true;
  }
  return false;
}

/** No first line of a log is longer, in bytes. */
const LONGEST_FIRST_LINE = 65_536;

/** Throws if a log was made with other settings; one from before there was a setting may lack it. */
async function expectLogOf(path: string, { settings }: StudyRun): Promise<void> {
  await using source = await ByteSource.open(path);
  const text = new TextDecoder().decode(await source.head(LONGEST_FIRST_LINE));
  const run = parseJsonObject(text.slice(0, text.indexOf("\n")))?.["run"];
  const configuration = isObject(run) ? run["configuration"] : undefined;
  if (!isObject(configuration)) {
    throw new LabError(`${path} does not begin with a run's settings; move it away.`);
  }
  const expected: Readonly<Record<string, unknown>> = { ...settings };
  for (const [name, value] of Object.entries(configuration)) {
    if (isDeepStrictEqual(value, expected[name])) continue;
    throw new LabError(
      `${path} was made with ${name} ${shown(value)}, expected ${
        name in expected ? shown(expected[name]) : "no such setting"
      }; move it away to have it made anew.`,
    );
  }
}
