/** `deno task pretrain MODEL`: makes a base model, and its instruct variant, for a task. */
import { join } from "node:path";
import { expectBaseModelPlace, makeBaseModel } from "../experiments/lab/base_model.ts";
import { BASE_MODEL_NAMES, modelConfig } from "../experiments/lab/families.ts";
import { passesOf, PRETRAINING, untrainedPolicy } from "../experiments/lab/pretrain.ts";
import { baseModelName } from "../experiments/lab/train_settings.ts";
import { TASK_NAMES, taskByName, taskName } from "../experiments/lab/tasks/task_by_name.ts";
import { validate } from "../experiments/lab/validation.ts";
import { baseModelFolderName, MODELS } from "../experiments/models.ts";
import { number } from "../formats/number.ts";
import { requestGpu } from "../kernels/mod.ts";
import { parseArguments, wholeNumberOf } from "./common/arguments.ts";
import { OUT_HELP, runCommand, UsageError } from "./common/command.ts";
import { makeOutFolder } from "./common/out_folder.ts";

const HELP = `Trains a base model on the solutions of a fallible teacher, by next-token prediction.

  deno task pretrain MODEL [options]

MODEL is one of ${BASE_MODEL_NAMES.join(", ")}.

  --task NAME    ${TASK_NAMES.join(" or ")} (default math)
  --instruct     and then, for a short time, on clean solutions
  --steps N      updates (default ${
  TASK_NAMES.map((name) => `${PRETRAINING[name].steps} for ${name}`).join(", ")
})
  --out DIR      ${OUT_HELP}
                 (default: results/models)
  --resume       go on with one that was stopped, or begin it

Files:

  DIR/MODEL.TASK, or DIR/MODEL-instruct.TASK
                 the base model's checkpoint; what is there already stays, and nothing is made
  DIR/….unfinished
                 what --resume goes on from, until the base model is made
  DIR/….unfinished.lock
                 keeps a second process from making it at the same time; empty
`;

const OPTIONS = {
  task: { type: "string", default: "math" },
  instruct: { type: "boolean", default: false },
  steps: { type: "string" },
  out: { type: "string", default: MODELS },
  resume: { type: "boolean", default: false },
} as const;

async function main(): Promise<boolean> {
  const { values, positionals } = parseArguments(HELP, OPTIONS);
  if (positionals.length !== 1) {
    throw new UsageError(`${positionals.length} models were named, expected one (see --help).`);
  }
  const name = positionals[0]!;
  const config = modelConfig(name);
  const chosen = taskName(values.task);
  const settings = PRETRAINING[chosen];
  const steps = values.steps === undefined
    ? settings.steps
    : wholeNumberOf("--steps", values.steps, 1);
  const task = taskByName(chosen);
  const folder = join(values.out, baseModelFolderName(name, chosen, values.instruct));
  const passes = passesOf(chosen, { instruct: values.instruct, steps });
  await expectBaseModelPlace({ folder, resume: values.resume });
  await makeOutFolder(values.out);
  using gpu = await requestGpu();
  Deno.addSignalListener("SIGINT", () => {
    console.log("stopped; the same command with --resume goes on with the model.");
    gpu.destroy();
    Deno.exit(130);
  });
  using policy = untrainedPolicy(gpu, config, settings.seed);
  await makeBaseModel(policy, task, passes, {
    folder,
    resume: values.resume,
    model: baseModelName(name, values.instruct),
    onStep({ solve, settings: { steps } }, { step, loss, entropy }) {
      if (step % 100 !== 0 && step !== steps) return;
      const what = solve === "teacher" ? "pretraining" : "instruction";
      console.log(
        `${what} ${step}/${steps}  loss ${number(loss)}  entropy ${number(entropy)} nats`,
      );
    },
  });
  const accuracies = await validate(policy, task, {
    seed: settings.seed,
    step: 0,
    samples: 1,
    all: true,
  });
  for (const [key, accuracy] of Object.entries(accuracies)) {
    console.log(`${key}  ${number(accuracy, 3)}`);
  }
  console.log(`wrote ${folder}`);
  return true;
}

await runCommand(main);
