/** Which of a run's benchmarks its score is the mean of, where they are not measured at the same steps. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { diagnose } from "../../../analysis/diagnosis.ts";
import { readRun } from "../../../analysis/readers/read_run.ts";
import type { Run } from "../../../analysis/readers/run.ts";
import { withFolder } from "../../support.ts";

/** A run of 40 steps with a benchmark for each letter, measured where its rule holds, and perhaps one more, z. */
async function runWith(
  benchmarks: Readonly<Record<string, (step: number) => boolean>>,
  zOf: (step: number) => unknown = () => undefined,
): Promise<Run> {
  let run: Run;
  const rows = Array.from({ length: 40 }, (_, step) => ({
    step,
    entropy: 1 / (1 + step),
    "eval/z/accuracy": zOf(step),
    ...Object.fromEntries(
      Object.entries(benchmarks).filter(([, isMeasured]) => isMeasured(step))
        .map(([name], i) => [`eval/${name}/accuracy`, 0.2 + 0.1 * i + ((7 * step) % 40) / 100]),
    ),
  }));
  await withFolder(async (folder) => {
    const path = join(folder, "log.jsonl");
    await Deno.writeTextFile(path, rows.map((row) => JSON.stringify(row) + "\n").join(""));
    run = await readRun(path);
  });
  return run!;
}

const always = () => true;
const keysOf = (names: string) => Array.from(names, (name) => `eval/${name}/accuracy`);

Deno.test("a benchmark that begins late or ends early is left out of the mean, and the choice says so", async () => {
  for (
    const [isMeasured, steps] of [
      [(step: number) => step >= 30, "at steps 30 to 39 only"],
      [(step: number) => step < 20, "at steps 0 to 19 only"],
      [(step: number) => step === 39, "at step 39 only"],
    ] as const
  ) {
    const { score, choices } = await runWith({ a: always, b: always, c: isMeasured });
    assert.deepEqual(score!.keys, keysOf("ab"));
    assert.equal(score!.values.length, 40);
    assert.equal(
      choices.score!.because,
      `the mean over 2 benchmarks that are peers, without eval/c/accuracy (measured ${steps})`,
    );
    assert.deepEqual(choices.score!.runnersUp[0], {
      keys: keysOf("c"),
      count: Array.from({ length: 40 }, (_, step) => step).filter(isMeasured).length,
      because: `a benchmark that is measured ${steps}`,
    });
  }
  const { score, choices } = await runWith({ a: always, b: (step) => step >= 30 });
  assert.deepEqual(score!.keys, keysOf("a"));
  assert.match(choices.score!.because, /^the benchmark that is there for most of the run, without/);
});

Deno.test("a benchmark that is measured seldom, or begins soon, or without which there are few values, stays", async () => {
  // The next value of the seldom one would lie behind the end.
  for (const b of [(step: number) => step >= 5, (step: number) => step % 9 === 0 && step < 30]) {
    assert.deepEqual((await runWith({ a: always, b })).score!.keys, keysOf("ab"));
  }
  const few = await runWith({ a: (step) => step % 39 === 0, b: (step) => step >= 20 });
  assert.deepEqual(few.score!.keys, keysOf("b"));
  const apart = await runWith({ a: (step) => step < 20, b: (step) => step >= 16 });
  assert.deepEqual(apart.score!.keys, keysOf("ab"));
});

Deno.test("a benchmark that is no number any more stays in the mean, so that this is a problem of the run", async () => {
  const run = await runWith({ a: always, b: always }, (step) => step >= 20 ? "NaN" : 0.5);
  assert.deepEqual(run.score!.keys, keysOf("zab"));
  const { findings } = diagnose(run);
  assert.equal(findings.find(({ topic }) => topic === "not finite")!.severity, "problem");
});
