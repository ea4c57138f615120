/** The report against brute force, and what Clip-Cov and KL-Cov select. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { ReadError, UserError } from "../../../formats/errors.ts";
import { covarianceFigure } from "../../../analysis/figures/covariance_figure.ts";
import { TokenCollector } from "../../../analysis/tokens/collector.ts";
import { covarianceReport } from "../../../analysis/tokens/covariance_report.ts";
import type { TokenDump } from "../../../analysis/tokens/dump.ts";
import {
  type CovarianceSettings,
  DEFAULT_SETTINGS,
  type Definition,
} from "../../../analysis/tokens/covariance_settings.ts";
import { type CovarianceMethod, selectedTokens } from "../../../analysis/tokens/selected_tokens.ts";

interface Token {
  logProb: number;
  advantage: number;
  oldLogProb: number;
}

/** One flat sequence. */
function dumpOf(tokens: readonly Token[]): TokenDump {
  const collector = new TokenCollector("tokens");
  const column = (name: keyof Token) => Float64Array.from(tokens, (one) => one[name]);
  collector.add({
    count: tokens.length,
    logProb: column("logProb"),
    advantage: column("advantage"),
    mask: undefined,
    oldLogProb: column("oldLogProb"),
    token: Float64Array.from(tokens, (_, i) => i),
  }, { sequence: 0, position: 0 });
  return collector.finish("jsonl");
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]) => sum(values) / values.length;

// Multiples of 1/64 within ±64: sums and products are exact, so brute force is exact as well, but for
// the means; whole numbers of tokens of 2^k keep those exact, too.
const exact = fc.integer({ min: -4096, max: 4096 }).map((value) => value / 64);
const token = fc.record({
  logProb: exact,
  advantage: fc.constantFrom(-2, -0.5, 0, 1, 3),
  oldLogProb: fc.oneof(exact, fc.constant(NaN)),
});
const batches = fc.integer({ min: 0, max: 9 }).chain((power) =>
  fc.array(token, { minLength: 2 ** power, maxLength: 2 ** power })
);
const share = fc.oneof(fc.constantFrom(0, 1, 0.5), fc.double({ min: 0, max: 1, noNaN: true }));
const settings: fc.Arbitrary<CovarianceSettings> = fc.record({
  definition: fc.constantFrom<Definition>("paper", "verl"),
  klCovRatio: share,
  clipCovRatio: share,
  covarianceLow: fc.integer({ min: -50, max: 50 }),
  covarianceHigh: fc.integer({ min: 51, max: 300 }),
  seed: fc.nat(2 ** 32 - 1),
});

