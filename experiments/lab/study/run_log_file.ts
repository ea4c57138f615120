import { isDeepStrictEqual } from "node:util";
import { isObject, parseJsonObject } from "../../../formats/json_object.ts";
import { LabError } from "../errors.ts";
import { shown } from "../schema.ts";
import type { StudyRun } from "./study_run.ts";

/** What a finished log has of a step. */
export interface LoggedStep {
  /** Its number, from 1. */
  readonly step: number;
  /** What was logged, by key; a number that is not finite is null. */
  readonly data: Readonly<Record<string, number | null>>;
}

/** Without these nothing tells which run a log is of. */
const NAMING = ["model", "task", "algorithm", "intervention", "seed"] as const;

const AGAIN = "move it away to have it made anew";

/**
 * Throws unless a file is the finished log of a run: begins with its settings, and ends with its last step. A log from
 * before there was a setting may lack it.
 *
 * @throws {LabError} in a sentence, also where the file cannot be read.
 */
export async function expectFinishedLog(path: string, run: StudyRun): Promise<void> {
  const text = await readText(path);
  expectSettings(path, text.slice(0, text.indexOf("\n")), run);
  const last = text.slice(text.lastIndexOf("\n", text.length - 2) + 1);
  const { steps } = run.settings;
  const step = last.endsWith("\n") ? parseJsonObject(last.trimEnd())?.["step"] : undefined;
  if (step === steps) return;
  throw new LabError(
    `${path} ends with ${
      typeof step === "number" ? `step ${step}` : `the line ${shown(last.trimEnd())}`
    }, expected step ${steps}; ${AGAIN}.`,
  );
}

/**
 * The steps of a finished log: all of them, each once and in order.
 *
 * @throws {LabError} in a sentence that names the first line that is not as a run writes it.
 */
export async function readFinishedLog(path: string, run: StudyRun): Promise<LoggedStep[]> {
  const lines = (await readText(path)).split("\n");
  expectSettings(path, lines[0]!, run);
  const steps: LoggedStep[] = [];
  for (const [i, line] of lines.slice(0, -1).entries()) {
    const row = parseJsonObject(line);
    // The settings stand at the beginning and where the run was gone on with by other code.
    if (isObject(row?.["run"])) continue;
    const { step, data } = row ?? {};
    const isStep = step === steps.length + 1 && isObject(data) &&
      Object.values(data).every((value) => value === null || typeof value === "number");
    if (!isStep) {
      throw new LabError(
        `${path}: line ${i + 1} is ${shown(line)}, expected step ${
          steps.length + 1
        } and its numbers; ${AGAIN}.`,
      );
    }
    steps.push({ step, data: data as LoggedStep["data"] });
  }
  if (steps.length < run.settings.steps) {
    throw new LabError(
      `${path} has ${steps.length} whole steps, expected ${run.settings.steps}; ${AGAIN}.`,
    );
  }
  return steps;
}

/** The text of a log, plain or compressed. */
async function readText(path: string): Promise<string> {
  try {
    const { readable } = await Deno.open(path);
    const gzip = new DecompressionStream("gzip");
    return await new Response(path.endsWith(".gz") ? readable.pipeThrough(gzip) : readable).text();
  } catch (error) {
    throw new LabError(`${path} cannot be read: ${(error as Error).message}; ${AGAIN}.`);
  }
}

/** Throws unless a log's first line has the settings of a run. */
function expectSettings(path: string, line: string, { settings }: StudyRun): void {
  const run = parseJsonObject(line)?.["run"];
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
      }; ${AGAIN}.`,
    );
  }
  const lacking = NAMING.find((name) => !(name in configuration));
  if (lacking !== undefined) {
    throw new LabError(
      `${path} does not tell its ${lacking}, expected ${shown(expected[lacking])}; ${AGAIN}.`,
    );
  }
}
