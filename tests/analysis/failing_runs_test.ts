/** Every failure that rldoctor finds is a problem here, too, and a healthy run has none. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { diagnose } from "../../analysis/diagnosis.ts";
import type { Finding } from "../../analysis/finding.ts";
import { readRun } from "../../analysis/readers/read_run.ts";
import { withFolder } from "../support.ts";
import { FAILING_RUNS, failingRun } from "./failing_runs.ts";
import { trainerState } from "./readers/write_logs.ts";

async function findings(
  courses: Parameters<typeof failingRun>[0],
  seed: number,
): Promise<Finding[]> {
  let found: Finding[] = [];
  await withFolder(async (folder) => {
    const path = join(folder, "trainer_state.json");
    await Deno.writeTextFile(path, trainerState(failingRun(courses, seed)));
    found = [...diagnose(await readRun(path)).findings];
  });
  return found;
}

for (const [name, { topic, courses }] of Object.entries(FAILING_RUNS)) {
  Deno.test(`a problem where ${name}`, async () => {
    for (const seed of [0, 1, 2]) {
      const found = (await findings(courses, seed)).filter((one) => one.topic === topic);
      assert(
        found.some(({ severity }) => severity === "problem"),
        `seed ${seed}: ${JSON.stringify(found)}`,
      );
    }
  });
}

Deno.test("groups without signal are told apart: too easy, too hard", async () => {
  for (const [name, expected] of [["easy", /too easy/], ["hard", /too hard/]] as const) {
    const { courses } = FAILING_RUNS[`prompts are too ${name}`]!;
    const found = await findings(courses, 0);
    assert.match(found.find(({ topic }) => topic === "groups without signal")!.finding, expected);
  }
});

Deno.test("a healthy run has no problem, whatever the noise", async () => {
  for (let seed = 0; seed < 5; seed++) {
    const found = (await findings({}, seed)).filter(({ severity }) => severity === "problem");
    assert.deepEqual(found, [], `seed ${seed}`);
  }
});
