import type { Gpu } from "../../../kernels/mod.ts";
import { readCheckpoint } from "../checkpoint.ts";
import { createPolicy, valuesOf } from "../policy/parameters.ts";
import { pretrain, type PretrainSettings } from "../pretrain.ts";
import type { Task } from "../tasks/task.ts";
import { validate } from "../validation.ts";

/** How a base model is trained on right answers alone. */
export const SUPERVISION: PretrainSettings = {
  steps: 2500,
  batch: 128,
  learningRate: 3e-3,
  seed: 3,
};

/**
 * The greedy accuracy, a fraction by benchmark, that a base model comes to when it is shown right responses to the
 * problems that RL has: what RL falls short of it is not for want of parameters.
 *
 * @param base The folder of the base model.
 * @throws {LabError} if the base model cannot be read, or a gradient holds NaN or Inf.
 */
export async function capacityOf(
  gpu: Gpu,
  task: Task,
  base: string,
): Promise<Record<string, number>> {
  const { config, parameters } = await readCheckpoint(base);
  using policy = createPolicy(gpu, config, valuesOf(parameters));
  const pass = { solve: "clean", settings: SUPERVISION } as const;
  await pretrain(policy, task, pass, { after: 0, async onStep() {} });
  const accuracies = await validate(policy, task, {
    seed: SUPERVISION.seed,
    step: 0,
    samples: 1,
    all: true,
  });
  const greedy = Object.entries(accuracies).filter(([key]) => key.includes("/greedy/"));
  return Object.fromEntries(greedy.map(([key, accuracy]) => [key.split("/")[2]!, accuracy!]));
}
