/** Laws of several runs: one for all, whether they share it, and how it grows with size. */
import assert from "node:assert/strict";
import { fitRuns, type FittedRuns, identifiedLaw } from "../../analysis/fit_runs.ts";
import { fitLogLinear } from "../../analysis/log_linear.ts";
import { compareOneLaw } from "../../analysis/one_law.ts";
import { overRuns } from "../../analysis/over_runs.ts";
import { fitLaw } from "../../analysis/law.ts";
import { type SyntheticLaw, syntheticLog } from "../experiments/synthetic_study.ts";

/** Runs of one kind by seeds, under one law. */
function kind(name: string, seeds: readonly number[], law: Partial<SyntheticLaw>): FittedRuns {
  return fitRuns(
    name,
    seeds.map((seed) => {
      const { run, pairs } = syntheticLog({ seed }, law);
      return { run: run.name, pairs };
    }),
  );
}

Deno.test("the law of several runs is that of all their pairs, and says if it is not identified", () => {
  const runs = kind("7B", [1, 2, 3], {});
  assert.deepEqual(
    runs.fit!.interval,
    fitLaw(runs.runs.flatMap(({ pairs }) => pairs)).interval,
  );
  assert(Math.abs(runs.fit!.a - 0.21) < 0.01 && Math.abs(runs.fit!.b - 0.6) < 0.01);
  assert.equal(identifiedLaw(runs), runs.fit);

  const narrow = kind("narrow", [1], { start: 0.03 });
  assert.notEqual(narrow.fit, undefined);
  assert.equal(identifiedLaw(narrow), undefined);
  assert.match(narrow.because, /entropy moved by only/);

  const constant = kind("constant", [1], { start: 0.02 });
  assert.equal(constant.fit, undefined);
  assert.match(constant.because, /no law can be fitted/);
});

Deno.test("kinds under one law share it, kinds under two do not, and one run of each leaves it open", () => {
  // Twelve seeds under one law, dealt out to four kinds.
  const same = [0, 1, 2, 3].map((i) => kind(`k${i}`, [3 * i + 1, 3 * i + 2, 3 * i + 3], {}));
  const shared = compareOneLaw(same);
  assert.equal(shared.degreesOfFreedom, 6);
  assert(shared.likelihoodRatio > 0 && shared.likelihoodRatio < 20, `${shared.likelihoodRatio}`);
  assert(shared.p! > 0.05, `${shared.p}`);
  assert(shared.largestDifference < 0.01);

  const [first, ...others] = same;
  const higher = kind("higher", [13, 14, 15], { b: 0.65 });
  const parted = compareOneLaw([first!, others[0]!, others[1]!, higher]);
  assert(parted.likelihoodRatio > 500);
  assert(parted.p! < 0.01, `${parted.p}`);
  assert(Math.abs(parted.largestDifference - 0.05) < 0.01);

  const single = compareOneLaw([kind("a", [1], {}), kind("b", [2], {})]);
  assert.equal(single.p, undefined);
  assert.deepEqual(compareOneLaw(same), shared);
});

Deno.test("of two laws that differ in each run, dealing out the runs finds no difference of kinds", () => {
  // The level of a run is its own, in both kinds alike: 2 ln Λ is large, its p is not.
  const kinds = [[0.6, 0.66, 0.62], [0.57, 0.63, 0.59]].map((levels, i) =>
    fitRuns(
      `k${i}`,
      levels.map((b, seed) => {
        const { run, pairs } = syntheticLog({ seed: 10 * i + seed }, { b });
        return { run: run.name, pairs };
      }),
    )
  );
  const { likelihoodRatio, p } = compareOneLaw(kinds);
  assert(likelihoodRatio > 6, `${likelihoodRatio}`);
  assert(p! > 0.3, `${p}`);
});

Deno.test("a line over log size tells a larger size with the interval of a new value", () => {
  const sizes = [0.01, 0.1, 1, 10].map((size, i) => ({ size, value: [1, 2.2, 2.9, 4.1][i]! }));
  const line = fitLogLinear(sizes)!;
  assert(Math.abs(line.perDecade - 1) < 1e-12);
  assert(Math.abs(line.at(100) - 5.05) < 1e-12);
  const [low, high] = line.intervalAt(100)!;
  // By hand: s² = 0.05 / 2; 4.303 · √(s² · (1 + 1/4 + 2.5² / 5)) = 1.0757.
  assert(Math.abs(low - (5.05 - 1.0757)) < 1e-3 && Math.abs(high - (5.05 + 1.0757)) < 1e-3);
  assert(line.r2 > 0.98 && line.r2 < 1);
  assert.equal(fitLogLinear(sizes.slice(0, 2))!.intervalAt(100), undefined);
  assert.equal(fitLogLinear(sizes.slice(0, 1)), undefined);
});

Deno.test("over runs: mean and range at the steps that all have", () => {
  const one = [{ step: 1, value: 1 }, { step: 2, value: 2 }, { step: 4, value: 9 }];
  const other = [{ step: 1, value: 3 }, { step: 2, value: 2 }, { step: 3, value: 7 }];
  assert.deepEqual(overRuns([one, other]), [
    { step: 1, value: 2, low: 1, high: 3 },
    { step: 2, value: 2, low: 2, high: 2 },
  ]);
  assert.deepEqual(overRuns([]), []);
});
