/** What is predicted: the far end of the rest of a run, and a run that goes on. */
import assert from "node:assert/strict";
import { plannedSteps, predictAhead } from "../../analysis/ahead.ts";
import { fitLaw, lawAt } from "../../analysis/law.ts";
import type { Pair } from "../../analysis/pairs.ts";
import { predictFrom } from "../../analysis/prediction.ts";
import type { Run } from "../../analysis/readers/run.ts";

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

Deno.test("ahead of a run that goes on, entropy falls as it did, and the law says what it buys", () => {
  const pairs = run(40);
  const fit = fitLaw(pairs);
  const ahead = predictAhead(pairs, fit)!;
  assert.deepEqual([ahead.now, ahead.step, ahead.isPlanned], [39, 59, false]);
  assert(Math.abs(ahead.entropy - 0.8 * Math.exp(-0.05 * 59)) < 1e-9);
  assert(Math.abs(ahead.predicted - lawAt(fit, ahead.entropy)) < 1e-12);
  const truth = 0.8 - 0.25 * Math.exp(ahead.entropy);
  assert(ahead.interval[0] < truth && truth < ahead.interval[1]);
  assert.equal(predictAhead(pairs, fit, 100)!.step, 100);
});

Deno.test("nothing is said ahead of a run at its end, of an entropy that rises, or without a law", () => {
  const pairs = run(40);
  assert.equal(predictAhead(pairs, fitLaw(pairs), 39), undefined);
  const rising = pairs.map((pair, i) => i < 20 ? pair : { ...pair, entropy: 0.3 + 0.005 * i });
  assert.equal(predictAhead(rising, { ...fitLaw(pairs), identified: true }), undefined);
  assert.equal(predictAhead(pairs, { ...fitLaw(pairs), identified: false }), undefined);
});

Deno.test("nothing is ahead where the log goes on without pairs, but a last stretch of it is no matter", () => {
  const pairs = run(40);
  const fit = fitLaw(pairs);
  for (const end of [41, 60, 79]) {
    assert.equal(predictAhead(pairs, fit, undefined, end), undefined, `${end}`);
  }
  assert.equal(predictAhead(pairs, fit, undefined, 40)!.step, 59);
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
