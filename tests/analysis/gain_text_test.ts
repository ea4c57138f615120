/** What fit says of a score's gain is as sure as what diagnose says of it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { diagnose } from "../../analysis/diagnosis.ts";
import { fitVerdict } from "../../analysis/fit_verdict.ts";
import { overviewOf } from "../../analysis/overview.ts";
import { readRun } from "../../analysis/readers/read_run.ts";
import type { Run } from "../../analysis/readers/run.ts";
import { tryFit } from "../../analysis/try_fit.ts";
import { withFolder } from "../support.ts";
import { normalNumbers } from "./failing_runs.ts";

/** A run of verl of so many steps. */
async function runOf(
  row: (step: number) => Record<string, number>,
  check: (run: Run) => void,
): Promise<void> {
  await withFolder(async (folder) => {
    const path = join(folder, "log.jsonl");
    const lines = Array.from(
      { length: 201 },
      (_, step) => JSON.stringify({ step, ...row(step) }) + "\n",
    );
    await Deno.writeTextFile(path, lines.join(""));
    check(await readRun(path));
  });
}

function verdict(run: Run): string {
  const fitted = tryFit(overviewOf(run));
  assert(typeof fitted !== "string");
  return fitVerdict(fitted);
}

const SCORE = "val-core/math/acc/mean@1";

Deno.test("where the scatter hides what the law expects, fit and diagnose both say that it cannot be told", async () => {
  let open = 0;
  for (let seed = 0; seed < 10; seed++) {
    const normal = normalNumbers(seed);
    await runOf((step) => {
      const entropy = Math.max(0.012, Math.exp(-step / 30)) * (1 + 0.03 * normal());
      const score = 0.62 - 0.12 * Math.exp(Math.max(0.012, Math.exp(-step / 30)));
      return {
        "actor/entropy": entropy,
        ...(step % 10 === 0 ? { [SCORE]: score + 0.006 * normal() } : {}),
      };
    }, (run) => {
      const course = diagnose(run).findings.find(({ topic }) => topic === "entropy course")!;
      const isOpen = course.finding.includes("Whether it still buys score cannot be told");
      const said = verdict(run);
      if (overviewOf(run).plateau === undefined) return;
      if (isOpen) open++;
      assert.equal(/^whether the score still gains cannot be told from/.test(said), isOpen, said);
      assert.equal(/^no gain since/.test(said), !isOpen, said);
    });
  }
  assert(open > 0);
});

Deno.test("where some benchmarks of a mean rise and one falls, fit says so instead of no gain", async () => {
  const normal = normalNumbers(1);
  await runOf((step) => ({
    "actor/entropy": 0.2 + 0.5 * Math.exp(-step / 50),
    ...(step % 10 > 0 ? {} : {
      "val-core/a/acc/mean@1": 0.2 + 0.0008 * step + 0.006 * normal(),
      "val-core/b/acc/mean@1": 0.5 - 0.0006 * step + 0.006 * normal(),
    }),
  }), (run) =>
    assert.match(
      verdict(run),
      /^the mean hides that val-core\/b\/\S+ \(from .* to .*\) fell and val-core\/a\/\S+ \(from .* to .*\) rose;/,
    ));
});
