/** Shares of a change, done by shares of training. */
import assert from "node:assert/strict";
import { sharesDone } from "../../analysis/shares.ts";

Deno.test("the start is the first value, all others are means over 1/100 to either side", () => {
  const curve = Array.from({ length: 401 }, (_, i) => ({
    step: i + 1,
    // Noise of alternating sign, which the mean of a window takes away.
    value: 10 - 8 * (1 - Math.exp(-i / 50)) + (i === 0 ? 0 : i % 2 === 0 ? 0.4 : -0.4),
  }));
  const { done, change } = sharesDone(curve, [0, 1 / 12, 1 / 3, 1]);
  assert(done[0] === 0 && done[3] === 1);
  assert(Math.abs(change + 8) < 0.1, `${change}`);
  for (const [i, share] of [[1, 1 / 12], [2, 1 / 3]] as const) {
    assert(Math.abs(done[i]! - (1 - Math.exp(-400 * share / 50))) < 0.01, `${done[i]}`);
  }
});

Deno.test("of a curve with few points the nearest counts, and a gain has shares as a loss does", () => {
  const curve = [0, 100, 200].map((step, i) => ({ step, value: [1, 4, 5][i]! }));
  assert.deepEqual(sharesDone(curve, [0, 0.4, 1]), { done: [0, 0.75, 1], change: 4 });
});
