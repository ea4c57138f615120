/** What is said of an entropy whose values no entropy per token has. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { diagnose } from "../../analysis/diagnosis.ts";
import { fitVerdict } from "../../analysis/fit_verdict.ts";
import { overviewOf } from "../../analysis/overview.ts";
import { readRun } from "../../analysis/readers/read_run.ts";
import type { Run } from "../../analysis/readers/run.ts";
import { fitText } from "../../analysis/reports/fit_text.ts";
import { tryFit } from "../../analysis/try_fit.ts";
import { withFolder } from "../support.ts";

/** A run with entropies under a key, as its log is read. */
async function runOf(key: string, entropyOf: (step: number) => number): Promise<Run> {
  let run: Run | undefined;
  await withFolder(async (folder) => {
    const path = join(folder, "log.jsonl");
    const rows = Array.from({ length: 40 }, (_, step) => {
      const entropy = Math.exp(-step / 20);
      const reward = 0.7 - 0.2 * Math.exp(entropy) + 0.004 * Math.sin(1.7 * step);
      return JSON.stringify({ step, [key]: entropyOf(step), reward }) + "\n";
    });
    await Deno.writeTextFile(path, rows.join(""));
    run = await readRun(path, { entropyKey: key });
  });
  return run!;
}

const definitionOf = (run: Run) =>
  diagnose(run).findings.find(({ topic }) => topic === "entropy definition")!;

Deno.test("a definition that the values contradict is not said to be so", async () => {
  const falling = (step: number) => Math.exp(-step / 20);
  const fine = definitionOf(await runOf("actor/entropy_loss", falling));
  assert.doesNotMatch(fine.finding, /, but /);
  const negative = definitionOf(await runOf("entropy_loss", (step) => -falling(step)));
  assert.equal(negative.severity, "notice");
  assert.match(
    negative.finding,
    /^by its key full-vocabulary entropy.*, but 40 of 40 values are below 0, as no exact entropy is;/,
  );
  const summed = definitionOf(await runOf("rollout/entropy", (step) => 400 * falling(step)));
  assert.equal(summed.severity, "notice");
  assert.match(
    summed.finding,
    /, but 40 of 40 values are larger than any vocabulary allows per token;/,
  );
  const stated = definitionOf(await runOf("objective/entropy", (step) => 400 * falling(step)));
  assert.match(stated.finding, /nats per response, not per token/);
  assert.doesNotMatch(stated.finding, /, but /);
});

Deno.test("a fit to entropies below 0 begins with that", async () => {
  const run = await runOf("entropy_loss", (step) => -Math.exp(-step / 20));
  const fit = tryFit(overviewOf(run));
  assert(typeof fit !== "string");
  assert.match(fitVerdict(fit), /^the entropy is below 0 in 40 of 40 pairs, as no exact one is; /);
  assert.match(fitText(fit), /entropy_loss \(by its key .*, but 40 of 40 values are below 0/);
});
