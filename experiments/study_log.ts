import { join } from "node:path";
import { type Pair, pairs } from "../analysis/pairs.ts";
import type { Curve } from "../analysis/paper_data.ts";
import { readRun } from "../analysis/readers/read_run.ts";
import { UserError } from "../formats/errors.ts";
import { exists } from "./lab/checkpoint.ts";
import type { StudyRun } from "./lab/study/study_run.ts";
import { LOGS } from "./models.ts";

/** A finished run of the study, as its raw log tells it. */
export interface StudyLog {
  /** The run. */
  readonly run: StudyRun;
  /** H and R of each validation by the paper's definitions and protocol. */
  readonly pairs: readonly Pair[];
  /** What was logged, by key: a value for each step that has it. */
  readonly curves: ReadonlyMap<string, Curve>;
}

/**
 * Reads the log of a run.
 *
 * @throws {UserError} if it is not there, or not as a run writes it.
 */
export async function readStudyLog(run: StudyRun): Promise<StudyLog> {
  const plain = join(LOGS, `${run.name}.jsonl`);
  const path = await exists(plain) ? plain : `${plain}.gz`;
  const text = await readText(path);
  if (text === undefined) {
    throw new UserError(`there is no log ${plain}; deno task study ${run.name} makes it.`);
  }
  const curves = new Map<string, Curve>();
  for (const line of text.split("\n").slice(1, -1)) {
    const { step, data } = JSON.parse(line) as { step: number; data: Record<string, number> };
    for (const [key, value] of Object.entries(data)) {
      curves.getOrInsertComputed(key, () => []).push({ step, value });
    }
  }
  return { run, curves, pairs: pairs(await readRun(path)) };
}

async function readText(path: string): Promise<string | undefined> {
  try {
    const { readable } = await Deno.open(path);
    const gzip = new DecompressionStream("gzip");
    return await new Response(path.endsWith(".gz") ? readable.pipeThrough(gzip) : readable).text();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new UserError(`${path} cannot be read: ${(error as Error).message}.`);
  }
}
