/** The fit recovers what made the pairs; bad pairs are named. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { LawError, type LawErrorCode } from "../../analysis/law_error.ts";
import { lawFigure } from "../../analysis/figures/law_figure.ts";
import { identify } from "../../analysis/identification.ts";
import { fitLaw, lawAt } from "../../analysis/law.ts";
import type { Pair } from "../../analysis/pairs.ts";
import { predictFrom } from "../../analysis/prediction.ts";
import { compareRivals } from "../../analysis/rivals.ts";

/** Numbers of every size, subnormal ones too. */
const anyNumber = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.record({
    size: fc.constantFrom(
      1e-320,
      1e-160,
      1e-18,
      1e-7,
      1e-3,
      1,
      1,
      10,
      350,
      690,
      1e5,
      1e154,
      1e299,
      1e308,
    ),
    part: fc.double({ min: -1, max: 1, noNaN: true }),
  }).map(({ size, part }) => size * part),
);

/** Values about a common one, as near to each other as `apart` says. */
const nearEachOther = (bases: number[]) =>
  fc.record({
    base: fc.constantFrom(...bases),
    apart: fc.constantFrom(1e-18, 1e-12, 1e-8, 1e-6, 1e-3, 0.1, 1, 30, 300),
  }).chain(({ base, apart }) =>
    fc.array(fc.double({ min: base - apart, max: base + apart, noNaN: true }), {
      minLength: 4,
      maxLength: 12,
    })
  );

const anyColumn = fc.array(anyNumber, { minLength: 4, maxLength: 12 });

/** Any finite pairs; half of them have steps in order. */
const anyPairs = fc.record({
  entropies: fc.oneof(nearEachOther([0, 0.5, 5, -300, 300]), nearEachOther([0.5]), anyColumn),
  scores: fc.oneof(nearEachOther([0, 0.5, 1e6, 1e200]), nearEachOther([0.5]), anyColumn),
  steps: fc.option(anyColumn, { nil: undefined }),
}).map(({ entropies, scores, steps }): Pair[] =>
  Array.from(
    { length: Math.min(entropies.length, scores.length, steps?.length ?? Infinity) },
    (_, i) => ({ step: steps?.[i] ?? i, entropy: entropies[i]!, score: scores[i]! }),
  )
);

/** Fails for a number anywhere in a value that is not finite. */
function assertFinite(value: unknown, path: string): void {
  if (typeof value === "number") assert(Number.isFinite(value), `${path} is ${value}`);
  else if (typeof value === "object" && value !== null) {
    for (const [key, part] of Object.entries(value)) assertFinite(part, `${path}.${key}`);
  }
}

/** What `work` returns, or undefined where it threw a LawError. */
function lawOrError<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof LawError) return undefined;
    throw error;
  }
}

Deno.test("of any finite pairs the law is a LawError or finite, and the intervals hold the estimates", () => {
  let fitted = 0;
  fc.assert(
    fc.property(anyPairs, (pairs) => {
      const fit = lawOrError(() => fitLaw(pairs));
      if (fit === undefined) return;
      fitted++;
      assertFinite(fit, "fit");
      assert(fit.r2 <= 1 && fit.r2 >= -1e-6, `R² is ${fit.r2}`);
      for (const name of ["a", "b", "ceiling"] as const) {
        const [low, high] = fit.interval[name];
        assert(low <= fit[name] && fit[name] <= high, `${name} is not within its interval`);
      }
    }),
    { numRuns: 1500, seed: 6 },
  );
  assert(fitted > 100, `only ${fitted} could be fitted`);
});

Deno.test("so are the prediction, the rivals and the picture", () => {
  let drawn = 0;
  fc.assert(
    fc.property(anyPairs, fc.boolean(), (pairs, reverse) => {
      assertFinite(
        lawOrError(() => predictFrom(pairs, { fraction: 0.5 }, { reverse })),
        "prediction",
      );
      const rivals = lawOrError(() => compareRivals(pairs));
      assertFinite(rivals, "rivals");
      const fit = lawOrError(() => fitLaw(pairs));
      if (fit === undefined || pairs.every(({ entropy }) => entropy <= 0)) return;
      drawn++;
      assertFinite(lawFigure([{ name: "run", pairs, fit }], "fraction"), "figure");
    }),
    { numRuns: 500, seed: 6 },
  );
  assert(drawn > 30, `only ${drawn} could be drawn`);
});

