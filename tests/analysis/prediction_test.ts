/** Prediction of one part of a run from the other, and the rivals. */
import assert from "node:assert/strict";
import { farFromSeen } from "../../analysis/extrapolation.ts";
import { LawError } from "../../analysis/law_error.ts";
import { lawAt } from "../../analysis/law.ts";
import type { Pair } from "../../analysis/pairs.ts";
import { FIRST_15_PERCENT, predictFrom, splitPairs } from "../../analysis/prediction.ts";
import { compareRivals, fitRival, type RivalName } from "../../analysis/rivals.ts";

const RUN: Pair[] = Array.from({ length: 41 }, (_, i) => {
  const entropy = 0.6 * Math.exp(-i / 12);
  return { step: 4 * i, entropy, score: 0.7 - 0.25 * Math.exp(entropy) };
});

Deno.test("noiseless pairs are predicted exactly, forward and in reverse", () => {
  for (const reverse of [false, true]) {
    const { rmse, endError, direction } = predictFrom(RUN, { fraction: 0.15 }, { reverse });
    assert(rmse < 1e-10 && Math.abs(endError) < 1e-10);
    assert.equal(direction, reverse ? "reverse" : "forward");
  }
});

Deno.test("the portion is a share of the steps or a number of them, from the first pair's", () => {
  assert.equal(predictFrom(RUN, { fraction: 0.15 }).fitted, 7); // Steps 0 to 24.
  assert.equal(predictFrom(RUN, { steps: 36 }).fitted, 9); // Steps 0 to 32: 36 is the 37th.
  const later = RUN.map((pair) => ({ ...pair, step: pair.step + 1000 }));
  assert.deepEqual(predictFrom(later, { steps: 36 }).fittedSteps, [1000, 1032]);
  const each = RUN.map((pair, i) => ({ ...pair, step: i + 1 }));
  assert.deepEqual(predictFrom(each, { steps: 36 }).fittedSteps, [1, 36]);
  const resumed = RUN.map((pair) => ({ ...pair, step: pair.step + 40 }));
  assert.deepEqual(predictFrom(resumed, { fraction: 0.15 }).fittedSteps, [40, 64]);
  assert.deepEqual(predictFrom(RUN, { steps: 36 }, { reverse: true }).fittedSteps, [128, 160]);
});

Deno.test("errors are those of the predicted pairs alone", () => {
  const noisy = RUN.map((pair, i) => i < 9 ? pair : { ...pair, score: pair.score + 0.03 });
  const prediction = predictFrom(noisy, { steps: 36 });
  assert(Math.abs(prediction.rmse - 0.03) < 1e-10);
  assert(Math.abs(prediction.endError + 0.03) < 1e-10);
  assert(Math.abs(lawAt(prediction, 0) - 0.45) < 1e-10);
});

Deno.test("a portion with fewer than 4 pairs, or with all of them, cannot be split", () => {
  for (const portion of [{ steps: 8 }, { fraction: 0.01 }, { steps: 1000 }]) {
    assert.throws(
      () => predictFrom(RUN, portion),
      (error) => error instanceof LawError && error.code === "no-split",
    );
  }
});

Deno.test("pairs to be predicted are checked like those that are fitted", () => {
  const last = RUN.length - 1;
  const cases = [
    ["not-finite", { step: 160, entropy: NaN, score: 0.5 }],
    ["not-finite", { step: 160, entropy: 0.1, score: Infinity }],
    ["out-of-range", { step: 160, entropy: 1200, score: 0.5 }],
    ["out-of-range", { step: 160, entropy: 699, score: 0.5 }],
  ] as const;
  for (const [code, pair] of cases) {
    const pairs = RUN.with(last, pair).map((one) => ({ ...one, score: one.score * 1e10 }));
    assert.throws(
      () => predictFrom(pairs, { fraction: 0.5 }),
      (error) => error instanceof LawError && error.code === code,
      `${code} ${pair.entropy}`,
    );
  }
});

const MADE_BY: Record<RivalName, (pair: Pair) => number> = {
  law: ({ entropy }) => 0.8 - 0.3 * Math.exp(entropy),
  linear: ({ entropy }) => 0.7 - 0.4 * entropy,
  quadratic: ({ entropy }) => 0.6 + 0.3 * entropy - 0.9 * entropy ** 2,
  power: ({ entropy }) => 0.7 - 0.5 * entropy ** 3,
  sigmoid: ({ step }) => 0.2 + 0.4 / (1 + Math.exp(-(step - 60) / 12)),
};

for (const [name, score] of Object.entries(MADE_BY)) {
  Deno.test(`rivals: of pairs made by the form ${name}, that form is the best`, () => {
    // A fixed ripple stands for noise: exact pairs would leave forms that contain this one tied.
    const pairs = RUN.map((pair, i) => ({ ...pair, score: score(pair) + 0.001 * Math.sin(5 * i) }));
    const [best] = compareRivals(pairs);
    assert.equal(best!.model, name);
    assert(best!.rmse < 0.001);
    assert(best!.outOfSample! < 0.02);
  });
}

