/** Seeds give reproducible and unrelated numbers. */
import assert from "node:assert/strict";
import { chance, otherThan, seededRandom } from "../../../../experiments/lab/tasks/random.ts";

Deno.test("a seed gives the same numbers each time", () => {
  const [first, second] = [seededRandom(7), seededRandom(7)];
  for (let i = 0; i < 100; i++) assert.equal(first.next(), second.next());
});

Deno.test("numbers of neighbouring seeds are uncorrelated and uniform", () => {
  const seeds = 20_000;
  for (const skipped of [0, 1, 100]) {
    const values = Array.from({ length: seeds }, (_, seed) => {
      const random = seededRandom(seed);
      for (let i = 0; i < skipped; i++) random.next();
      return random.next() / 2 ** 32; // −0.5 to 0.5, of variance 1/12
    });
    const mean = values.reduce((sum, value) => sum + value, 0) / seeds;
    assert(Math.abs(mean) < 4 / Math.sqrt(12 * seeds), `mean ${mean}`);
    let product = 0;
    for (let i = 1; i < seeds; i++) product += values[i]! * values[i - 1]!;
    const correlation = 12 * product / seeds;
    assert(Math.abs(correlation) < 4 / Math.sqrt(seeds), `correlation ${correlation}`);
  }
});

Deno.test("chance and otherThan keep to their bounds", () => {
  const random = seededRandom(1);
  const seen = new Set<number>();
  for (let i = 0; i < 1000; i++) {
    assert.equal(chance(random, 0), false);
    assert.equal(chance(random, 1), true);
    seen.add(otherThan(random, 2, 7, 3, 6));
  }
  assert.deepEqual([...seen].sort(), [2, 4, 5]);
});
