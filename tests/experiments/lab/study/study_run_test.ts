/** The study's grid, and the names that tell its runs apart. */
import assert from "node:assert/strict";
import { LabError } from "../../../../experiments/lab/errors.ts";
import { studyRun } from "../../../../experiments/lab/study/study_run.ts";
import { trainSettings } from "../../../../experiments/lab/train_settings.ts";
import { studyRuns } from "../../../../experiments/study.ts";

Deno.test("a run is called by its id, and by the settings that the id does not tell", () => {
  for (
    const [given, name] of [
      [{}, "qwen2.5-7b.math.grpo.none.seed1"],
      [{ model: "qwen2.5-3b", instruct: true }, "qwen2.5-3b-instruct.math.grpo.none.seed1"],
      // What follows from the intervention is in its name already; so is a default that is given.
      [{ intervention: "kl-cov", clipLow: null }, "qwen2.5-7b.math.grpo.kl-cov.seed1"],
      [
        { intervention: "kl-cov", klCovRatio: 0.02 },
        "qwen2.5-7b.math.grpo.kl-cov.seed1.klCovRatio-0.02",
      ],
      [{ dualClip: null, seed: 2 }, "qwen2.5-7b.math.grpo.none.seed2.dualClip-null"],
    ] as const
  ) {
    assert.equal(studyRun(given).name, name);
    assert.deepEqual(studyRun(given).settings, trainSettings(given));
  }
  assert.throws(() => studyRun({ steps: 0 }), LabError);
});

Deno.test("no two runs of the study share a name, or settings", () => {
  const runs = studyRuns();
  assert(runs.length > 30);
  // Some file systems do not tell upper from lower case; some names have no more room.
  assert.equal(new Set(runs.map(({ name }) => name.toLowerCase())).size, runs.length);
  assert.equal(new Set(runs.map(({ settings }) => JSON.stringify(settings))).size, runs.length);
  for (const { name, figures } of runs) {
    assert.match(name, /^[\w.+-]{1,200}$/);
    assert(figures.length > 0);
    assert.equal(new Set(figures).size, figures.length, name);
  }
  // Runs of several figures are there once.
  assert(runs.some(({ figures }) => figures.length > 1));
});
