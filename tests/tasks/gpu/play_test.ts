/** `deno task play` with numbers and policies that do not fit. */
import { join } from "node:path";
import { writeCheckpoint } from "../../../experiments/lab/checkpoint.ts";
import { modelConfig, parameterShapes } from "../../../experiments/lab/families.ts";
import { initialParameters } from "../../../experiments/lab/initial_parameters.ts";
import { assertOneSentence, runTask, withFolder } from "../../support.ts";

Deno.test("play: a number out of its bounds is one sentence, with the bound and the reason", async () => {
  await withFolder(async (folder) => {
    const refused = async (args: string[], message: RegExp) =>
      assertOneSentence(
        await runTask("play", ["qwen2.5-0.5b", "3+4=", ...args], folder),
        message,
        2,
      );
    await refused(
      ["--samples", "1e9"],
      /--samples is 1000000000, expected at most \d+, as many as fit this adapter's bindings of \d+/,
    );
    await refused(
      ["--samples", "1e99"],
      /--samples is 1e99, expected a whole number from 1 to 9007/,
    );
    await refused(["--samples", "-1"], /--samples is -1, expected a whole number from 1 to/);
    await refused(["--seed", "-1"], /--seed is -1, expected a whole number from 0 to 9007/);
    await refused(["--seed", "9007199254740993"], /--seed is 9007199254740993, expected a whole/);
    await refused(
      ["--temperature", "1e-45"],
      /--temperature is 1e-45, expected 0 or at least 1e-32, since logits over a smaller one/,
    );
    await refused(["--temperature", "Infinity"], /--temperature is Infinity, expected 0 or at/);
    await refused(["--temperature", "-1"], /--temperature is -1, expected 0 or at least 1e-32/);
  });
});

Deno.test("play: a policy that does not fit the task, or its own files, is one sentence", async () => {
  await withFolder(async (folder) => {
    const config = { ...modelConfig("qwen2.5-0.5b"), vocab_size: 64 };
    const shapes = parameterShapes(config);
    const parameters = new Map(
      Object.entries(initialParameters(config, 1)).map(([name, data]) => [
        name,
        { shape: shapes[name]!, data },
      ]),
    );
    const place = join(folder, "real");
    await writeCheckpoint(place, { config, parameters });
    assertOneSentence(
      await runTask("play", ["real", "3+4="], folder),
      /real has a vocabulary of 64 tokens, expected the 32 of the task math\./,
    );
    const hostile = { ...config, vocab_size: 32, num_hidden_layers: 1e9 };
    await Deno.writeTextFile(join(place, "config.json"), JSON.stringify(hostile));
    assertOneSentence(
      await runTask("play", ["real", "3+4="], folder),
      /model\.safetensors has 26 tensors, expected those of num_hidden_layers, 1000000000\./,
    );
  });
});
