/** `deno task pretrain MODEL`: makes a base model, and its instruct variant, for a task. */
import { parseArgs } from "node:util";
import { number, UsageError } from "../analysis/cli/command.ts";
import { requestGpu } from "../kernels/mod.ts";
import { runLabCommand } from "./command.ts";
import { makeBaseModel } from "./lab/base_model.ts";
import { validate } from "./lab/experience.ts";
import { BASE_MODEL_NAMES, modelConfig } from "./lab/families.ts";
import { INSTRUCTION, type Pass, PRETRAINING, untrainedPolicy } from "./lab/pretrain.ts";
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
  --resume       go on with one that was stopped, or begin it
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
      resume: { type: "boolean", default: false },
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
  const folder = values.out ?? baseModelFolder(name, chosen, values.instruct);
  const passes: Pass[] = [{ solve: "teacher", settings: { ...settings, steps } }];
  if (values.instruct) passes.push({ solve: "clean", settings: INSTRUCTION });
  using gpu = await requestGpu();
  using policy = untrainedPolicy(gpu, config, settings.seed);
  await makeBaseModel(policy, task, passes, {
    folder,
    resume: values.resume,
    onStep({ solve, settings: { steps } }, { step, loss, entropy }) {
      if (step % 100 !== 0 && step !== steps) return;
      const what = solve === "teacher" ? "pretraining" : "instruction";
      console.log(
        `${what} ${step}/${steps}  loss ${number(loss)}  entropy ${number(entropy)} nats`,
      );
    },
  });
  for (const [key, accuracy] of Object.entries(await validate(policy, task, settings.seed, 0))) {
    console.log(`${key}  ${number(accuracy, 3)}`);
  }
  console.log(`wrote ${folder}`);
  return true;
}

await runLabCommand(main);
