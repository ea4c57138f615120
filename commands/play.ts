/** `deno task play MODEL PROMPT`: responses of a policy, with what it thought of each token. */
import { expectTask } from "../experiments/lab/base_fits.ts";
import { temperatureBound } from "../experiments/lab/bounds.ts";
import { readCheckpoint } from "../experiments/lab/checkpoint.ts";
import { LabError } from "../experiments/lab/errors.ts";
import { BASE_MODEL_NAMES } from "../experiments/lab/families.ts";
import { createPolicy, valuesOf } from "../experiments/lab/policy/parameters.ts";
import { rollout } from "../experiments/lab/policy/rollout.ts";
import { mostResponses, whyNotMore } from "../experiments/lab/policy/room.ts";
import { responseText } from "../experiments/lab/response_text.ts";
import { TASK_NAMES, taskByName, taskName } from "../experiments/lab/tasks/task_by_name.ts";
import { VocabularyError } from "../experiments/lab/tasks/vocabulary.ts";
import { baseModelFolder } from "../experiments/models.ts";
import { counted } from "../formats/counted.ts";
import { LOWEST_TEMPERATURE, requestGpu } from "../kernels/mod.ts";
import { parseArguments, wholeNumberOf } from "./common/arguments.ts";
import { runCommand, UsageError } from "./common/command.ts";

const HELP = `Samples responses to a prompt, with the log-probability and entropy of each token.

  deno task play MODEL PROMPT [options]

MODEL is the folder of a checkpoint, or one of ${BASE_MODEL_NAMES.join(", ")}.
PROMPT is a problem, such as "3+4-2*5=" (math) or "0:2,1:5,3:1,8:6>" (code).

  --task NAME        ${TASK_NAMES.join(" or ")} (default math)
  --samples N        how many responses (default 4)
  --temperature T    0 takes the most likely token (default 1)
  --seed N           other numbers give other responses (default 1)

On a terminal a token's colour tells its entropy: plain below 0.1 nats, yellow below 0.7, red above.
`;

const OPTIONS = {
  task: { type: "string", default: "math" },
  samples: { type: "string", default: "4" },
  temperature: { type: "string", default: "1" },
  seed: { type: "string", default: "1" },
} as const;

async function main(): Promise<boolean> {
  const { values, positionals } = parseArguments(HELP, OPTIONS);
  const [model, prompt] = positionals;
  if (model === undefined || prompt === undefined || positionals.length > 2) {
    throw new UsageError("name a model and a prompt (see --help).");
  }
  const name = taskName(values.task);
  const samples = wholeNumberOf("--samples", values.samples, 1);
  const seed = wholeNumberOf("--seed", values.seed, 0);
  const temperature = Number(values.temperature);
  if (!(temperature === 0 || (temperature >= LOWEST_TEMPERATURE && Number.isFinite(temperature)))) {
    throw new UsageError(
      `--temperature is ${values.temperature}, expected 0 or ${temperatureBound}.`,
    );
  }
  const task = taskByName(name);
  const { tokenizer, maxPromptTokens, maxResponseTokens } = task;
  const tokens = encode(tokenizer, prompt);
  if (tokens.length === 0 || tokens.length > maxPromptTokens) {
    throw new LabError(
      `the prompt has ${counted(tokens.length, "token")}, expected 1 to ${maxPromptTokens}.`,
    );
  }
  const folder = (BASE_MODEL_NAMES as readonly string[]).includes(model)
    ? baseModelFolder(model, name, false)
    : model;
  // Before what may be a real model's gigabytes are read.
  await expectTask(folder, task);
  const { config, parameters } = await readCheckpoint(folder);
  using gpu = await requestGpu();
  const most = mostResponses(gpu, config, tokens.length, maxResponseTokens);
  if (samples > most) {
    throw new UsageError(`--samples is ${samples}, expected at most ${most}, ${whyNotMore(gpu)}.`);
  }
  using policy = createPolicy(gpu, config, valuesOf(parameters));
  const responses = await rollout(policy, Array.from({ length: samples }, () => tokens), {
    maxTokens: maxResponseTokens,
    temperature,
    seed,
    stream: 0,
    end: tokenizer.end,
    pad: tokenizer.pad,
  });
  for (const response of responses) {
    console.log(responseText(prompt, response, tokenizer.decode(response.tokens)));
  }
  return true;
}

function encode({ encode }: ReturnType<typeof taskByName>["tokenizer"], prompt: string) {
  try {
    return encode(prompt);
  } catch (error) {
    if (error instanceof VocabularyError) throw new LabError(`the prompt: ${error.message}`);
    throw error;
  }
}

await runCommand(main);
