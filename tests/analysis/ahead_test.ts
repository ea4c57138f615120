/** What is predicted: the far end of the rest of a run, and a run that goes on. */
import assert from "node:assert/strict";
import { type Ahead, plannedSteps, predictAhead } from "../../analysis/ahead.ts";
import { entropyCourse } from "../../analysis/entropy_course.ts";
import { floorAhead, forecastText, runsAway } from "../../analysis/findings/floor_ahead.ts";
import { fitLaw, lawAt } from "../../analysis/law.ts";
import type { Pair } from "../../analysis/pairs.ts";
import { predictFrom } from "../../analysis/prediction.ts";
import type { Run } from "../../analysis/readers/run.ts";
import { normalNumbers } from "./failing_runs.ts";

/** By the law, with an entropy that falls by 5 % a step. */
function run(n: number, noise = 0.002): Pair[] {
  return Array.from({ length: n }, (_, step) => {
    const entropy = 0.8 * Math.exp(-0.05 * step);
    return { step, entropy, score: 0.8 - 0.25 * Math.exp(entropy) + noise * Math.sin(4 * step) };
  });
}

Deno.test("a prediction has what was predicted and seen at its far end, and the ceiling, with intervals", () => {
  const pairs = run(60);
  for (const reverse of [false, true]) {
    const { end, endError, ceilingInterval, ceiling } = predictFrom(pairs, { fraction: 0.3 }, {
      reverse,
    });
    const far = reverse ? pairs[0]! : pairs.at(-1)!;
    assert.deepEqual([end.step, end.entropy, end.seen], [far.step, far.entropy, far.score]);
    assert(Math.abs(end.predicted - end.seen - endError) < 1e-12);
    assert(end.interval[0] < end.seen && end.seen < end.interval[1]);
    assert(ceilingInterval[0] < ceiling && ceiling < ceilingInterval[1]);
  }
});

Deno.test("the interval of a score is wider than that of the law: single scores scatter about it", () => {
  const pairs = run(60, 0.02);
  const { end: { interval, entropy } } = predictFrom(pairs, { fraction: 0.5 });
  const fit = fitLaw(pairs.filter(({ step }) => step <= 29.5));
  const [low, high] = fit.bootstrap.interval(1, Math.exp(entropy));
  assert(interval[1] - interval[0] > Math.max(high - low, 3.9 * fit.rmse));
});

/** What is predicted, where something is. */
function ahead(...[pairs, fit, options]: Parameters<typeof predictAhead>): Ahead {
  const found = predictAhead(pairs, fit, options);
  assert(typeof found !== "string", `${found}`);
  return found;
}

Deno.test("ahead of a run that goes on, entropy falls as it did or stays, and the law says what it buys", () => {
  const pairs = run(40);
  const fit = fitLaw(pairs);
  const found = ahead(pairs, fit);
  assert.deepEqual([found.now, found.step, found.isPlanned], [39, 59, false]);
  assert(Math.abs(found.entropy - 0.8 * Math.exp(-0.05 * 59)) < 1e-9);
  assert(Math.abs(found.predicted - lawAt(fit, found.entropy)) < 1e-12);
  assert(found.stays.entropy > found.entropy && found.stays.predicted < found.predicted);
  for (const entropy of [found.entropy, found.stays.entropy]) {
    const truth = 0.8 - 0.25 * Math.exp(entropy);
    assert(found.interval[0] < truth && truth < found.interval[1]);
  }
  assert.equal(ahead(pairs, fit, { planned: 75 }).step, 75);
});

Deno.test("the interval ahead holds the score of a run whose entropy has a floor, falls on, or falls in a line", () => {
  const courses = {
    floor: (part: number) => 0.3 + 0.6 * Math.exp(-2.5 * part),
    "no floor": (part: number) => 0.9 * Math.exp(-1.5 * part),
    line: (part: number) => 0.9 - 0.5 * part,
  };
  for (const [name, entropyAt] of Object.entries(courses)) {
    const law = (part: number) => 1.1 - 0.3 * Math.exp(entropyAt(part));
    let missed = 0;
    for (let seed = 0; seed < 20; seed++) {
      const noise = normalNumbers(seed);
      const pairs = Array.from({ length: 100 }, (_, step) => ({
        step,
        entropy: entropyAt(step / 100) * (1 + 0.02 * noise()),
        score: law(step / 100) + 0.01 * noise(),
      }));
      const { interval: [low, high], step } = ahead(pairs, fitLaw(pairs, { draws: 200 }));
      const truth = law(step / 100);
      if (truth < low || truth > high) missed++;
    }
    assert(missed <= 1, `${name}: ${missed} of 20`);
  }
});

