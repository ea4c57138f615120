/** MLflow's metrics that were logged without a step. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readRun } from "../../../analysis/readers/read_run.ts";
import type { Run } from "../../../analysis/readers/run.ts";
import { withFolder } from "../../support.ts";

type Row = readonly [time: number, value: number, step: number];

async function read(metrics: Record<string, readonly Row[]>, check: (run: Run) => void) {
  await withFolder(async (folder) => {
    for (const [key, rows] of Object.entries(metrics)) {
      const path = join(folder, "metrics", key);
      await Deno.mkdir(join(path, ".."), { recursive: true });
      const lines = rows.map(([time, value, step]) => `${1.7e12 + time} ${value} ${step}\n`);
      await Deno.writeTextFile(path, lines.join(""));
    }
    check(await readRun(folder));
  });
}

const ROWS = Array.from({ length: 12 }, (_, i) => i);
const STEPLESS = /^MLflow's metrics name no step but 0/;

Deno.test("rows without a step are counted in the order of their times, and that is said", () =>
  read({
    // Written late, as by a logger in the background.
    "entropy": ROWS.map((i): Row => [10 * i, 1 - i / 20, 0]).toReversed(),
    "reward": ROWS.map((i): Row => [10 * i + 1, i / 20, 0]),
    "system/gpu": ROWS.map((i): Row => [7 * i, 50, i]),
  }, (run) => {
    assert.deepEqual(Array.from(run.entropy!.steps), ROWS);
    assert.deepEqual(Array.from(run.entropy!.values), ROWS.map((i) => 1 - i / 20));
    assert.deepEqual(Array.from(run.score!.values), ROWS.map((i) => i / 20));
    assert.deepEqual(run.notes.filter((note) => STEPLESS.test(note)), [
      "MLflow's metrics name no step but 0, so the rows of each were counted, from 0, in the order of their times.",
    ]);
  }));

Deno.test("a metric that is logged seldom stands at the row of the others before it", () =>
  read({
    "entropy": ROWS.map((i): Row => [10 * i, 1 - i / 20, 0]),
    "eval/accuracy": [4, 8, 11].map((i): Row => [10 * i + 3, i / 20, 0]),
  }, (run) => {
    assert.deepEqual(Array.from(run.score!.steps), [4, 8, 11]);
    assert(run.notes.some((note) =>
      note.endsWith("; one with fewer rows takes the step of the last row of entropy before it.")
    ));
  }));

Deno.test("steps that are there stay, beside a metric that names none", () =>
  read({
    "entropy": ROWS.map((i): Row => [10 * i, 1 - i / 20, 5 * i]),
    "reward": ROWS.map((i): Row => [10 * i, i / 20, 5 * i]),
    "final": [[1, 2, 0], [2, 3, 0]],
  }, (run) => {
    assert.deepEqual(Array.from(run.entropy!.steps), ROWS.map((i) => 5 * i));
    assert(!run.notes.some((note) => STEPLESS.test(note)));
  }));