Deno.test("means, groups and choices are those of brute force, with ties and with ratios of 0 and 1", () => {
  fc.assert(
    fc.property(batches, settings, (tokens, chosen) => {
      using dump = dumpOf(tokens);
      const report = covarianceReport(dump, chosen);
      const [meanLogProb, meanAdvantage] = [
        mean(tokens.map(({ logProb }) => logProb)),
        mean(tokens.map(({ advantage }) => advantage)),
      ];
      const covariance = tokens.map(({ logProb, advantage }) =>
        (logProb - meanLogProb) * (advantage - meanAdvantage) + 0
      );
      assert.equal(report.meanLogProb, meanLogProb);
      assert.equal(report.meanAdvantage, meanAdvantage);
      close(report.meanCovariance, mean(covariance));
      assert.deepEqual(report.range, [Math.min(...covariance), Math.max(...covariance)]);

      const order = covariance.map((_, i) => i)
        .sort((i, j) => covariance[j]! - covariance[i]! || i - j);
      const shares = [0.0002, 0.002, 0.02, 0.2, 0.5, 1];
      for (const [i, group] of report.groups.entries()) {
        const size = Math.max(Math.floor(shares[i]! * tokens.length), 1);
        assert.equal(group.share, shares[i]);
        assert.equal(group.tokens, size);
        close(group.mean, mean(order.slice(0, size).map((one) => covariance[one]!)));
      }

      const atLeast = chosen.definition === "verl" ? 1 : 0;
      const asked = (ratio: number) => Math.max(Math.floor(ratio * tokens.length), atLeast);
      const selected = Array.from(selectedTokens(dump, report));
      const selectedBy = (method: CovarianceMethod) =>
        selected.filter(({ methods }) => methods.includes(method)).map(({ position }) => position);
      const klCount = chosen.klCovRatio === 0 ? 0 : asked(chosen.klCovRatio);
      const kl = order.slice(0, klCount).sort((i, j) => i - j);
      assert.deepEqual(selectedBy("kl-cov"), kl);
      assert.equal(report.klCov.asked, klCount);
      assert.equal(report.klCov.selected, klCount);
      assert.equal(report.klCov.threshold, klCount === 0 ? null : covariance[order[klCount - 1]!]);

      const candidates = covariance.flatMap((value, i) => {
        const { logProb, oldLogProb, advantage } = tokens[i]!;
        const ratio = Math.exp(logProb - oldLogProb);
        // As verl writes it.
        const clipped = -advantage * Math.min(Math.max(ratio, 0.8), 1.2) > -advantage * ratio;
        if (chosen.definition === "verl" && clipped) return [];
        return value > chosen.covarianceLow && value < chosen.covarianceHigh ? [i] : [];
      });
      const clip = selectedBy("clip-cov");
      assert.equal(report.clipCov.candidates, candidates.length);
      assert.equal(report.clipCov.asked, asked(chosen.clipCovRatio));
      assert.equal(clip.length, Math.min(asked(chosen.clipCovRatio), candidates.length));
      assert.equal(report.clipCov.selected, clip.length);
      assert(clip.every((i) => candidates.includes(i)));

      const total = sum(covariance);
      for (const [method, list] of [[report.klCov, kl], [report.clipCov, clip]] as const) {
        const own = list.map((i) => covariance[i]!);
        const positive = (values: number[]) => sum(values.filter((value) => value > 0));
        assert.equal(method.share, list.length / tokens.length);
        if (method.covarianceShare === null) close(total, 0);
        else close(method.covarianceShare * total, sum(own));
        if (method.positiveShare === null) assert(covariance.every((value) => value <= 0));
        else close(method.positiveShare * positive(covariance), positive(own));
      }

      assert.deepEqual(
        report.highest.map(({ position, covariance }) => [position, covariance]),
        order.slice(0, 10).map((i) => [i, covariance[i]]),
      );
      for (const { position, methods } of report.highest) {
        assert.deepEqual(methods, selected.find((one) => one.position === position)?.methods ?? []);
      }
      assert.equal(sum(report.histogram.counts), tokens.length);
      assert.equal(report.histogram.edges.length, report.histogram.counts.length + 1);
    }),
    { numRuns: 150, seed: 1 },
  );
});

function close(left: number, right: number): void {
  assert(Math.abs(left - right) <= 1e-9 * Math.max(1, Math.abs(left)), `${left} and ${right}`);
}

Deno.test("the histogram counts each covariance between its edges", () => {
  fc.assert(
    fc.property(fc.array(token, { minLength: 2, maxLength: 300 }), (tokens) => {
      using dump = dumpOf(tokens);
      const { histogram: { edges, counts }, range } = covarianceReport(dump);
      const covariances = Array.from(dump.covariances()).flatMap((block) => Array.from(block));
      assert(edges.every((edge, i) => i === 0 || edge > edges[i - 1]!));
      assert(edges[0]! <= range[0] + 1e-9 && edges.at(-1)! >= range[1] - 1e-9);
      for (const [i, count] of counts.entries()) {
        // A value at an edge may be counted on either side.
        const [from, to] = [edges[i]!, edges[i + 1]!];
        const margin = 1e-9 * Math.max(1, Math.abs(from), Math.abs(to));
        const most = covariances.filter((value) => value >= from - margin && value <= to + margin);
        const least = covariances.filter((value) => value > from + margin && value < to - margin);
        assert(count >= least.length && count <= most.length);
      }
    }),
    { numRuns: 30, seed: 1 },
  );
});

