/** An accuracy whose unit changes within the log, and one that falls to less than one percent. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { diagnose, type Diagnosis } from "../../../analysis/diagnosis.ts";
import { readRun } from "../../../analysis/readers/read_run.ts";
import type { Run } from "../../../analysis/readers/run.ts";
import { withFolder } from "../../support.ts";
import { normalNumbers } from "../failing_runs.ts";

const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);

/** A run whose accuracy rises from 30 to 60 percent, as it is written. */
async function of(
  { seed, count }: { seed: number; count: number },
  written: (percent: number, i: number, normal: () => number) => number,
): Promise<Run> {
  const normal = normalNumbers(seed);
  const lines = Array.from({ length: count }, (_, i) => {
    const percent = 30 + 30 * (1 - Math.exp(-3 * i / count)) + normal();
    return `${i},${0.1 + Math.exp(-3 * i / count)},${written(percent, i, normal)}\n`;
  });
  let run: Run | undefined;
  await withFolder(async (folder) => {
    const path = join(folder, "t.csv");
    await Deno.writeTextFile(path, "step,entropy,accuracy\n" + lines.join(""));
    run = await readRun(path);
  });
  return run!;
}

const about = ({ findings }: Diagnosis, topic: string) =>
  findings.find((finding) => finding.topic === topic);

Deno.test("an accuracy whose unit changes by a factor of 100 is read as one, that is named, and no fall is claimed", async () => {
  for (const seed of SEEDS) {
    for (const isPercent of [(i: number) => i < 90, (i: number) => i >= 90]) {
      const run = await of(
        { seed, count: 180 },
        (percent, i) => isPercent(i) ? percent : percent / 100,
      );
      assert.equal(run.score!.unit, "fraction", `${seed}`);
      assert(run.score!.values.every((value) => value > 0.2 && value < 0.7));
      assert.match(
        run.notes.join(" "),
        /^accuracy goes from [\d.]+ at step 89 to [\d.]+ at step 90, which is taken for a change of its unit by a factor of 100: the values (?:up to step 89|from step 90 on) are in percent and were divided by 100\.$/,
      );
      if (seed > 0) continue;
      const found = diagnose(run);
      assert.equal(about(found, "reading")!.severity, "notice");
      assert.match(about(found, "performance")!.finding, /^the score rose: 0\.\d+ at step 0/);
    }
  }
});

Deno.test("a collapse to less than one percent stays one; of few scores it is said what else it may be", async () => {
  for (const seed of SEEDS) {
    const run = await of(
      { seed, count: 180 },
      (percent, i, normal) => i < 90 ? percent : Math.min(0.99, Math.abs(0.5 + 0.25 * normal())),
    );
    assert.equal(run.score!.values[0]! > 1, true, `${seed}`);
    assert.equal(about(diagnose(run), "plateau")!.severity, "problem");
  }
  const few = diagnose(
    await of({ seed: 0, count: 18 }, (percent, i) => i < 9 ? percent : percent / 100),
  );
  assert.match(
    about(few, "plateau")!.finding,
    /; or its unit changed on the way from percent to a fraction, which the log does not tell\.$/,
  );
  const gone = diagnose(await of({ seed: 0, count: 18 }, (percent, i) => i < 9 ? percent : 0.02));
  assert.doesNotMatch(about(gone, "plateau")!.finding, /unit/);
});
