import { readCheckpoint, writeCheckpoint } from "../checkpoint.ts";
import { LabError } from "../errors.ts";
import { expectFinite } from "../finite.ts";
import { type Policy, policyState, restorePolicy } from "./parameters.ts";

/**
 * Writes a policy with its optimizer, so that training can go on from it.
 *
 * @param name Whose parameters, as an error's sentence is to begin.
 * @param updates How many updates the optimizer made.
 * @param trainer What the training knows beside.
 * @throws {LabError} if a parameter or moment holds NaN or Inf, or the checkpoint cannot be written; the one
 * before stays.
 */
export async function savePolicy(
  name: string,
  policy: Policy,
  folder: string,
  updates: number,
  trainer: unknown,
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
 * @returns What the training knew beside.
 * @throws {LabError} if the checkpoint cannot be read, or is one of a policy alone.
 */
export async function loadPolicy(policy: Policy, folder: string): Promise<unknown> {
  const { parameters, optimizer, trainer } = await readCheckpoint(folder);
  if (optimizer === undefined || trainer === undefined) {
    throw new LabError(
      `${folder} has no state of optimizer and trainer, expected the checkpoint of a run.`,
    );
  }
  restorePolicy(policy, { parameters, ...optimizer });
  return trainer;
}
