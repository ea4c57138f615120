/** The interval of a mean: by the book, and how often it covers. */
import assert from "node:assert/strict";
import { meanInterval } from "../../analysis/mean_interval.ts";
import { seededRandom } from "../../experiments/lab/tasks/random.ts";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";

Deno.test("three values, as computed by hand", () => {
  const [low, high] = meanInterval([1, 2, 3])!;
  assert(Math.abs(low - (2 - 4.303 / Math.sqrt(3))) < 1e-12);
  assert(Math.abs(high - (2 + 4.303 / Math.sqrt(3))) < 1e-12);
  assert.equal(meanInterval([1]), undefined);
});

Deno.test("it covers the mean of normal values in 95 % of cases, by 3 and by 60 of them", () => {
  const random = seededRandom(1);
  const normal = () =>
    Math.sqrt(-2 * Math.log(1 - uniformFloat64(random))) *
    Math.cos(2 * Math.PI * uniformFloat64(random));
  for (const [count, times] of [[3, 4000], [60, 2000]] as const) {
    let covered = 0;
    for (let i = 0; i < times; i++) {
      const [low, high] = meanInterval(Array.from({ length: count }, normal))!;
      if (low <= 0 && 0 <= high) covered++;
    }
    // Three standard errors.
    const error = 3 * Math.sqrt(0.95 * 0.05 / times);
    assert(Math.abs(covered / times - 0.95) < error, `${covered} of ${times}`);
  }
});
