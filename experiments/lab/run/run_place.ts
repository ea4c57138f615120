import { basename, dirname, join } from "node:path";
import {
  expectWritable,
  hasCheckpoint,
  PREVIOUS,
  removeCheckpoint,
  WRITING,
} from "../checkpoint.ts";
import { LabError } from "../errors.ts";
import { BEGIN_ANOTHER, inspectLog } from "./log_file.ts";

/** What a run writes, and whether it goes on. */
export interface RunPlace {
  /** The run's log, `….jsonl`. */
  readonly log: string;
  /** The folder of the run's own checkpoint. */
  readonly checkpoint: string;
  /** Go on with the run from its checkpoint, or begin it where there is neither checkpoint nor log. */
  readonly resume: boolean;
}

/**
 * Throws unless a run can be begun, or gone on with, without touching what is not this run's: a log is never
 * written to without its checkpoint, and the other way round. Nothing is changed.
 *
 * @throws {LabError} saying what is there, and what can be done without losing it.
 */
export async function expectRunPlace({ log, checkpoint, resume }: RunPlace): Promise<void> {
  const state = await inspectLog(log);
  if (!await hasCheckpoint(checkpoint)) {
    if (state === "begun") {
      throw new LabError(
        `${log} is there already, and has no checkpoint to go on from: it is left as it is, ` +
          `${BEGIN_ANOTHER}.`,
      );
    }
    const own = basename(rewardFolder(checkpoint, 0));
    const left = (await rewardModels(checkpoint)).find((name) => name !== own);
    if (left !== undefined) throw isThere(join(dirname(checkpoint), left), "");
  } else if (!resume) {
    const what = state === "begun" ? log : checkpoint;
    throw isThere(what, "--resume goes on with it, ");
  } else if (state === "missing") {
    throw new LabError(
      `there is no log ${log}, expected that of the checkpoint ${checkpoint}; ${BEGIN_ANOTHER}.`,
    );
  }
  await expectWritable(checkpoint);
}

/**
 * Throws if there is a checkpoint at the place of a new run's, such as one that another process wrote meanwhile.
 *
 * @throws {LabError} naming it.
 */
export async function expectNoCheckpoint(checkpoint: string): Promise<void> {
  if (await hasCheckpoint(checkpoint)) throw isThere(checkpoint, "");
}

function isThere(path: string, hint: string): LabError {
  return new LabError(
    `${path} is there already, expected nothing at the place of a new run; ${hint}${BEGIN_ANOTHER}.`,
  );
}

/** Where the checkpoint of PRIME's reward model at a step lies: beside that of the run's policy. */
export function rewardFolder(checkpoint: string, step: number): string {
  return `${checkpoint}${REWARD_MODEL}${step}`;
}

/**
 * Removes the reward models of other checkpoints than that of a step, and what a killed process left of one.
 *
 * @throws {LabError} if one cannot be removed, or is anything but a checkpoint, which is left as it is.
 */
export async function removeOtherRewardModels(checkpoint: string, step: number): Promise<void> {
  const own = basename(rewardFolder(checkpoint, step));
  for (const name of await rewardModels(checkpoint)) {
    if (name !== own) await removeCheckpoint(join(dirname(checkpoint), name));
  }
}

/**
 * Removes the checkpoint of a run that is finished, with its reward model.
 *
 * @throws {LabError} if something cannot be removed, or is anything but a checkpoint, which is left as it is.
 */
export async function removeRunCheckpoint(checkpoint: string): Promise<void> {
  for (const name of await rewardModels(checkpoint)) {
    await removeCheckpoint(join(dirname(checkpoint), name));
  }
  await removeCheckpoint(checkpoint);
}

const REWARD_MODEL = ".reward-model-";

const ENDING = new RegExp(`^(0|[1-9]\\d*)(?:\\${WRITING}|\\${PREVIOUS})?$`);

/** The names of the folders of a run's reward models, without what is left of writing one. */
async function rewardModels(checkpoint: string): Promise<string[]> {
  const folder = dirname(checkpoint);
  const start = basename(checkpoint) + REWARD_MODEL;
  const names = new Set<string>();
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (!name.startsWith(start)) continue;
      const [, step] = name.slice(start.length).match(ENDING) ?? [];
      if (step !== undefined) names.add(start + step);
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return [];
    }
    throw new LabError(`${folder} cannot be read: ${(error as Error).message}.`);
  }
  return [...names];
}