Deno.test("a step that is further ahead than the pairs span is too far, and an accuracy ends at 1", () => {
  const pairs = run(40);
  const fit = fitLaw(pairs);
  assert.match(
    String(predictAhead(pairs, fit, { planned: 1450 })),
    /^not predicted: step 1450, the end that the log states, is too far from the pairs, .* steps 0 to 39$/,
  );
  const loose = { ...fit, rmse: 0.5 };
  assert(ahead(pairs, loose).interval[1] > 1);
  assert.equal(ahead(pairs, loose, { unit: "fraction" }).interval[1], 1);
});

Deno.test("steps that are parts of an epoch are not rounded, and an end in steps says nothing of them", () => {
  const whole = run(40);
  for (const part of [0.05, 0.005]) {
    const pairs = whole.map((pair) => ({ ...pair, step: part * pair.step }));
    const found = ahead(pairs, fitLaw(pairs), { planned: 59 });
    assert.deepEqual([found.step, found.isPlanned], [part * 58.5, false]);
  }
});

Deno.test("the step at which entropy is spent is said in the run's steps, whole or parts of an epoch", () => {
  const texts = [1, 0.05, 0.005].map((part) => {
    const steps = Float64Array.from({ length: 40 }, (_, i) => part * (i + 1));
    const entropy = { steps, values: steps.map((step) => Math.exp(-0.05 * step / part)) };
    const course = entropyCourse(entropy)!;
    const found = floorAhead(entropy, course)!;
    assert(Math.abs(runsAway(course, found) - 0.23) < 0.02);
    return forecastText(course, found).match(/at about step \S+ \(\S+/)![0];
  });
  assert.deepEqual(texts, [
    "at about step 49 (48",
    "at about step 2.403 (2.403",
    "at about step 0.24 (0.24",
  ]);
});

Deno.test("nothing is said ahead of a run at its end, of an entropy that rises, or without a law", () => {
  const pairs = run(40);
  const over = /the run is at its end, or its entropy falls no more$/;
  assert.match(String(predictAhead(pairs, fitLaw(pairs), { planned: 39 })), over);
  const rising = pairs.map((pair, i) => i < 20 ? pair : { ...pair, entropy: 0.3 + 0.005 * i });
  assert.match(String(predictAhead(rising, { ...fitLaw(pairs), identified: true })), over);
  const lawless = { ...fitLaw(pairs), identified: false };
  assert.match(String(predictAhead(pairs, lawless)), /do not identify the law$/);
});

Deno.test("nothing is ahead where the log goes on without pairs, but a last stretch of it is no matter", () => {
  const pairs = run(40);
  const fit = fitLaw(pairs);
  for (const end of [41, 60, 79]) {
    assert.match(String(predictAhead(pairs, fit, { end })), /the log goes on to step \d+$/);
  }
  assert.equal(ahead(pairs, fit, { end: 40 }).step, 59);
});

Deno.test("how long a run is to be is read from its configuration, nested or dotted", () => {
  const planned = (config: Record<string, unknown>) => plannedSteps({ config } as unknown as Run);
  assert.equal(planned({ trainer: { total_training_steps: 300 } }), 300);
  assert.equal(planned({ "trainer.total_training_steps": "300" }), 300);
  assert.equal(planned({ max_steps: 250 }), 250);
  assert.equal(planned({ max_steps: -1, trainer: { total_training_steps: null } }), undefined);
  const stated = { config: { max_steps: -1 }, plannedSteps: 90 } as unknown as Run;
  assert.equal(plannedSteps(stated), 90);
});
