import { z } from "zod";
import { parseJsonObject } from "../../../formats/json_object.ts";
import { LabError } from "../errors.ts";
import { modelConfig, nonEmbeddingParameters } from "../families.ts";
import type { StudyRun } from "./study_run.ts";

/** How long a run took. It is in no log: it would differ from run to run. */
export interface Timing {
  /** The run's name. */
  readonly run: string;
  /** Seconds of a step, validations included. */
  readonly secondsPerStep: number;
}

const TIMING = z.strictObject({ run: z.string(), secondsPerStep: z.number().positive() });

/**
 * Appends how long a run took to a file, which is made where it is missing; processes may do so at once.
 *
 * @throws {LabError} if the file cannot be written.
 */
export async function recordTiming(path: string, timing: Timing): Promise<void> {
  try {
    using file = await Deno.open(path, { append: true, create: true });
    // On a disk that several machines share, only the lock keeps them from one place.
    await file.lock(true);
    await file.write(new TextEncoder().encode(JSON.stringify(timing) + "\n"));
  } catch (error) {
    throw new LabError(`${path} cannot be written: ${(error as Error).message}.`);
  }
}

/**
 * How long runs took that are finished, in the order in which they ended; none where there is no file. A line that is
 * no timing, as one that a full disk cut, is passed over: estimates are made from these, and nothing else.
 *
 * @throws {LabError} if the file cannot be read.
 */
export async function readTimings(path: string): Promise<Timing[]> {
  try {
    return (await Deno.readTextFile(path)).split("\n").flatMap((line) => {
      const timing = TIMING.safeParse(parseJsonObject(line));
      return timing.success ? [timing.data] : [];
    });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw new LabError(`${path} cannot be read: ${(error as Error).message}.`);
  }
}

/** What of a step does not grow with the model: a 0.5B counterpart's takes a fifth of a 7B's. */
const PARAMETERS_OF_NOTHING = 12_000;

/** How much a step of a run is, roughly: responses times parameters, twice that with a reward model. */
export function costOfStep({ settings }: StudyRun): number {
  const { model, prompts, group, algorithm } = settings;
  const parameters = PARAMETERS_OF_NOTHING + nonEmbeddingParameters(modelConfig(model));
  return prompts * group * parameters * (algorithm === "prime" ? 2 : 1);
}

/** Seconds for a unit of {@linkcode costOfStep}: the median over runs that are done; undefined before the first. */
export function secondsPerCost(
  runs: readonly StudyRun[],
  timings: readonly Timing[],
): number | undefined {
  const costs = new Map(runs.map((run) => [run.name, costOfStep(run)]));
  const rates = timings.flatMap(({ run, secondsPerStep }) =>
    costs.has(run) ? [secondsPerStep / costs.get(run)!] : []
  ).sort((a, b) => a - b);
  return rates[Math.floor(rates.length / 2)];
}
