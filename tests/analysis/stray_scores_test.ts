/** One score in the middle of a run that is far from those beside it, as a validation that failed. */
import assert from "node:assert/strict";
import { scoreFinding } from "../../analysis/findings/score_finding.ts";
import { fitLaw } from "../../analysis/law.ts";
import { overviewOf } from "../../analysis/overview.ts";
import type { Run } from "../../analysis/readers/run.ts";
import { strayCaution } from "../../analysis/stray_caution.ts";
import { strayScores, strayText } from "../../analysis/stray_scores.ts";
import { normalNumbers } from "./failing_runs.ts";

const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);
const DRAWS = 200;

/** Validations by the law, every tenth step, with some in place of others. */
function pairsOf(seed: number, strays: Readonly<Record<number, number>> = {}, count = 17) {
  const normal = normalNumbers(seed);
  return Array.from({ length: count }, (_, i) => {
    const step = 10 * i;
    const entropy = 0.08 + 0.7 * Math.exp(-5 * i / count);
    const score = 0.85 - 0.22 * Math.exp(entropy) + 0.008 * normal();
    return { step, entropy, score: strays[step] ?? score };
  });
}

function scoreOf(pairs: ReturnType<typeof pairsOf>) {
  return {
    steps: Float64Array.from(pairs, ({ step }) => step),
    values: Float64Array.from(pairs, ({ score }) => score),
  };
}

Deno.test("one validation that failed is named, with what it does to the fit, and none is of a run without one", () => {
  for (const seed of SEEDS) {
    for (const count of [17, 40, 200]) {
      assert.deepEqual(strayScores(scoreOf(pairsOf(seed, {}, count))), [], `${seed}, ${count}`);
    }
    for (const value of [0, 0.99]) {
      const pairs = pairsOf(seed, { 60: value });
      assert.deepEqual(strayScores(scoreOf(pairs)), [{ step: 60, value }], `${seed}`);
      assert.match(
        strayCaution(pairs, fitLaw(pairs, { draws: DRAWS }), DRAWS)!,
        /^one score, (?:0|0\.99) at step 60, is far from those before and after it, and the fit goes by it as well: without it a is 0\.2[0-4]\d*, 95 % interval \[0\.\d+, 0\.\d+\], R² 0\.9\d*, instead of /,
      );
    }
    const pairs = pairsOf(seed);
    assert.equal(strayCaution(pairs, fitLaw(pairs, { draws: DRAWS }), DRAWS), undefined);
  }
});

Deno.test("the score's finding names stray scores and makes no problem of them", () => {
  for (const seed of SEEDS) {
    const series = scoreOf(pairsOf(seed, { 60: 0 }));
    const score = { ...series, kind: "validation", label: "score", keys: ["score"] };
    const { finding, severity } = scoreFinding(
      overviewOf({ score, series: new Map() } as unknown as Run),
    );
    assert.equal(severity, "notice");
    assert.match(
      finding,
      /^the validation score rose: .*; one score, 0 at step 60, is far from those before and after it\.$/,
    );
  }
});

Deno.test("several stray scores are counted, a score that comes and goes has none, nor has one that fell", () => {
  const pairs = pairsOf(1, { 100: 0, 200: 0, 300: 0, 350: 0 }, 60);
  assert.equal(
    strayText(strayScores(scoreOf(pairs))),
    "4 single scores, 0 at step 100, 0 at step 200, 0 at step 300 and 1 other, are far from those before and after them",
  );
  const every = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [20 * i, 0]));
  assert.deepEqual(strayScores(scoreOf(pairsOf(1, every, 20))), []);
  for (const seed of SEEDS) {
    const down = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [90 + 10 * i, 0]));
    assert.deepEqual(strayScores(scoreOf(pairsOf(seed, down))), []);
  }
});
