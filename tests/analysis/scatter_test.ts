/** Scatter that lasts for several steps, as a training reward's may, is no rise and no fall, and its size is told. */
import assert from "node:assert/strict";
import { overviewOf } from "../../analysis/overview.ts";
import { plateauFindings } from "../../analysis/findings/plateau_findings.ts";
import type { Run } from "../../analysis/readers/run.ts";
import { nearlyIndependent, scatterOf } from "../../analysis/scatter.ts";
import { falls } from "../../analysis/score_course.ts";
import { trendOf } from "../../analysis/trend.ts";
import { normalNumbers } from "./failing_runs.ts";

const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);
const DEVIATION = 0.03;

/** A training score over so many steps whose scatter keeps a share of itself from step to step. */
function score(course: (done: number) => number, seed: number, kept: number, count: number) {
  const normal = normalNumbers(seed);
  let off = normal();
  const steps = Float64Array.from({ length: count }, (_, step) => step);
  const values = steps.map((step) => {
    if (step > 0) off = kept * off + Math.sqrt(1 - kept ** 2) * normal();
    return course(step / count) + DEVIATION * off;
  });
  return { steps, values, kind: "training" as const, label: "score", keys: ["score"] };
}

/** In how many of the seeded runs the score fell, rose, and has a problem of its plateau. */
function told(course: (done: number) => number, kept: number, count: number) {
  const found = SEEDS.map((seed) =>
    overviewOf({ score: score(course, seed, kept, count), series: new Map() } as unknown as Run)
  );
  return {
    fell: found.filter((one) => falls(one.score!)).length,
    rose: found.filter((one) => one.score!.rose && !falls(one.score!)).length,
    problems:
      found.filter((one) => plateauFindings(one).some(({ severity }) => severity === "problem"))
        .length,
  };
}

Deno.test("scatter about one level hardly ever rises or falls, however long it lasts", () => {
  let wrong = 0;
  for (const count of [100, 200, 300]) {
    for (const kept of [0, 0.3, 0.5, 0.7, 0.8]) {
      const { fell, rose, problems } = told(() => 0.5, kept, count);
      assert(fell + rose <= 3 && problems <= 2, `${count}, ${kept}: ${fell} ${rose} ${problems}`);
      wrong += fell + rose;
    }
  }
  // The same twenty seeds each time, so that one that strays counts often.
  assert(wrong <= 18, `${wrong} of 300`);
});

Deno.test("a rise and a fall beyond such scatter are told", () => {
  for (const count of [100, 300]) {
    for (const kept of [0, 0.8]) {
      const rising = told((done) => 0.4 + 0.2 * done, kept, count);
      assert(rising.rose >= 18 && rising.problems <= 1, `${count}, ${kept}: ${rising.rose}`);
      const falling = told((done) => 0.6 - 0.2 * done, kept, count);
      assert(falling.fell >= 18, `${count}, ${kept}: ${falling.fell}`);
      const both = told((done) => 0.6 - 0.4 * Math.abs(done - 0.5), kept, count);
      assert(both.fell + both.problems >= 30, `${count}, ${kept}: ${both.fell}`);
    }
  }
});

Deno.test("the standard deviation of a score is that about its course, not that of neighbours", () => {
  for (const kept of [0, 0.5, 0.8]) {
    for (const course of [() => 0.5, (done: number) => 0.3 + 0.3 * (1 - Math.exp(-5 * done))]) {
      const found = SEEDS.map((seed) => scatterOf(score(course, seed, kept, 300)).deviation);
      const mean = found.reduce((sum, one) => sum + one / found.length, 0);
      assert(Math.abs(mean - DEVIATION) < 0.1 * DEVIATION, `${kept}: ${mean}`);
    }
  }
});

Deno.test("few scores, and those that scatter from step to step, are taken as they are", () => {
  for (const seed of SEEDS) {
    const few = score(() => 0.5, seed, 0.8, 60);
    assert.equal(nearlyIndependent(few), few);
  }
  const alone = SEEDS.filter((seed) => scatterOf(score(() => 0.5, seed, 0, 300)).alike === 1);
  assert(alone.length >= 17, `${alone.length}`);
});

Deno.test("a trend of chance is none where neighbours are alike", () => {
  const sure = SEEDS.filter((seed) =>
    Math.abs(trendOf(nearlyIndependent(score(() => 0.5, seed, 0.8, 200))).z) > 2.576
  );
  assert(sure.length <= 2, `${sure.length}`);
});
