import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { LabError } from "../errors.ts";
import type { Policy } from "../policy/parameters.ts";
import { loadPolicy, savePolicy } from "../policy/saved.ts";
import type { RewardModel } from "../reward_model.ts";
import { shown } from "../schema.ts";
import { expectSameRun, type RunIdentity } from "./run_identity.ts";
import { removeOtherRewardModels, rewardFolder } from "./run_place.ts";

/** How far a run is. */
export interface RunState {
  /** Rollouts so far. */
  readonly step: number;
  /** Updates of the policy so far. */
  readonly updates: number;
}

/** What a run trains. */
export interface TrainedModels {
  /** The policy. */
  readonly policy: Policy;
  /** PRIME's reward model; none with other algorithms. */
  readonly rewardModel: RewardModel | undefined;
}

/** Where a run's checkpoint is, and whose it is. */
export interface CheckpointPlace {
  /** The folder of the policy's checkpoint; the reward model's lies beside it. */
  readonly folder: string;
  /** The run, and its id. */
  readonly run: RunIdentity & { readonly id: string };
}

const count = z.int().min(0);

/** What a checkpoint knows of its run. */
const SAVED = z.strictObject({
  /** Whose parameters it holds. */
  part: z.enum(["policy", "reward model"]),
  run: z.strictObject({
    id: z.string(),
    configuration: z.record(z.string(), z.unknown()),
    seed: count,
    base: z.strictObject({ model: z.string(), sha256: z.string() }),
  }),
  /** Rollouts so far. */
  step: count,
  /** Updates so far. */
  updates: count,
  /** Updates of PRIME's reward model so far. */
  rewardUpdates: count,
});

type Saved = z.infer<typeof SAVED>;
type Progress = Pick<Saved, "step" | "updates" | "rewardUpdates">;

/**
 * Writes the checkpoint of a run in the place of the one before.
 *
 * @throws {LabError} if a parameter or moment holds NaN or Inf, or a file cannot be written; the checkpoint before
 * stays.
 */
export async function saveRun(
  { folder, run }: CheckpointPlace,
  { policy, rewardModel }: TrainedModels,
  { step, updates }: RunState,
): Promise<void> {
  const progress: Progress = { step, updates, rewardUpdates: rewardModel?.updates ?? 0 };
  // The policy's checkpoint, written last, says which of the reward model's belongs to it.
  if (rewardModel !== undefined) {
    const trainer = { part: "reward model", run, ...progress };
    const saved = { name: "reward model", updates: rewardModel.updates, trainer };
    await savePolicy(rewardModel.policy, rewardFolder(folder, step), saved);
  }
  const trainer = { part: "policy", run, ...progress };
  await savePolicy(policy, folder, { name: "policy", updates, trainer });
  if (rewardModel !== undefined) await removeOtherRewardModels(folder, step);
}

/**
 * Puts back what {@linkcode saveRun} wrote last.
 *
 * @throws {LabError} if a file cannot be read, is not what was written, or is another run's.
 */
export async function loadRun(
  place: CheckpointPlace,
  { policy, rewardModel }: TrainedModels,
): Promise<RunState> {
  const state = await loadPart(place, "policy", policy);
  if (rewardModel !== undefined) {
    const folder = rewardFolder(place.folder, state.step);
    const rewardState = await loadPart({ ...place, folder }, "reward model", rewardModel.policy);
    if (!isDeepStrictEqual(rewardState, state)) {
      throw new LabError(
        `${folder} is of ${describe(rewardState)}, expected ${
          describe(state)
        } as in ${place.folder}.`,
      );
    }
    rewardModel.updates = state.rewardUpdates;
  }
  return { step: state.step, updates: state.updates };
}

async function loadPart(
  { folder, run }: CheckpointPlace,
  part: Saved["part"],
  policy: Policy,
): Promise<Progress> {
  const { step, updates, rewardUpdates } = await loadPolicy(policy, folder, SAVED, (saved) => {
    expectSameRun(folder, saved.run, run);
    if (saved.run.id !== run.id) {
      throw new LabError(`${folder} is of the run ${shown(saved.run.id)}, expected ${run.id}.`);
    }
    if (saved.part === part) return;
    throw new LabError(`${folder} holds the run's ${saved.part}, expected its ${part}.`);
  });
  return { step, updates, rewardUpdates };
}

function describe({ step, updates, rewardUpdates }: Progress): string {
  return `step ${step} with ${updates} updates and ${rewardUpdates} of the reward model`;
}
