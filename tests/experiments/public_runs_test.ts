/** The page of public runs holds what the tool says of their logs, and the independent numbers. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { validate, validationPage } from "../../experiments/public_runs_page.ts";
import { ReadError } from "../../formats/errors.ts";
import { LOGS, ROOT, testOnLogs, withFolder } from "../support.ts";

testOnLogs(
  "the numbers of public runs are the independent ones, and the page is up to date",
  async () => {
    const validated = await validate(LOGS);
    for (const { known: { file, independent }, fit } of validated) {
      if (independent === undefined) continue;
      assert.equal(fit?.n, independent.n, file);
      for (const name of ["a", "b", "r2"] as const) {
        assert(Math.abs(fit![name] - independent[name]) < 1e-6, `${name} of ${file}`);
      }
    }
    const page = await Deno.readTextFile(join(ROOT, "results/validation/README.md"));
    assert.equal(
      page,
      validationPage(validated),
      "make it anew with experiments/public_runs_page.ts",
    );
  },
);

Deno.test("a public log that is missing, or another, is refused in a sentence", () =>
  withFolder(async (folder) => {
    await assert.rejects(
      validate(folder),
      (error: ReadError) => /is not there/.test(error.message),
    );
    await Deno.writeTextFile(join(folder, "verl-console-qwen2-7b-grpo.log"), "step:1 - a:1\n");
    await assert.rejects(
      validate(folder),
      (error: ReadError) =>
        error instanceof ReadError &&
        /has the object id [0-9a-f]{40}, expected 1b3f/.test(error.message),
    );
  }));