Deno.test("the unit of R changes no digit of the law, its prediction and its rivals, however small or large", () => {
  const pairs = noisyPairs(30);
  const [fit, prediction, rivals] = [
    fitLaw(pairs),
    predictFrom(pairs, { fraction: 0.5 }),
    compareRivals(pairs),
  ];
  for (const unit of [2 ** -900, 2 ** -500, 2 ** 500, 2 ** 900]) {
    const scaled = pairs.map((pair) => ({ ...pair, score: pair.score * unit }));
    const other = fitLaw(scaled);
    assert.equal(other.r2, fit.r2);
    for (const name of ["a", "b", "ceiling", "rmse"] as const) {
      assert.equal(other[name], fit[name] * unit);
    }
    for (const name of ["a", "b", "ceiling"] as const) {
      assert.deepEqual(other.interval[name], fit.interval[name].map((end) => end * unit));
    }
    assert.equal(predictFrom(scaled, { fraction: 0.5 }).rmse, prediction.rmse * unit);
    const others = compareRivals(scaled);
    assert.deepEqual(others.map(({ model }) => model), rivals.map(({ model }) => model));
    assert.deepEqual(others.map(({ rmse }) => rmse), rivals.map(({ rmse }) => rmse * unit));
  }
});

Deno.test("entropies of hundreds of nats are fitted as far as floats go", () => {
  const pairs = noisyPairs(30).map((pair) => ({ ...pair, entropy: pair.entropy + 650 }));
  const fit = fitLaw(pairs);
  assert(fit.r2 > 0.9 && fit.interval.a[0] < fit.a && fit.a < fit.interval.a[1]);
  assert(Math.abs(fit.a * Math.exp(650) / fitLaw(noisyPairs(30)).a - 1) < 1e-9);
});

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
    [
      "out-of-range",
      good.with(3, { step: 3, entropy: 1200, score: 1 }),
      /^pair 3 \(step 3\) has entropy 1200, expected nats per token: from -700 to 700/,
    ],
    ["out-of-range", good.with(3, { step: 3, entropy: -1200, score: 1 }), /has entropy -1200/],
    [
      "out-of-range",
      good.with(3, { step: 3, entropy: 500, score: 1 }).with(4, {
        step: 4,
        entropy: -500,
        score: 1,
      }),
      /^the entropy moves from -500 to 500, expected/,
    ],
    ["out-of-range", good.with(3, { step: 3, entropy: 1, score: 1e308 }), /has score 1e\+308/],
    [
      "out-of-range",
      good.map((pair) => ({ ...pair, entropy: pair.entropy + 690, score: pair.score * 1e-20 })),
      /^a would be .* beyond what can be computed with/,
    ],
    [
      "constant-entropy",
      good.map((pair, i) => ({ ...pair, entropy: 1e-18 * (1 + i / 10) })),
      /^the entropy is between 1e-18 and 1\.9\d*e-18 in all 10 pairs, which rounding cannot tell apart/,
    ],
    [
      "constant-score",
      good.map((pair, i) => ({ ...pair, score: 0.1 + 1e-16 * i })),
      /^the score is between .* which rounding cannot tell apart/,
    ],
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
  const unidentified = (pairs: Pair[], because: RegExp) => {
    const { identified, identifiedBecause } = fitLaw(pairs);
    assert.equal(identified, false);
    assert.match(identifiedBecause, because);
  };
  assert.equal(fitLaw(at((i) => 0.6 * Math.exp(-i / 10))).identified, true);
  unidentified(at((i) => 0.3 - i / 1000), /moved by only 0\.029 nat/);
  unidentified(at((i) => i < 2 ? 0.6 : 0.1), /^28 of 30 points lie in the flat part/);
  unidentified(at((i) => 0.6 * Math.exp(-i / 10), 1), /interval of a includes 0/);
  const falling = at((i) => 0.6 * Math.exp(-i / 10)).map((pair) => ({
    ...pair,
    score: -pair.score,
  }));
  unidentified(
    falling,
    /^a is negative: over the 0\.567 nat .* the score is lower where entropy is lower/,
  );
  // A slope that one pair makes goes neither way.
  const influence = {
    pair: falling[29]!,
    without: 0.27,
    interval: [-1.8, 2.3],
    carries: true,
  } as const;
  const carried = identify(falling, [-1.9, -0.2], { a: -1.04, influence });
  assert.match(
    carried.identifiedBecause,
    /^one pair carries the fit: without that of step 29, a is /,
  );
});

Deno.test("an interval of a without finite ends identifies nothing", () => {
  const pairs = noisyPairs(30);
  assert(identify(pairs, [0.1, 0.2]).identified);
  for (const interval of [[NaN, NaN], [0.1, Infinity], [NaN, 0.2]] as const) {
    const { identified, identifiedBecause } = identify(pairs, interval);
    assert.equal(identified, false);
    assert.match(identifiedBecause, /no finite ends/);
  }
});

function noisyPairs(n: number): Pair[] {
  return Array.from({ length: n }, (_, step) => {
    const entropy = 0.6 * Math.exp((-4 * step) / n);
    return { step, entropy, score: 0.7 - 0.25 * Math.exp(entropy) + 0.01 * Math.sin(3 * step) };
  });
}
