/** The coverage of the 95 % intervals, by simulation with autocorrelated noise. */
import assert from "node:assert/strict";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { fitLaw } from "../../analysis/law.ts";

const RUNS = 300;
const TRUTH = { a: 0.25, b: 0.7, ceiling: 0.45 };
/** Noise that is discarded until it has forgotten its start. */
const BURN_IN = 100;

/** What became of 300 simulated runs. */
interface Simulated {
  /** The share of runs whose interval holds the truth. */
  readonly covered: Readonly<Record<keyof typeof TRUTH, number>>;
  /** The mean of the autocorrelations that the fits report. */
  readonly autocorrelation: number;
}

/**
 * Entropy falls from 0.63 to 0.03 nat over n validations; the noise has standard deviation 0.01.
 *
 * @param ar What each value of the noise has of the one before it, and of those before that.
 */
function simulate(n: number, ar: readonly number[], seed: number): Simulated {
  const random = xoroshiro128plus(seed);
  const uniform = () => uniformFloat64(random);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const series = () => {
    const noise: number[] = [];
    for (let i = 0; i < BURN_IN + n; i++) {
      noise.push(ar.reduce((sum, weight, k) => sum + weight * (noise.at(-1 - k) ?? 0), normal()));
    }
    return noise.slice(BURN_IN);
  };
  const drawn = Array.from({ length: RUNS }, series);
  const squares = drawn.flat().reduce((sum, value) => sum + value ** 2, 0);
  const scale = 0.01 / Math.sqrt(squares / (RUNS * n));
  const count = { a: 0, b: 0, ceiling: 0 };
  let autocorrelation = 0;
  for (const noise of drawn) {
    const { interval, bootstrap } = fitLaw(noise.map((value, step) => {
      const entropy = 0.6 * Math.exp((-5 * step) / n) + 0.03;
      return { step, entropy, score: TRUTH.b - TRUTH.a * Math.exp(entropy) + scale * value };
    }));
    for (const name of ["a", "b", "ceiling"] as const) {
      const [low, high] = interval[name];
      if (low <= TRUTH[name] && TRUTH[name] <= high) count[name]++;
    }
    autocorrelation += bootstrap.autocorrelation / RUNS;
  }
  const covered = { a: count.a / RUNS, b: count.b / RUNS, ceiling: count.ceiling / RUNS };
  return { covered, autocorrelation };
}

for (const [n, correlation] of [[60, 0], [60, 0.5], [40, 0.3], [100, 0.7]] as const) {
  Deno.test(`the 95 % interval covers in 90 to 98 % of runs: ${n} pairs, AR(1) ${correlation}`, () => {
    const { covered, autocorrelation } = simulate(n, [correlation], 7);
    for (const [name, share] of Object.entries(covered)) {
      assert(share >= 0.9 && share <= 0.98, `${name} is covered in ${100 * share} % of the runs`);
    }
    // Of the noise, not of the residuals: those of few pairs look less correlated.
    assert(Math.abs(autocorrelation - correlation) < 0.06, `it is ${autocorrelation} on average`);
  });
}

Deno.test("noise that an AR(1) does not describe: blocks keep the interval from covering too little", () => {
  // Blocks of length 1, which keep nothing that the AR(1) missed, cover in about 80 % of these runs.
  for (const [name, share] of Object.entries(simulate(120, [0.2, 0.4], 8).covered)) {
    assert(share >= 0.84 && share <= 0.98, `${name} is covered in ${100 * share} % of the runs`);
  }
});

Deno.test("short and strongly correlated runs: the interval still covers in five of six", () => {
  for (const [name, share] of Object.entries(simulate(12, [0.7], 8).covered)) {
    assert(share >= 5 / 6, `${name} is covered in ${100 * share} % of the runs`);
  }
});
