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
      isBenchmark: true,
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

Deno.test("benchmarks of which no two share a step are told by the one that has most values", async () => {
  for (const distance of [2, 20]) {
    const run = await runWith({
      a: (step) => step % distance === 0,
      b: (step) => step % distance === 1,
    });
    assert.deepEqual(run.score!.keys, keysOf("a"));
    assert.equal(run.score!.values.length, 40 / distance);
    assert.equal(
      run.choices.score!.because,
      "no benchmark was measured more often; they are hardly measured at the same steps",
    );
    assert.deepEqual(run.choices.score!.runnersUp.map(({ keys }) => keys), [keysOf("b")]);
    assert(diagnose(run).findings.some(({ topic }) => topic === "performance"));
  }
});

Deno.test("of benchmarks of which none has enough validations, the choice of another score says how many one has", async () => {
  const rows = Array.from({ length: 40 }, (_, step) => ({
    step,
    entropy: 1 / (1 + step),
    reward: step / 40,
    ...(step % 20 === 5 ? { "eval/a/accuracy": 0.2 } : {}),
    ...(step % 20 === 15 ? { "eval/b/accuracy": 0.2 } : {}),
  }));
  await withFolder(async (folder) => {
    const path = join(folder, "log.jsonl");
    await Deno.writeTextFile(path, rows.map((row) => JSON.stringify(row) + "\n").join(""));
    const { score, choices } = await readRun(path);
    assert.deepEqual(score!.keys, ["reward"]);
    assert.equal(
      choices.score!.because,
      "there are only 2 validations of eval/a/accuracy, and the law needs 4 pairs",
    );
  });
});

Deno.test("the steps that are left out of a mean are all at which but some benchmarks were measured", async () => {
  const notesOf = async (benchmarks: Parameters<typeof runWith>[0]) =>
    (await runWith(benchmarks)).notes.join(" ");
  const three = { a: (step: number) => step < 32, b: (step: number) => step >= 8, c: always };
  assert.equal(
    await notesOf(three),
    "16 steps at which not all benchmarks were measured are left out.",
  );
  const { c: _, ...two } = three;
  assert.equal(
    await notesOf(two),
    "16 steps at which not all benchmarks were measured are left out.",
  );
  assert.equal(
    await notesOf({ a: always, b: (step) => step > 0 }),
    "1 step at which not all benchmarks were measured is left out.",
  );
  assert.equal(await notesOf({ a: always, b: always }), "");
});
