/** `deno task train`: one run of RL in the lab, from a base model to a raw log. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { number } from "../analysis/cli/command.ts";
import { requestGpu } from "../kernels/mod.ts";
import { runLabCommand } from "./command.ts";
import { describeSettings, parseSetting, runId, trainSettings } from "./lab/settings.ts";
import type { StepData } from "./lab/step_data.ts";
import { type StepTiming, train } from "./lab/train.ts";
import { baseModelFolder, codeVersion, LOGS } from "./models.ts";

/** Settings that have an option of their own. */
const OPTIONS = [
  "model",
  "task",
  "mixture",
  "algorithm",
  "intervention",
  "definition",
  "steps",
  "seed",
] as const;

const HELP = `Trains a policy by RL and writes its raw log.

  deno task train [options]

${OPTIONS.map((name) => `  --${name.padEnd(14)} as --set ${name}=…`).join("\n")}
  --set KEY=VALUE  any other setting, as often as needed
  --base DIR       the base model's checkpoint (default results/models/MODEL.TASK)
  --out DIR        where log and checkpoint go (default results/logs)
  --resume         go on with a run that was stopped

Settings and their defaults:

${
  describeSettings().map(({ name, value, meaning }) =>
    `  ${`${name}=${value}`.padEnd(28)} ${meaning}`
  ).join("\n")
}
`;

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      ...Object.fromEntries(OPTIONS.map((name) => [name, { type: "string" } as const])),
      set: { type: "string", multiple: true, default: [] },
      base: { type: "string" },
      out: { type: "string", default: LOGS },
      resume: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  }) as { values: Record<string, unknown> & CommandValues };
  if (values.help) {
    console.log(HELP);
    return true;
  }
  const texts = [
    ...OPTIONS.filter((name) => values[name] !== undefined).map((name) =>
      `${name}=${values[name]}`
    ),
    ...values.set,
  ];
  const settings = trainSettings(Object.fromEntries(texts.map(parseSetting)));
  const id = runId(settings);
  using gpu = await requestGpu();
  const onTerminal = Deno.stdout.isTerminal();
  const path = await train(gpu, settings, {
    base: values.base ?? baseModelFolder(settings.model, settings.task, settings.instruct),
    log: join(values.out, `${id}.jsonl`),
    checkpoint: join(values.out, `${id}.checkpoint`),
    resume: values.resume,
    codeVersion: await codeVersion(),
    onStep(step, data, timing) {
      const line = describeStep(step, settings.steps, data, timing);
      if (onTerminal) Deno.stdout.writeSync(new TextEncoder().encode(`\r\x1b[K${line}`));
      else console.log(line);
    },
  });
  if (onTerminal) console.log();
  console.log(`wrote ${path}`);
  return true;
}

interface CommandValues {
  set: string[];
  base?: string;
  out: string;
  resume: boolean;
  help: boolean;
}

/** One line for a step: what a researcher watches. */
function describeStep(step: number, steps: number, data: StepData, timing: StepTiming): string {
  const accuracies = Object.entries(data)
    .filter(([key]) => key.startsWith("val-core/"))
    .map(([, accuracy]) => accuracy as number);
  const validation = accuracies.length === 0
    ? ""
    : `  benchmarks ${percent(accuracies.reduce((sum, value) => sum + value) / accuracies.length)}`;
  const seconds = timing.rollout + timing.update;
  const tokens = data["rollout/tokens"] ?? 0;
  return [
    `step ${step}/${steps}`,
    `entropy ${number(data["actor/entropy"], 3)}`,
    `accuracy ${percent(data["critic/score/mean"])}`,
    `length ${number(data["response_length/mean"], 3)}`,
    `${number(tokens / seconds, 3)} tokens/s`,
    `${number((steps - step) * seconds / 60, 2)} min left`,
  ].join("  ") + validation;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

await runLabCommand(main);
