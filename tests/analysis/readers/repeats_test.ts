/** What is said of steps that a log holds more than once. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readRun } from "../../../analysis/readers/read_run.ts";
import { withFolder } from "../../support.ts";

const from = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

/** The notes on a log in which every value is another one. */
async function notesOn(rows: readonly { step: number; keys: readonly string[] }[]) {
  let notes: readonly string[] = [];
  await withFolder(async (folder) => {
    const path = join(folder, "log.jsonl");
    const lines = rows.map(({ step, keys }, i) =>
      JSON.stringify({ step, ...Object.fromEntries(keys.map((key) => [key, 1 / (i + 2)])) })
    );
    await Deno.writeTextFile(path, lines.join("\n") + "\n");
    notes = (await readRun(path)).notes;
  });
  return notes.join(" ");
}

const both = (steps: readonly number[]) =>
  steps.map((step) => ({ step, keys: ["actor/entropy", "critic/score/mean"] }));

Deno.test("steps that were logged again by any of the keys are counted, each once", async () => {
  const validated = (step: number) => ({ step, keys: ["val-core/a/acc/mean@1"] });
  assert.equal(
    await notesOn([
      ...both(from(1, 60)),
      ...[20, 30, 40, 50, 60].map(validated),
      validated(50),
      ...both(from(51, 60)),
    ]),
    "11 steps were logged again (50 to 60), with other values: the later ones hold.",
  );
  assert.equal(
    await notesOn(both([...from(1, 60), ...from(51, 70), ...from(56, 80)])),
    "20 steps were logged again (51 to 70), 25 times in all, with other values: the later ones hold.",
  );
});

Deno.test("steps that were logged again are named in stretches of the log's own steps", async () => {
  const again = (...parts: (readonly number[])[]) => notesOn(both(parts.flat()));
  assert.match(
    await again(from(1, 60), from(56, 70), from(66, 80)),
    /^10 steps were logged again \(56 to 60 and 66 to 70\)/,
  );
  assert.match(await again([5, 10, 15, 20], [10, 15, 20, 25]), /again \(10 to 20\)/);
  assert.match(
    await again(from(1, 30), [4, 8, 12, 13, 20]),
    /^5 steps were logged again \(in 4 stretches from 4 to 20\)/,
  );
});

Deno.test("one step that was logged many times is one step", async () => {
  assert.equal(
    await notesOn(both([1, 2, 3, 4, 3, 5, 3, 6])),
    "1 step was logged again (3), 2 times in all, with other values: the last one holds.",
  );
});
