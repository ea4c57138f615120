/** Long series are looked at in part, whichever of a run's they are. */
import assert from "node:assert/strict";
import { MOST_PAIRS } from "../../analysis/pairs.ts";
import type { Run } from "../../analysis/readers/run.ts";
import { shortened, shortenedButPairs } from "../../analysis/shortened.ts";

function series(count: number) {
  const steps = Float64Array.from({ length: count }, (_, i) => i);
  return { steps, values: steps.map((step) => step / count) };
}

Deno.test("a run whose other keys are short already is shortened for its scores", () => {
  const long = series(2 * MOST_PAIRS);
  const keys = new Map([["score", long], ["reward", long]]);
  const run = { series: keys, notes: [], score: long, trainingScore: long } as unknown as Run;
  const paired = shortenedButPairs(run);
  assert.equal(paired.series.get("reward")!.steps.length, MOST_PAIRS);
  assert.equal(paired.score!.steps.length, 2 * MOST_PAIRS);
  const short = shortened(paired);
  for (const one of [short.score!, short.trainingScore!]) {
    assert.equal(one.steps.length, MOST_PAIRS);
    assert.equal(one.values.length, MOST_PAIRS);
  }
});

Deno.test("a run without long series is left as it is", () => {
  const short = series(MOST_PAIRS);
  const run = { series: new Map([["score", short]]), notes: [], score: short } as unknown as Run;
  assert.equal(shortened(run), run);
});
