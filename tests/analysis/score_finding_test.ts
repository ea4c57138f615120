/** What is said of a score that hardly tells anything. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { diagnose } from "../../analysis/diagnosis.ts";
import type { Finding } from "../../analysis/finding.ts";
import { readRun } from "../../analysis/readers/read_run.ts";
import { withFolder } from "../support.ts";

async function performanceOf(scores: readonly number[]): Promise<Finding> {
  let findings: readonly Finding[] = [];
  await withFolder(async (folder) => {
    const path = join(folder, "log.csv");
    const rows = scores.map((score, i) => `${i + 1},${1 - i / 100},${score}\n`);
    await Deno.writeTextFile(path, `step,entropy,performance\n${rows.join("")}`);
    findings = diagnose(await readRun(path)).findings;
  });
  return findings.find(({ topic }) => topic === "performance")!;
}

Deno.test("two scores tell neither a rise nor a fall from chance", async () => {
  const rise = await performanceOf([0.40954, 0.41042]);
  assert.equal(rise.severity, "notice");
  assert.equal(
    rise.finding,
    "the score went from 0.4095 at step 1 to 0.4104 at step 2, which so few scores do not tell from chance.",
  );
  const fall = await performanceOf([0.4104, 0.4095]);
  assert.equal(fall.severity, "notice");
  assert.doesNotMatch(fall.finding, /fell/);
});

Deno.test("ends of a score that differ are told by as many digits as show it", async () => {
  const scores = Array.from({ length: 12 }, (_, i) => 0.41 + i / 100_000);
  assert.match((await performanceOf(scores)).finding, /0\.41 at step 1, 0\.4101\d* at step 12/);
  const still = await performanceOf([0.5, 0.5, 0.5, 0.5]);
  assert.match(still.finding, /0\.5 at step 1, 0\.5 at step 4/);
});
