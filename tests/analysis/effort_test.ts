/** What gives way so that a call ends in seconds, and what never does. */
import assert from "node:assert/strict";
import { effortFor, evenlyThinned } from "../../analysis/effort.ts";
import { lawFigure } from "../../analysis/figures/law_figure.ts";
import { fitLaw } from "../../analysis/law.ts";
import type { Pair } from "../../analysis/pairs.ts";
import { compareRivals } from "../../analysis/rivals.ts";

/** A run that follows the law with a = 0.25, b = 0.7 but for a ripple. */
function course(n: number): Pair[] {
  return Array.from({ length: n }, (_, step) => {
    const entropy = 0.03 + 0.6 * Math.exp((-5 * step) / n);
    return { step, entropy, score: 0.7 - 0.25 * Math.exp(entropy) + 0.01 * Math.sin(7 * step) };
  });
}

Deno.test("runs of ordinary size are resampled 2,000 times and compared on all pairs", () => {
  for (const sizes of [[4], [2500], [49_950], Array(20).fill(2400), Array(200).fill(200)]) {
    assert.equal(effortFor(sizes).draws, 2000, `${sizes.length} runs of ${sizes[0]}`);
    assert.equal(effortFor(sizes).rivalPairs, 2500, `${sizes.length} runs of ${sizes[0]}`);
  }
});

Deno.test("more pairs in one call mean fewer draws, never under 200, and fewer pairs to compare", () => {
  assert.deepEqual(effortFor([150_000]), { draws: 666, rivalPairs: 2500 });
  assert.deepEqual(effortFor([700_000]), { draws: 200, rivalPairs: 2500 });
  assert.deepEqual(effortFor(Array(300).fill(800)), { draws: 392, rivalPairs: 166 });
  assert.deepEqual(effortFor(Array(5000).fill(5000)), { draws: 200, rivalPairs: 50 });
});

Deno.test("thinned values are evenly spaced from the first on, and all where they are few", () => {
  assert.deepEqual(evenlyThinned([0, 1, 2, 3, 4, 5, 6], 3), [0, 3, 6]);
  assert.deepEqual(evenlyThinned([0, 1, 2], 3), [0, 1, 2]);
});

Deno.test("fewer draws change no estimate and no interval by much", () => {
  const pairs = course(400);
  const [all, few] = [fitLaw(pairs), fitLaw(pairs, { draws: 200 })];
  assert.equal(few.bootstrap.draws, 200);
  assert.deepEqual([few.a, few.b, few.r2], [all.a, all.b, all.r2]);
  const width = ([low, high]: readonly [number, number]) => high - low;
  for (const name of ["a", "b", "ceiling"] as const) {
    const ratio = width(few.interval[name]) / width(all.interval[name]);
    assert(ratio > 0.7 && ratio < 1.4, `${name}'s interval is ${ratio} times as wide`);
  }
});

Deno.test("all rivals of a long run are compared on the same evenly spaced pairs", () => {
  const pairs = course(5001);
  assert.deepEqual(compareRivals(pairs), compareRivals(evenlyThinned(pairs, 2500)));
  assert.deepEqual(compareRivals(pairs, { most: 50 }), compareRivals(evenlyThinned(pairs, 50)));
  // Every second entropy is the same: the law can be fitted to all pairs, but not to these.
  const comb = course(100).map((pair) => pair.step % 2 === 0 ? { ...pair, entropy: 0.5 } : pair);
  assert.deepEqual(compareRivals(comb, { most: 50 }), []);
});

Deno.test("the picture of 400 runs has no more than 20,000 points", () => {
  const pairs = course(100);
  const fit = fitLaw(pairs);
  const drawn = (runs: number) => {
    const series = Array.from({ length: runs }, (_, i) => ({ name: `run ${i}`, pairs, fit }));
    const { layer } = lawFigure(series, "reward") as { layer: { data: { values: unknown[] } }[] };
    return layer.at(-1)!.data.values.length;
  };
  assert.equal(drawn(200), 20_000);
  assert.equal(drawn(400), 20_000);
});
