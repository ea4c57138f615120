/** What single pairs do to a fit, and what else keeps a law from being identified. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { influenceOf } from "../../analysis/influence.ts";
import { fitCurve, fitLaw } from "../../analysis/law.ts";
import { type Pair, pairs } from "../../analysis/pairs.ts";
import { readRun } from "../../analysis/readers/read_run.ts";
import { LOGS, testOnLogs } from "../support.ts";
import { normalNumbers } from "./failing_runs.ts";

function lawful(n: number, noise = 0.004): Pair[] {
  return Array.from({ length: n }, (_, step) => {
    const entropy = 0.6 * Math.exp(-step / 10);
    return { step, entropy, score: 0.7 - 0.25 * Math.exp(entropy) + noise * Math.sin(2 * step) };
  });
}

Deno.test("the pair that moves a most is that of leaving each out in turn", () => {
  for (const noise of [0.004, 0.02, 0.1]) {
    const all = lawful(20, noise);
    const whole = fitLaw(all);
    const without = all.map((_, i) => fitCurve(all.toSpliced(i, 1)).a);
    const most = without.reduce(
      (best, a, i) => Math.abs(a - whole.a) > Math.abs(without[best]! - whole.a) ? i : best,
      0,
    );
    const { pair, without: found } = whole.influence!;
    assert.equal(pair, all[most]);
    assert(Math.abs(found - without[most]!) < 1e-12);
  }
});

Deno.test("a pair that carries the fit keeps the law from being identified; others do not", () => {
  const whole = fitLaw(lawful(30));
  assert.equal(whole.identified, true);
  assert.equal(whole.influence!.carries, false);
  assert.equal(whole.influence!.interval, undefined);
  // Only the first pair is off a flat score.
  const one = lawful(30).map((pair, i) => ({
    ...pair,
    score: (i === 0 ? 0.3 : 0.7) + 0.003 * Math.sin(5 * i),
  }));
  const { influence, identified, identifiedBecause, a } = fitLaw(one);
  assert.equal(influence!.pair.step, 0);
  assert.equal(influence!.carries, true);
  assert(Math.abs(influence!.without) < 0.1 * a);
  assert.equal(identified, false);
  assert.match(identifiedBecause, /^one pair carries the fit: without that of step 0, a is /);
});

Deno.test("fewer than five pairs, and pairs without noise, have no influence to tell", () => {
  const interval = [0.1, 0.2] as const;
  assert.equal(influenceOf(lawful(4), { a: 0.25, interval }), undefined);
  assert.equal(fitLaw(lawful(20, 0)).influence?.carries ?? false, false);
});

Deno.test("a score that stopped while entropy went on does not identify the law", () => {
  const stopped = Array.from({ length: 40 }, (_, step) => {
    const entropy = 0.8 * Math.exp(-step / 12);
    const spent = 0.8 * Math.exp(-Math.min(step, 18) / 12);
    const score = 0.9 - 0.25 * Math.exp(spent) + 0.001 * Math.sin(5 * step);
    return { step, entropy, score };
  });
  const { identified, identifiedBecause, plateau } = fitLaw(stopped);
  assert.equal(identified, false);
  assert(plateau !== undefined);
  assert.match(
    identifiedBecause,
    /^the score stopped at step \d+ while entropy fell on from .* for which the law wants \+0\.\d+\.$/,
  );
});

Deno.test("a score that fell while entropy rose bought nothing", () => {
  const exploded = Array.from({ length: 30 }, (_, step) => {
    const entropy = 0.3 + 0.03 * step;
    return { step, entropy, score: 0.9 - 0.2 * Math.exp(entropy) + 0.003 * Math.sin(5 * step) };
  });
  const { a, identified, identifiedBecause } = fitLaw(exploded);
  assert(a > 0);
  assert.equal(identified, false);
  assert.match(identifiedBecause, /^entropy rose from .* and the score fell from/);
});

Deno.test("a ceiling that cannot be, and a training score, are told where the score is known", () => {
  const steep = lawful(30).map((pair) => ({ ...pair, score: pair.score + 0.8 }));
  assert.equal(fitLaw(steep).identified, true);
  const fraction = fitLaw(steep, { score: { kind: "validation", unit: "fraction" } });
  assert.equal(fraction.identified, false);
  assert.match(
    fraction.identifiedBecause,
    /^the ceiling would be above 1, the largest possible score/,
  );
  const training = fitLaw(lawful(30), { score: { kind: "training", unit: "fraction" } });
  assert.equal(training.identified, true);
  assert.match(training.identifiedBecause, /difficulty of the batches moves, too\.$/);
});

testOnLogs("without its first pair the public Qwen2-7B run has a = 0.025 ± 0.036", async () => {
  const fit = fitLaw(pairs(await readRun(join(LOGS, "verl-console-qwen2-7b-grpo.log"))));
  const { pair, without, interval, carries } = fit.influence!;
  assert.equal(pair.step, 0);
  assert.equal(without.toFixed(3), "0.025");
  assert.equal(((interval![1] - interval![0]) / 2).toFixed(3), "0.036");
  assert.equal(carries, true);
  assert.equal(fit.identified, false);
});

Deno.test("a score that rises on while entropy stays where it was refutes the law, and one by the law does not", () => {
  for (let seed = 0; seed < 20; seed++) {
    const normal = normalNumbers(seed);
    const run = (entropyAt: (i: number) => number, scoreAt: (i: number) => number) =>
      fitLaw(
        Array.from({ length: 21 }, (_, i) => ({
          step: 10 * i,
          entropy: entropyAt(i) * (1 + 0.03 * normal()),
          score: scoreAt(i) + 0.005 * normal(),
        })),
        { draws: 200 },
      );
    const jump = (i: number) => i < 10 ? 0.6 : 0.2;
    const jumped = run(jump, (i) => 0.3 + 0.01 * i);
    assert.equal(jumped.identified, false, `${seed}`);
    const lawful = run(jump, (i) => 0.8 - 0.25 * Math.exp(jump(i)));
    assert.equal(lawful.identified, true, `${seed}: ${lawful.identifiedBecause}`);
  }
});

Deno.test("a score that stops while entropy goes on slowly does not identify the law, however small its a", () => {
  let identified = 0;
  for (let seed = 0; seed < 20; seed++) {
    const normal = normalNumbers(seed);
    const pairs = Array.from({ length: 40 }, (_, i) => {
      const step = 5 * (i + 1);
      const entropy = (0.2 + 0.5 * Math.exp(-step / 60)) * (1 + 0.02 * normal());
      return { step, entropy, score: 0.65 - 0.2 * Math.exp(-step / 8) + 0.005 * normal() };
    });
    if (fitLaw(pairs, { draws: 200 }).identified) identified++;
  }
  assert.equal(identified, 0);
});
