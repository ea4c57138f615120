/** deno task fit and diagnose end in seconds on every log of a few megabytes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { assertOneSentence, runTask, withFolder } from "../support.ts";

/** Seconds that a command may take here: 10 of a processor, and a margin for a busy machine. */
const MOST_SECONDS = 60;

const entropyAt = (share: number) => 0.05 + Math.exp(-3 * share);
const scoreAt = (share: number, i: number) =>
  0.8 - 0.2 * Math.exp(entropyAt(share)) + 0.02 * Math.sin(7 * i);

/** A W&B export of many runs, one column of entropy and one of accuracy for each. */
function wandbExport(runs: number, rows: number): string {
  const names = Array.from({ length: runs }, (_, i) => `"${i} - entropy","${i} - acc"`);
  const lines = Array.from({ length: rows }, (_, step) => {
    const cells = Array.from(
      { length: runs },
      (_, i) => `${entropyAt(step / rows).toFixed(3)},${scoreAt(step / rows, i + step).toFixed(3)}`,
    );
    return `${step},${cells.join(",")}`;
  });
  return [`"Step",${names.join(",")}`, ...lines, ""].join("\n");
}

async function timed(task: string, args: string[], folder: string) {
  const start = performance.now();
  const outcome = await runTask(task, args, folder);
  const seconds = (performance.now() - start) / 1000;
  assert(seconds < MOST_SECONDS, `${task} took ${seconds} s`);
  return outcome;
}

Deno.test("fit and diagnose of 150,000 pairs end in seconds; the output says what gave way", () =>
  withFolder(async (folder) => {
    const n = 150_000;
    const rows = Array.from(
      { length: n },
      (_, i) => `${entropyAt(i / n).toFixed(3)},${scoreAt(i / n, i).toFixed(3)}\n`,
    );
    await Deno.writeTextFile(join(folder, "long.csv"), `entropy,acc\n${rows.join("")}`);
    const { code, stdout, stderr } = await timed("fit", ["long.csv", "--json"], folder);
    assert.equal(code, 0, stderr);
    const [run] = JSON.parse(stdout).runs;
    assert.equal(run.n, n / 2);
    assert.equal(run.bootstrap.draws, 666);
    assert(Math.abs(run.a - 0.2) < 1e-3 && Math.abs(run.b - 0.8) < 1e-3, `${run.a}, ${run.b}`);
    const notes = run.notes.join("\n");
    assert.match(notes, /are fitted to 75000 evenly spaced pairs of 150000/);
    assert.match(notes, /on 2500 evenly spaced pairs of the 75000/);
    const page = await timed("diagnose", ["long.csv"], folder);
    assert.equal(page.code, 0, page.stderr);
    assert.match(page.stdout, /75000 pairs/);
    assert.match(page.stdout, /of more than 100000 values under a key, evenly spaced ones are/);
  }));

Deno.test("fit of 300 runs ends in seconds; more than 500 in one call are refused in a sentence", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "many.csv"), wandbExport(300, 200));
    const { code, stdout, stderr } = await timed("fit", ["many.csv", "--json"], folder);
    assert.equal(code, 0, stderr);
    const { runs } = JSON.parse(stdout);
    assert.equal(runs.length, 300);
    assert.equal(runs[0].bootstrap.draws, 1333);
    await Deno.writeTextFile(join(folder, "crowd.csv"), wandbExport(501, 5));
    assertOneSentence(
      await timed("fit", ["crowd.csv", "--json"], folder),
      /^error: the files hold 501 runs, expected at most 500 in one call/,
    );
  }));