Deno.test("the sums do not lose small covariances beside large ones", () => {
  // Covariances of ±1e12 and 1e-4: a plain running sum keeps few digits of the latter.
  const tokens: Token[] = [];
  for (let i = 0; i < 20_000; i++) {
    tokens.push({ logProb: 1e6, advantage: 1e6, oldLogProb: NaN });
    tokens.push({ logProb: -1e6, advantage: 1e6, oldLogProb: NaN });
    tokens.push({ logProb: 1e6, advantage: -1e6, oldLogProb: NaN });
    tokens.push({ logProb: -1e6, advantage: -1e6, oldLogProb: NaN });
    tokens.push({ logProb: 0.01, advantage: 0.01, oldLogProb: NaN });
    tokens.push({ logProb: -0.01, advantage: -0.01, oldLogProb: NaN });
  }
  using dump = dumpOf(tokens);
  assert.equal(dump.meanLogProb, 0);
  const { meanCovariance } = covarianceReport(dump);
  assert(Math.abs(meanCovariance / (1e-4 / 3) - 1) < 1e-9, String(meanCovariance));
});

Deno.test("a constant advantage is no signal: every covariance is exactly 0", () => {
  for (const advantage of [0.1, -1 / 3, 1e-17]) {
    const tokens = Array.from(
      { length: 49 },
      (_, i) => ({ logProb: -i / 7, advantage, oldLogProb: NaN }),
    );
    using dump = dumpOf(tokens);
    const report = covarianceReport(dump);
    assert.deepEqual(report.range, [0, 0]);
    assert.equal(report.klCov.covarianceShare, null);
    assert.equal(report.clipCov.positiveShare, null);
    assert.deepEqual(report.histogram.counts, [49]);
  }
});

Deno.test("of equal covariances KL-Cov selects the first", () => {
  const tokens = Array.from(
    { length: 10 },
    (_, i) => ({ logProb: i % 2 === 0 ? 1 : -1, advantage: i % 2 === 0 ? 1 : -1, oldLogProb: NaN }),
  );
  using dump = dumpOf(tokens);
  const report = covarianceReport(dump, { ...DEFAULT_SETTINGS, klCovRatio: 0.3 });
  assert.deepEqual(
    Array.from(selectedTokens(dump, report), ({ position }) => position),
    [0, 1, 2],
  );
  // The last one is above the equals, so that only one of them is left to select.
  tokens.push({ logProb: 9, advantage: 1, oldLogProb: NaN });
  tokens.push({ logProb: -9, advantage: 1, oldLogProb: NaN });
  using higher = dumpOf(tokens);
  assert.deepEqual(
    Array.from(
      selectedTokens(higher, covarianceReport(higher, { ...DEFAULT_SETTINGS, klCovRatio: 0.2 })),
      ({ position }) => position,
    ),
    [1, 10],
  );
});

Deno.test("Clip-Cov's sample is the same for a seed, and every set of candidates equally likely", () => {
  // Six candidates among other tokens, two of which are taken: 15 sets.
  const tokens = [-9, 3, 3, 3, -9, 3, 3, 3, 3, 3].map((logProb, i) => ({
    logProb: i === 9 ? -9 : logProb,
    advantage: i === 8 ? -20 : logProb > 0 ? 1 : -1,
    oldLogProb: NaN,
  }));
  using dump = dumpOf(tokens);
  const covariance = Array.from(dump.covariances()).flatMap((block) => Array.from(block));
  const [low, high, taken] = [1, 100, 2];
  const candidates = covariance.filter((value) => value > low && value < high).length;
  const report = covarianceReport(dump, {
    ...DEFAULT_SETTINGS,
    klCovRatio: 0,
    clipCovRatio: taken / tokens.length,
    covarianceLow: low,
    covarianceHigh: high,
  });
  assert.equal(report.clipCov.candidates, candidates);
  const choose = (seed: number) => {
    const clipCov = { ...report.clipCov, seed };
    return Array.from(selectedTokens(dump, { ...report, clipCov }), ({ position }) => position)
      .join();
  };
  const counts = new Map<string, number>();
  const draws = 3000;
  for (let seed = 0; seed < draws; seed++) {
    const set = choose(seed);
    counts.set(set, (counts.get(set) ?? 0) + 1);
  }
  assert.equal(choose(1), choose(1));
  const sets = candidates * (candidates - 1) / taken;
  assert.equal(counts.size, sets);
  const expected = draws / sets;
  const chiSquare = sum(Array.from(counts.values(), (count) => (count - expected) ** 2 / expected));
  // The 99.9 % quantile of chi-square is near df + 3.09·√(2·df) + 4.
  const freedom = sets - 1;
  assert(chiSquare < freedom + 3.09 * Math.sqrt(2 * freedom) + 4, `chi-square ${chiSquare}`);
});

