/** What is said of a term of the reward that is what the task asks for. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { diagnose } from "../../analysis/diagnosis.ts";
import type { Finding } from "../../analysis/finding.ts";
import { readRun } from "../../analysis/readers/read_run.ts";
import { withFolder } from "../support.ts";
import { normalNumbers } from "./failing_runs.ts";
import { trainerState } from "./readers/write_logs.ts";

const STEPS = 200;

/** The finding about the task's term in a run with these courses of its two terms. */
async function taskReward(
  accuracy: (step: number) => number,
  format: (step: number) => number,
  seed = 0,
): Promise<Finding | undefined> {
  const normal = normalNumbers(seed);
  const rows = Array.from({ length: STEPS }, (_, step) => {
    const [right, formed] = [accuracy(step) + 0.02 * normal(), format(step) + 0.01 * normal()];
    return {
      step,
      values: {
        entropy: 0.2 + 0.4 * Math.exp(-step / 60) + 0.005 * normal(),
        reward: right + formed,
        "rewards/accuracy_reward/mean": right,
        "rewards/format_reward/mean": formed,
      },
    };
  });
  let found: Finding | undefined;
  await withFolder(async (folder) => {
    const path = join(folder, "trainer_state.json");
    await Deno.writeTextFile(path, trainerState(rows));
    found = diagnose(await readRun(path)).findings.find(({ topic }) => topic === "task reward");
  });
  return found;
}

const risingFormat = (step: number) => Math.min(1, 0.1 + 0.006 * step);

Deno.test("an accuracy that halves is named with its steps: a problem once the total comes down, too", async () => {
  const falling = await taskReward((step) => 0.6 - 0.0015 * step, risingFormat);
  assert.equal(falling!.severity, "problem");
  assert.match(
    falling!.finding,
    /^accuracy_reward fell from 0\.\d+ at step \d+ to 0\.\d+ at step 19\d while format_reward rose from 0\.\d+ to (?:1|0\.9)/,
  );
  assert.match(falling!.evidence, /^rewards\/accuracy_reward\/mean, 200 values/);
  const hidden = await taskReward(
    (step) => 0.6 - 0.0015 * step,
    (step) => 0.1 + 0.006 * step,
  );
  assert.equal(hidden!.severity, "notice");
});

Deno.test("a gain that the format made alone is said to be its own, and one of the accuracy is not", async () => {
  const idle = await taskReward(() => 0.3, risingFormat);
  assert.equal(idle!.severity, "notice");
  assert.match(
    idle!.finding,
    /^the gain of the reward came from format_reward \(\+0\.\d+\); accuracy_reward \(.+\) did not rise\.$/,
  );
  for (let seed = 0; seed < 20; seed++) {
    const course = (step: number) => 0.3 + 0.3 * (1 - Math.exp(-step / (20 + 10 * seed)));
    assert.equal(await taskReward(course, risingFormat, seed), undefined, `seed ${seed}`);
  }
});
