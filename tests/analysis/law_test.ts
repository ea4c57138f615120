/** The fit recovers what made the pairs; bad pairs are named. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { LawError, type LawErrorCode } from "../../analysis/errors.ts";
import { fitLaw, lawAt } from "../../analysis/law.ts";
import type { Pair } from "../../analysis/pairs.ts";

/** Pairs without noise whose entropy spans at least 0.05 nat. */
const noiseless = fc.record({
  a: fc.double({ min: -3, max: 3, noNaN: true }).filter((a) => Math.abs(a) > 1e-3),
  b: fc.double({ min: -5, max: 5, noNaN: true }),
  entropies: fc.array(fc.double({ min: 0, max: 3, noNaN: true }), { minLength: 4, maxLength: 60 })
    .filter((values) => Math.max(...values) - Math.min(...values) > 0.05),
});

Deno.test("fitLaw recovers a and b exactly from noiseless pairs", () => {
  fc.assert(
    fc.property(noiseless, ({ a, b, entropies }) => {
      const pairs = entropies.map((entropy, step) => ({
        step,
        entropy,
        score: b - a * Math.exp(entropy),
      }));
      const fit = fitLaw(pairs);
      const tolerance = 1e-9 * (1 + Math.abs(a) + Math.abs(b));
      assert(Math.abs(fit.a - a) < tolerance, `a is ${fit.a}, expected ${a}`);
      assert(Math.abs(fit.b - b) < tolerance, `b is ${fit.b}, expected ${b}`);
      assert(Math.abs(fit.ceiling - (b - a)) < tolerance);
      assert(fit.rmse < tolerance);
      assert(fit.r2 > 1 - 1e-9);
      for (const [low, high] of Object.values(fit.interval)) assert(high - low < 1e-5);
    }),
    { numRuns: 100, seed: 4 },
  );
});

Deno.test("fitLaw agrees with the normal equations on a case worked by hand", () => {
  // exp(H) = 1, 2, 3, 4 and R = 10, 7, 6, 3: slope −2.2, intercept 12.
  const pairs = [10, 7, 6, 3].map((score, i) => ({ step: i, entropy: Math.log(i + 1), score }));
  const fit = fitLaw(pairs);
  assert(Math.abs(fit.a - 2.2) < 1e-12);
  assert(Math.abs(fit.b - 12) < 1e-12);
  assert(Math.abs(fit.r2 - 24.2 / 25) < 1e-12);
  assert(Math.abs(fit.rmse - Math.sqrt(0.8 / 4)) < 1e-12);
  assert.equal(lawAt(fit, 0), fit.b - fit.a);
});

Deno.test("the same pairs give the same intervals", () => {
  const pairs = noisyPairs(40);
  assert.deepEqual(fitLaw(pairs).interval, fitLaw(pairs).interval);
});

Deno.test("pairs that no law can be fitted to are named", () => {
  const good = noisyPairs(10);
  const cases: [LawErrorCode, Pair[], RegExp][] = [
    ["too-few-pairs", good.slice(0, 3), /^there are 3 pairs .* needs at least 4\.$/],
    ["too-few-pairs", [], /^there are 0 pairs/],
    [
      "constant-entropy",
      good.map((pair) => ({ ...pair, entropy: 0.5 })),
      /^the entropy is 0\.5 in all 10 pairs/,
    ],
    [
      "constant-score",
      good.map((pair) => ({ ...pair, score: -1 })),
      /^the score is -1 in all 10 pairs/,
    ],
    [
      "not-finite",
      good.with(3, { step: 3, entropy: NaN, score: 1 }),
      /^pair 3 \(step 3\) has entropy NaN/,
    ],
    ["not-finite", good.with(3, { step: 3, entropy: 1, score: Infinity }), /score Infinity/],
  ];
  for (const [code, pairs, message] of cases) {
    assert.throws(
      () => fitLaw(pairs),
      (error) => error instanceof LawError && error.code === code && message.test(error.message),
    );
  }
});

Deno.test("the verdict tells pairs that identify the law from those that do not", () => {
  const at = (entropy: (i: number) => number, noise = 0.002) =>
    Array.from({ length: 30 }, (_, i) => ({
      step: i,
      entropy: entropy(i),
      score: 0.6 - 0.2 * Math.exp(entropy(i)) + noise * Math.sin(7 * i),
    }));
  const verdict = (pairs: Pair[]) => fitLaw(pairs).identified;
  assert(verdict(at((i) => 0.6 * Math.exp(-i / 10))).verdict);
  assert.match(verdict(at((i) => 0.3 - i / 1000)).reason, /moved by only 0\.029 nat/);
  assert.match(
    verdict(at((i) => i < 2 ? 0.6 : 0.1)).reason,
    /^28 of 30 points lie in the flat part/,
  );
  assert.match(verdict(at((i) => 0.6 * Math.exp(-i / 10), 1)).reason, /interval of a includes 0/);
  const falling = at((i) => 0.6 * Math.exp(-i / 10)).map((pair) => ({
    ...pair,
    score: -pair.score,
  }));
  assert.match(verdict(falling).reason, /^a is negative/);
});

function noisyPairs(n: number): Pair[] {
  return Array.from({ length: n }, (_, step) => {
    const entropy = 0.6 * Math.exp((-4 * step) / n);
    return { step, entropy, score: 0.7 - 0.25 * Math.exp(entropy) + 0.01 * Math.sin(3 * step) };
  });
}
