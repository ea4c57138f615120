/** Which runs have a finished log. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { LabError } from "../../../../experiments/lab/errors.ts";
import { missingRuns } from "../../../../experiments/lab/study/missing_runs.ts";
import { studyRun } from "../../../../experiments/lab/study/study_run.ts";
import { withFolder } from "../../../support.ts";

const RUNS = [1, 2, 3].map((seed) => studyRun({ seed }));

/** A log whose steps say nothing. */
function logOf(configuration: Readonly<Record<string, unknown>>, steps = 360): string {
  const lines = Array.from({ length: steps }, (_, i) => ({ step: i + 1, data: {} }));
  return [{ run: { configuration } }, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
}

Deno.test("a run is missing until its log is there, plain or compressed", async () => {
  await withFolder(async (folder) => {
    const [first, second, third] = RUNS as [typeof RUNS[0], typeof RUNS[0], typeof RUNS[0]];
    assert.deepEqual(await missingRuns(RUNS, join(folder, "none")), RUNS);
    // A setting that a log does not know came later.
    const { checkpointEvery: _, ...older } = first.settings;
    await Deno.writeTextFile(join(folder, `${first.name}.jsonl`), logOf(older));
    const compressed = gzipSync(logOf(third.settings));
    await Deno.writeFile(join(folder, `${third.name}.jsonl.gz`), compressed);
    await Deno.writeTextFile(join(folder, `${second.name}.jsonl.writing`), "");
    assert.deepEqual(await missingRuns(RUNS, folder), [second]);
  });
});

Deno.test("a log of other settings is no log of the run, and is named", async () => {
  const run = RUNS[0]!;
  await withFolder(async (folder) => {
    for (
      const [text, expected] of [
        [logOf({ ...run.settings, steps: 7 }), "was made with steps 7, expected 360; move it away"],
        [logOf({ ...run.settings, speed: 1 }), "was made with speed 1, expected no such setting"],
        [logOf({ prompts: 64 }), 'does not tell its model, expected "qwen2.5-7b"; move it away'],
        [logOf(run.settings, 60), "ends with step 60, expected step 360; move it away to have it"],
        [logOf(run.settings).slice(0, -1), 'ends with the line "{\\"step\\":360,'],
        ["", "does not begin with a run's settings"],
        ["my notes\n", "does not begin with a run's settings"],
        ['{"run":{}}\n', "does not begin with a run's settings"],
      ] as const
    ) {
      const path = join(folder, `${run.name}.jsonl`);
      await Deno.writeTextFile(path, text);
      await assert.rejects(missingRuns(RUNS, folder), (error) => {
        assert(error instanceof LabError, String(error));
        assert(error.message.startsWith(`${path} ${expected}`), error.message);
        return true;
      });
    }
  });
});

Deno.test("a compressed log that was cut off is no finished log", async () => {
  const run = RUNS[0]!;
  await withFolder(async (folder) => {
    const path = join(folder, `${run.name}.jsonl.gz`);
    await Deno.writeFile(path, gzipSync(logOf(run.settings)).subarray(0, -20));
    await assert.rejects(missingRuns(RUNS, folder), (error) => {
      assert(error instanceof LabError, String(error));
      assert.match(error.message, /\.jsonl\.gz cannot be read: .*; move it away/);
      return true;
    });
  });
});