Deno.test("PPO's clip fraction and log-ratio are those of the tokens whose old log-probability is known", () => {
  const tokens = [
    { logProb: -1, advantage: 1, oldLogProb: -1.3 }, // ratio 1.35, clipped
    { logProb: -1, advantage: -1, oldLogProb: -1.3 }, // against the gradient's direction: not clipped
    { logProb: -1.3, advantage: -1, oldLogProb: -1 }, // ratio 0.74, clipped
    { logProb: -1.3, advantage: 0, oldLogProb: -1 },
    { logProb: -1, advantage: 2, oldLogProb: NaN },
  ];
  using dump = dumpOf(tokens);
  const { tokens: count, clipFraction, meanAbsoluteLogRatio } = covarianceReport(dump).ratio!;
  assert.equal(count, 4);
  assert.equal(clipFraction, 0.5);
  close(meanAbsoluteLogRatio, 0.3);
});

Deno.test("whatever finite numbers a batch has, those of its report are finite, or it is refused", () => {
  const isFinite = (value: unknown): boolean =>
    typeof value === "number"
      ? Number.isFinite(value)
      : typeof value !== "object" || value === null || Object.values(value).every(isFinite);
  const size = fc.integer({ min: -324, max: 308 });
  const number = fc.tuple(fc.double({ min: -9, max: 9, noNaN: true }), size)
    .map(([digits, exponent]) => Number(`${digits}e${exponent}`))
    .filter(Number.isFinite);
  const extreme = fc.record({ logProb: number, advantage: number, oldLogProb: number });
  let [taken, refused] = [0, 0];
  fc.assert(
    fc.property(fc.array(extreme, { minLength: 1, maxLength: 6 }), settings, (tokens, chosen) => {
      try {
        using dump = dumpOf(tokens);
        const { highest, ...report } = covarianceReport(dump, chosen);
        assert(isFinite(report), JSON.stringify(report));
        assert(isFinite(highest));
        // The same must hold for the picture.
        assert(isFinite(covarianceFigure("batch", { ...report, highest })));
        taken++;
      } catch (error) {
        assert(error instanceof ReadError, String(error));
        refused++;
      }
    }),
    { numRuns: 1000, seed: 8 },
  );
  assert(taken > 100 && refused > 100, `${taken} taken, ${refused} refused`);
});

Deno.test("settings that mean nothing and covariances that overflow are refused in a sentence", () => {
  using dump = dumpOf([{ logProb: 1, advantage: 1, oldLogProb: NaN }]);
  const refused = (change: Partial<CovarianceSettings>, message: string) =>
    assert.throws(
      () => covarianceReport(dump, { ...DEFAULT_SETTINGS, ...change }),
      (error) => error instanceof UserError && error.message === message,
    );
  refused({ klCovRatio: 1.5 }, "klCovRatio is 1.5, expected a share from 0 to 1.");
  refused({ clipCovRatio: NaN }, "clipCovRatio is NaN, expected a share from 0 to 1.");
  refused(
    { covarianceLow: 5 },
    "covarianceHigh is 5, expected a number above covarianceLow, which is 5.",
  );
  refused({ covarianceLow: -Infinity }, "covarianceLow is -Infinity, expected a finite number.");
  refused({ covarianceHigh: Infinity }, "covarianceHigh is Infinity, expected a finite number.");
  refused({ seed: -1 }, "seed is -1, expected an integer from 0 to 4294967295.");
  using large = dumpOf([
    { logProb: 1e200, advantage: 1e200, oldLogProb: NaN },
    { logProb: -1e200, advantage: -1e200, oldLogProb: NaN },
  ]);
  assert.throws(() => covarianceReport(large), /so large that the covariances overflow\.$/);
});
