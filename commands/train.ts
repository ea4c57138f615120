/** `deno task train`: one run of RL in the lab, from a base model to a raw log. */
import { join } from "node:path";
import { type Arguments, expectNoOthers, parseArguments } from "./common/arguments.ts";
import { OUT_HELP, runCommand } from "./common/command.ts";
import { requestGpu } from "../kernels/mod.ts";
import { hasCheckpoint } from "../experiments/lab/checkpoint.ts";
import { LabError } from "../experiments/lab/errors.ts";
import {
  describeSettings,
  parseSetting,
  runId,
  type TrainSettings,
  trainSettings,
} from "../experiments/lab/train_settings.ts";
import { expectRunPlace } from "../experiments/lab/run/run_place.ts";
import { train } from "../experiments/lab/train.ts";
import { baseModelFolder, RUNS } from "../experiments/models.ts";
import { codeVersion } from "./common/code_version.ts";
import { makeOutFolder } from "./common/out_folder.ts";
import { showProgress } from "./common/progress.ts";

/** Settings that have an option of their own. */
const SETTINGS = [
  "model",
  "task",
  "mixture",
  "algorithm",
  "intervention",
  "definition",
  "steps",
  "seed",
] as const;

const OPTIONS = {
  ...Object.fromEntries(SETTINGS.map((name) => [name, { type: "string" }])) as Record<
    typeof SETTINGS[number],
    { type: "string" }
  >,
  set: { type: "string", multiple: true, default: [] as string[] },
  base: { type: "string" },
  out: { type: "string", default: RUNS },
  resume: { type: "boolean", default: false },
} as const;

const HELP = `Trains a policy by RL, and writes the run's raw log and checkpoint.

  deno task train [options]

  deno task train --model qwen2.5-7b --algorithm grpo --intervention kl-cov --steps 400 --seed 1
  deno task train --intervention clip-cov --set clipCovRatio=0.01 --set learningRate=1e-4 --out slow

Options:

  ${SETTINGS.map((name) => `--${name}`).join(", ").replace(/(.{60,}?) /, "$1\n  ")}
                   the settings of these names, below
  --set KEY=VALUE  any setting below, as often as needed
  --base DIR       the base model's checkpoint (default results/models/MODEL.TASK)
  --out DIR        ${OUT_HELP}
                   (default: runs)
  --resume         go on with a run that was stopped, or begin it
  --help           this text

Settings and their defaults:

${
  describeSettings().map(({ name, value, meaning, choices }) =>
    `  ${`${name}=${value}`.padEnd(27)} ${meaning}` +
    (choices.length === 0 ? "" : `:\n${" ".repeat(30)}${choices.join(", ")}`)
  ).join("\n")
}

Files:

  DIR/MODEL.TASK.ALGORITHM.INTERVENTION.seedN.jsonl
                   the log: all settings, code and adapter in the first line, then a line for each
                   step; deno task fit and deno task diagnose read it. Larger than 250 kB, it is
                   compressed to .jsonl.gz at the end.
  DIR/….checkpoint the policy and its optimizer, at the beginning, every checkpointEvery steps and
                   at the end; it belongs to that log and base model, and is no other run's

A log that is there already stays: only --resume adds to it, and only from its own checkpoint. A run
that was stopped, by whatever, goes on from its checkpoint when it is called again with
--resume and the same settings. Its log is then the same, line for line, as that of a run that was
not stopped, on the same adapter.
`;

async function main(): Promise<boolean> {
  const { values, positionals } = parseArguments(HELP, OPTIONS);
  expectNoOthers(positionals);
  const settings = readSettings(values);
  const id = runId(settings);
  const base = values.base ?? baseModelFolder(settings.model, settings.task, settings.instruct);
  if (!await hasCheckpoint(base)) {
    throw new LabError(`there is no checkpoint ${base}; deno task pretrain makes base models.`);
  }
  const place = {
    log: join(values.out, `${id}.jsonl`),
    checkpoint: join(values.out, `${id}.checkpoint`),
    resume: values.resume,
  };
  await expectRunPlace(place);
  await makeOutFolder(values.out);
  const progress = showProgress(settings);
  using gpu = await requestGpu();
  Deno.addSignalListener("SIGINT", () => {
    progress.end();
    console.log("stopped; the same command with --resume goes on with the run.");
    gpu.destroy();
    Deno.exit(130);
  });
  let taken = 0;
  const path = await train(gpu, settings, {
    ...place,
    base,
    codeVersion: await codeVersion(),
    onStep(...step) {
      taken++;
      progress.step(...step);
    },
  }).finally(progress.end);
  console.log(
    taken > 0 ? `wrote ${path}` : `${path} is finished: it has all ${settings.steps} steps.`,
  );
  return true;
}

function readSettings(values: Arguments<typeof OPTIONS>["values"]): TrainSettings {
  const texts = [
    ...SETTINGS.filter((name) => values[name] !== undefined).map((name) =>
      `${name}=${values[name]}`
    ),
    ...values.set,
  ];
  return trainSettings(Object.fromEntries(texts.map(parseSetting)));
}

await runCommand(main);