Deno.test("rivals: all five are compared on the same pairs, by AICc; few pairs leave it undefined", () => {
  const rivals = compareRivals(RUN);
  assert.deepEqual(new Set(rivals.map(({ model }) => model)), new Set(Object.keys(MADE_BY)));
  assert.equal(rivals[0]!.model, "law");
  const few = compareRivals(RUN.slice(0, 4));
  assert(few.every(({ model }) => model !== "sigmoid"));
  assert.equal(few.find(({ model }) => model === "law")!.aicc, undefined);
});

Deno.test("rivals: pairs may come in any order of steps, and a half that is nearly constant predicts nothing", () => {
  const sigmoid = (pairs: Pair[]) => compareRivals(pairs).find(({ model }) => model === "sigmoid")!;
  const mixed = RUN.toSorted((left, right) => Math.sin(left.step) - Math.sin(right.step));
  assert(Math.abs(sigmoid(mixed).rmse / sigmoid(RUN).rmse - 1) < 0.01);
  const late = RUN.map((pair, i) => i < 21 ? { ...pair, entropy: 0.6 + 1e-15 * i } : pair);
  assert(compareRivals(late).every(({ outOfSample }) => outOfSample === undefined));
});

Deno.test("rivals: AICc charges for coefficients, the more the fewer the pairs", () => {
  const pairs = RUN.slice(0, 10).map((pair, i) => ({
    ...pair,
    score: pair.score + 0.01 * Math.sin(5 * i),
  }));
  const rivals = compareRivals(pairs);
  for (const [name, k] of [["law", 3], ["quadratic", 4], ["sigmoid", 5]] as const) {
    const { rmse, aicc } = rivals.find(({ model }) => model === name)!;
    const expected = 10 * Math.log(rmse ** 2) + 2 * k + 2 * k * (k + 1) / (10 - k - 1);
    assert(Math.abs(aicc! - expected) < 1e-9, `${name}: ${aicc}, expected ${expected}`);
  }
});

Deno.test("rivals: the error out of sample is that of the second half by a fit to the first", () => {
  const pairs = RUN.map((pair, i) => i < 21 ? pair : { ...pair, score: pair.score + 0.03 });
  const { outOfSample } = compareRivals(pairs).find(({ model }) => model === "law")!;
  assert(Math.abs(outOfSample! - 0.03) < 1e-10, `it is ${outOfSample}`);
});

Deno.test("rivals: a power law needs positive entropy", () => {
  const pairs = RUN.map((pair) => ({ ...pair, entropy: pair.entropy - 0.1 }));
  assert(compareRivals(pairs).every(({ model }) => model !== "power"));
});

Deno.test("a rival by itself is that of the comparison, and undefined where there are too few pairs", () => {
  const pairs = Array.from({ length: 30 }, (_, step) => {
    const entropy = 0.6 * Math.exp(-step / 8);
    return { step, entropy, score: 0.6 - 0.2 * Math.exp(entropy) + 0.003 * Math.sin(7 * step) };
  });
  for (const { model, rmse } of compareRivals(pairs)) {
    const at = fitRival(model, pairs)!;
    const squared = pairs.reduce((sum, pair) => sum + (at(pair) - pair.score) ** 2, 0);
    assert(Math.abs(Math.sqrt(squared / pairs.length) - rmse) < 1e-12, model);
  }
  assert.equal(fitRival("sigmoid", pairs.slice(0, 4)), undefined);
  assert.equal(fitRival("law", pairs.slice(0, 3)), undefined);
});

Deno.test("a portion and the rest are all pairs, from either end", () => {
  const pairs = Array.from({ length: 21 }, (_, i) => ({ step: 5 * i, entropy: i, score: i }));
  const forward = splitPairs(pairs, FIRST_15_PERCENT, false);
  assert.deepEqual([forward.fitted, forward.rest], [pairs.slice(0, 4), pairs.slice(4)]);
  const reverse = splitPairs(pairs, FIRST_15_PERCENT, true);
  assert.deepEqual([reverse.rest, reverse.fitted], [pairs.slice(0, 17), pairs.slice(17)]);
});

Deno.test("a predicted score that lies further outside those that were seen than they span is said to tell nothing", () => {
  assert.match(
    farFromSeen(158, [0.1, 0.6, 0.3]),
    /^, far outside .*, 0\.1 to 0\.6, so it tells nothing$/,
  );
  assert.match(farFromSeen(-0.5, [0.1, 0.6, 0.3]), /far outside/);
  assert.equal(farFromSeen(0.9, [0.1, 0.6, 0.3]), "");
});
