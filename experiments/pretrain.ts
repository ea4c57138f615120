/** `deno task pretrain MODEL`: makes a base model, and its instruct variant, for a task. */
import { parseArgs } from "node:util";
import { number, UsageError } from "../analysis/cli/command.ts";
import { requestGpu } from "../kernels/mod.ts";
import { runLabCommand } from "./command.ts";
import { writeCheckpoint } from "./lab/checkpoint.ts";
import { validate } from "./lab/experience.ts";
import { BASE_MODEL_NAMES, modelConfig } from "./lab/families.ts";
import { policyState } from "./lab/policy/parameters.ts";
import {
  INSTRUCTION,
  pretrain,
  PRETRAINING,
  type PretrainSettings,
  untrainedPolicy,
} from "./lab/pretrain.ts";
import { TASK_NAMES, taskByName, taskName } from "./lab/tasks/by_name.ts";
import { baseModelFolder } from "./models.ts";

const HELP = `Trains a base model on the solutions of a fallible teacher, by next-token prediction.

  deno task pretrain MODEL [options]

MODEL is one of ${BASE_MODEL_NAMES.join(", ")}.

  --task NAME    ${TASK_NAMES.join(" or ")} (default math)
  --instruct     train on, for a short time, on clean solutions
  --steps N      updates (default ${
  TASK_NAMES.map((name) => `${PRETRAINING[name].steps} for ${name}`).join(", ")
})
  --out DIR      where the checkpoint goes (default results/models/MODEL.TASK)
`;

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: {
      task: { type: "string", default: "math" },
      instruct: { type: "boolean", default: false },
      steps: { type: "string" },
      out: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return true;
  }
  if (positionals.length !== 1) {
    throw new UsageError(`${positionals.length} models were named, expected one (see --help).`);
  }
  const name = positionals[0]!;
  const config = modelConfig(name);
  const chosen = taskName(values.task);
  const settings = PRETRAINING[chosen];
  const steps = Number(values.steps ?? settings.steps);
  if (!Number.isSafeInteger(steps) || steps < 1) {
    throw new UsageError(`--steps is ${values.steps}, expected a positive whole number.`);
  }
  const task = taskByName(chosen);
  using gpu = await requestGpu();
  using policy = untrainedPolicy(gpu, config, settings.seed);
  const run = async (what: string, solve: "teacher" | "clean", settings: PretrainSettings) => {
    await pretrain(policy, task, solve, settings, ({ step, loss, entropy }) => {
      if (step % 100 !== 0 && step !== settings.steps) return;
      const numbers = `loss ${number(loss)}  entropy ${number(entropy)} nats`;
      console.log(`${what} ${step}/${settings.steps}  ${numbers}`);
    });
  };
  await run("pretraining", "teacher", { ...settings, steps });
  if (values.instruct) await run("instruction", "clean", INSTRUCTION);
  const folder = values.out ?? baseModelFolder(name, chosen, values.instruct);
  const { parameters } = await policyState(policy);
  await writeCheckpoint(folder, { config, parameters });
  for (const [key, accuracy] of Object.entries(await validate(policy, task, settings.seed, 0))) {
    console.log(`${key}  ${number(accuracy, 3)}`);
  }
  console.log(`wrote ${folder}`);
  return true;
}

await runLabCommand(main);
