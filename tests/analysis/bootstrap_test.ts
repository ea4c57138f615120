/** The coverage of the 95 % intervals, by simulation with autocorrelated noise. */
import assert from "node:assert/strict";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { fitLaw } from "../../analysis/law.ts";

const RUNS = 300;
const TRUTH = { a: 0.25, b: 0.7, ceiling: 0.45 };

/**
 * The share of 300 runs whose interval holds the truth: entropy falls from 0.63 to 0.03 nat over n
 * validations, the noise is AR(1) with standard deviation 0.01.
 */
function coverage(
  n: number,
  correlation: number,
  seed: number,
): Record<keyof typeof TRUTH, number> {
  const random = xoroshiro128plus(seed);
  const uniform = () => uniformFloat64(random);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const covered = { a: 0, b: 0, ceiling: 0 };
  for (let run = 0; run < RUNS; run++) {
    let noise = normal();
    const pairs = Array.from({ length: n }, (_, step) => {
      noise = correlation * noise + Math.sqrt(1 - correlation ** 2) * normal();
      const entropy = 0.6 * Math.exp((-5 * step) / n) + 0.03;
      return { step, entropy, score: TRUTH.b - TRUTH.a * Math.exp(entropy) + 0.01 * noise };
    });
    const { interval } = fitLaw(pairs);
    for (const name of ["a", "b", "ceiling"] as const) {
      const [low, high] = interval[name];
      if (low <= TRUTH[name] && TRUTH[name] <= high) covered[name]++;
    }
  }
  return { a: covered.a / RUNS, b: covered.b / RUNS, ceiling: covered.ceiling / RUNS };
}

for (const [n, correlation] of [[60, 0], [60, 0.5], [40, 0.3], [100, 0.7]] as const) {
  Deno.test(`the 95 % interval covers in 90 to 98 % of runs: ${n} pairs, AR(1) ${correlation}`, () => {
    for (const [name, share] of Object.entries(coverage(n, correlation, 7))) {
      assert(share >= 0.9 && share <= 0.98, `${name} is covered in ${100 * share} % of the runs`);
    }
  });
}

Deno.test("short and strongly correlated runs: the interval still covers in four of five", () => {
  for (const [name, share] of Object.entries(coverage(12, 0.7, 8))) {
    assert(share >= 0.8, `${name} is covered in ${100 * share} % of the runs`);
  }
});
