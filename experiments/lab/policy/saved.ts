import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import { readCheckpoint, type Trainer, writeCheckpoint } from "../checkpoint.ts";
import { LabError } from "../errors.ts";
import { expectFinite } from "../finite.ts";
import { shown } from "../schema.ts";
import { type Policy, policyState, restorePolicy } from "./parameters.ts";

/** What is saved with a policy. */
export interface SavedState {
  /** Whose parameters, as an error's sentence is to name them. */
  readonly name: string;
  /** How many updates the optimizer made. */
  readonly updates: number;
  /** What the training knows beside. */
  readonly trainer: Trainer;
}

/**
 * Writes a policy with its optimizer into a folder, so that training can go on from it.
 *
 * @throws {LabError} if a parameter or moment holds NaN or Inf, or the checkpoint cannot be written; the one
 * before stays.
 */
export async function savePolicy(
  policy: Policy,
  folder: string,
  { name, updates, trainer }: SavedState,
): Promise<void> {
  const { parameters, firstMoments, secondMoments } = await policyState(policy);
  for (const tensors of [parameters, firstMoments, secondMoments]) {
    for (const [tensor, { data }] of tensors) expectFinite(`the ${name}'s ${tensor}`, data);
  }
  await writeCheckpoint(folder, {
    config: policy.config,
    parameters,
    optimizer: { step: updates, firstMoments, secondMoments },
    trainer,
  });
}

/**
 * Puts back what {@linkcode savePolicy} wrote.
 *
 * @param schema What the training knew beside.
 * @param check Throws if that is not of this training; the policy is then as it was.
 * @returns What the training knew beside.
 * @throws {LabError} if the checkpoint cannot be read, is damaged, of a policy alone or of another architecture.
 */
export async function loadPolicy<T extends Trainer>(
  policy: Policy,
  folder: string,
  schema: z.ZodType<T>,
  check: (trainer: T) => void,
): Promise<T> {
  const { config, parameters, optimizer, trainer } = await readCheckpoint(folder, schema);
  if (optimizer === undefined || trainer === undefined) {
    throw new LabError(
      `${folder} has no state of optimizer and trainer, expected the checkpoint of a run.`,
    );
  }
  check(trainer);
  for (const [name, value] of Object.entries(policy.config)) {
    const saved = config[name as keyof typeof config];
    if (isDeepStrictEqual(saved, value)) continue;
    throw new LabError(
      `${folder} is of a policy with ${name} ${shown(saved)}, expected ${shown(value)}.`,
    );
  }
  restorePolicy(policy, { parameters, ...optimizer });
  return trainer;
}
