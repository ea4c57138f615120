/** How long runs took, and what is told from that. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { LabError } from "../../../../experiments/lab/errors.ts";
import { studyRun } from "../../../../experiments/lab/study/study_run.ts";
import {
  costOfStep,
  readTimings,
  recordTiming,
  secondsPerCost,
} from "../../../../experiments/lab/study/timings.ts";
import { withFolder } from "../../../support.ts";

Deno.test("timings are read as they were recorded, and a file that holds others is named", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "timings.jsonl");
    assert.deepEqual(await readTimings(path), []);
    const timings = Array.from(
      { length: 50 },
      (_, i) => ({ run: `run ${i}`, secondsPerStep: i + 1 }),
    );
    await Promise.all(timings.map((timing) => recordTiming(path, timing)));
    const read = await readTimings(path);
    assert.deepEqual(read.sort((a, b) => a.secondsPerStep - b.secondsPerStep), timings);

    await assert.rejects(recordTiming(folder, timings[0]!), LabError);
    const torn = '{"run":"a","secondsPerStep":-1}\n{"run":"b","seco';
    await Deno.writeTextFile(path, torn, { append: true });
    assert.equal((await readTimings(path)).length, timings.length);
    await assert.rejects(readTimings(folder), LabError);
  });
});

Deno.test("the time of a run is told from the median of those that are done", () => {
  const small = studyRun({ model: "qwen2.5-0.5b" });
  const large = studyRun({});
  assert.equal(secondsPerCost([small, large], []), undefined);
  assert.equal(secondsPerCost([large], [{ run: small.name, secondsPerStep: 1 }]), undefined);
  const cost = costOfStep(small);
  const timings = [4, 1, 2].map((rate) => ({ run: small.name, secondsPerStep: rate * cost }));
  assert.equal(secondsPerCost([small, large], timings), 2);

  const ratio = (given: Readonly<Record<string, unknown>>) =>
    costOfStep(studyRun(given)) / costOfStep(large);
  assert.equal(ratio({ group: 64 }), 8);
  assert.equal(ratio({ algorithm: "prime" }), 2);
  assert(Math.abs(1 / ratio({ model: "qwen2.5-0.5b" }) - 5) < 0.5);
});
