/** Where a score gains nothing more, and where it still does. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { findPlateau, isWithoutGain, shareAtPlateau } from "../../analysis/plateau.ts";
import { plateauEvidence, plateauText } from "../../analysis/plateau_text.ts";
import { recentGain } from "../../analysis/gain.ts";
import type { Run } from "../../analysis/readers/run.ts";
import { readRun } from "../../analysis/readers/read_run.ts";
import { LOGS, testOnLogs } from "../support.ts";

/** Scores at every fifth step, with a ripple of the size that a validation of a thousand problems has. */
function scores(n: number, score: (i: number) => number, ripple = 0.004) {
  return {
    steps: Float64Array.from({ length: n }, (_, i) => 5 * i),
    values: Float64Array.from({ length: n }, (_, i) => score(i) + ripple * Math.sin(2.3 * i * i)),
  };
}

Deno.test("a jump and nothing after it: since when, the best score, and what there was before", () => {
  const plateau = findPlateau(scores(27, (i) => i === 0 ? 0.38 : 0.71))!;
  assert.equal(plateau.since.step, 5);
  assert.equal(plateau.last, 130);
  assert.equal(plateau.scores, 26);
  assert(Math.abs(plateau.level - 0.71) < 0.002);
  assert(plateau.rise[0] < 0 && plateau.rise[1] > 0 && plateau.rise[1] < 0.01);
  assert(shareAtPlateau(plateau)! > 0.97);
  assert.match(
    plateauText(plateau),
    /^no gain since step 5: 0\.7\d+ there, 0\.71 on average since; best 0\.71\d? at step \d+, \d+ steps before the last$/,
  );
  assert.match(plateauEvidence(plateau), /^0\.38\d* at step 0; \d+(?:\.\d)? % of the gain/);
});

Deno.test("a score that still rises is on no plateau, however slowly", () => {
  for (const slope of [0.002, 0.005, 0.02]) {
    assert.equal(findPlateau(scores(40, (i) => 0.3 + slope * i)), undefined, `${slope}`);
  }
  const saturating = scores(40, (i) => 0.7 - 0.4 * Math.exp(-i / 15));
  assert.equal(findPlateau(saturating), undefined);
  // A short flat end is too short to tell.
  assert.equal(findPlateau(scores(40, (i) => 0.3 + 0.01 * Math.min(i, 35))), undefined);
});

Deno.test("a score that rose and fell gains nothing since it was at its height", () => {
  for (const [n, height] of [[40, 20], [120, 60], [120, 80]] as const) {
    const score = (i: number) => i < height ? 0.2 + 0.4 * i / height : 0.6 - 0.005 * (i - height);
    const plateau = findPlateau(scores(n, score))!;
    const distance = Math.abs(plateau.since.step / 5 - height);
    assert(distance <= 3, `${n}, ${height}: it is ${plateau.since.step / 5}`);
    assert(plateau.rise[1] < 0);
  }
});

Deno.test("a score that never gained is said to be so; too few scores tell nothing", () => {
  const never = findPlateau(scores(30, () => 0.3))!;
  assert(isWithoutGain(never));
  assert.match(plateauText(never), /^no gain in the whole log: 0\.3 at step 0, 0\.3 on average/);
  assert(isWithoutGain(findPlateau(scores(30, () => 0.3, 0))!));
  assert(isWithoutGain(findPlateau(scores(30, (i) => 0.6 - 0.01 * i))!));
  assert.equal(findPlateau(scores(4, () => 0.3)), undefined);
  assert.equal(findPlateau(scores(0, () => 0.3)), undefined);
});

Deno.test("the unit of the score changes no step of a plateau, however small or large", () => {
  const series = scores(27, (i) => i === 0 ? 0.38 : 0.71);
  const plateau = findPlateau(series)!;
  for (const unit of [2 ** -900, 2 ** 900]) {
    const scaled = findPlateau({ ...series, values: series.values.map((value) => value * unit) })!;
    assert.equal(scaled.since.step, plateau.since.step);
    assert.equal(scaled.level, plateau.level * unit);
  }
});

Deno.test("simulated runs: rises are hardly ever taken for plateaus, and most plateaus are found", () => {
  const random = xoroshiro128plus(14);
  // 30 bits of each draw suffice.
  const uniform = () => uniformInt(random, 0, 2 ** 30 - 1) / 2 ** 30;
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const shareOfPlateaus = (n: number, score: (share: number) => number) => {
    let found = 0;
    for (let run = 0; run < 100; run++) {
      const values = Float64Array.from(
        { length: n },
        (_, i) => score(i / (n - 1)) + 0.02 * normal(),
      );
      const plateau = findPlateau({ steps: Float64Array.from(values.keys()), values });
      if (plateau !== undefined && !isWithoutGain(plateau)) found++;
    }
    return found / 100;
  };
  for (const n of [10, 25, 100]) {
    assert(shareOfPlateaus(n, (share) => 0.3 + 0.3 * share) <= 0.01, `a line, ${n}`);
    assert(
      shareOfPlateaus(n, (share) => 0.7 - 0.4 * Math.exp(-2 * share)) <= 1 / 16,
      `a bend, ${n}`,
    );
  }
  assert(shareOfPlateaus(100, (share) => 0.3 + Math.min(0.4, share)) > 0.8);
  // Noise about one level has no height that was gained.
  assert(shareOfPlateaus(120, () => 0.45) <= 0.05);
});

Deno.test("a score that fell is said to have fallen, and no share of a gain is told", () => {
  const fell = findPlateau(scores(60, (i) => i < 40 ? 0.2 + 0.007 * i : 0.48 - 0.015 * (i - 40)))!;
  assert(fell.fall !== undefined);
  assert.equal(shareAtPlateau(fell), undefined);
  assert.match(
    plateauText(fell),
    /^the score fell from 0\.4\d+ at step (?:19|20)\d to 0\.\d+ at step 295; best 0\.4/,
  );
  assert.match(
    plateauEvidence(fell),
    /^0\.2\d* at step 0; 0\.33\d* on average of the \d+ scores after step (?:19|20)\d; standard/,
  );
  const stayed = findPlateau(scores(27, (i) => i === 0 ? 0.38 : 0.71))!;
  assert.equal(stayed.fall, undefined);
});

Deno.test("a fall is dated where the score bends down, however late, and at once where it is one step", () => {
  for (const onset of [20, 31, 36]) {
    const score = (i: number) =>
      0.5 - 0.25 * Math.exp(-i / 10) - 0.03 * Math.max(0, i - onset) * 12 / (40 - onset);
    const { fall } = findPlateau(scores(41, score, 0.003))!;
    assert(Math.abs(fall!.from.step / 5 - onset) <= 1, `${onset}: ${fall!.from.step / 5}`);
    assert.equal(fall!.drop, undefined);
    // The last score of the log, and not a median under its step.
    assert.equal(fall!.to.step, 200);
    assert(Math.abs(fall!.to.value - score(40)) < 0.004);
  }
  const cliff = findPlateau(scores(60, (i) => i < 33 ? 0.3 + 0.005 * i : 0.02))!;
  assert.deepEqual([cliff.fall!.drop!.step, cliff.since.step], [5 * 33, 5 * 32]);
  assert.match(
    plateauText(cliff),
    /^the score dropped at once from 0\.45\d* at step 160 to 0\.0\d+ at step 165/,
  );
  // Few scores tell as much where the next one is down and those after it stay there.
  for (let onset = 8; onset <= 14; onset++) {
    const few = (value: (i: number) => number) => findPlateau(scores(16, value, 0.01));
    const crash = few((i) => i < onset ? 0.4 + 0.02 * Math.min(i, onset - 2) : 0.04)!;
    assert.deepEqual([crash.fall!.from.step, crash.fall!.drop!.step], [5 * onset - 5, 5 * onset]);
    const decline = few((i) => 0.6 - 0.3 * Math.max(0, i - onset) / (16 - onset));
    assert.equal(decline?.fall?.drop, undefined);
  }
  // One low score at the end is none.
  assert.equal(findPlateau(scores(40, (i) => i === 39 ? 0.2 : 0.3 + 0.005 * i)), undefined);
});

Deno.test("on a plateau the score rises no more, whatever the trend of its last half", () => {
  const values = scores(80, (i) => 0.3 + 0.2 * Math.min(1, i / 10) + 0.00012 * i, 0.01);
  const plateau = findPlateau(values);
  assert.notEqual(plateau, undefined);
  const run = { score: { ...values, kind: "validation" } } as unknown as Run;
  assert.equal(recentGain(run, plateau)!.rises, false);
  const rising = { score: { ...scores(80, (i) => 0.3 + 0.003 * i), kind: "validation" } };
  assert.equal(recentGain(rising as unknown as Run, undefined)!.rises, true);
});

testOnLogs(
  "the public Qwen2-7B run gained nothing after step 5, and was best at step 55",
  async () => {
    const { score } = await readRun(join(LOGS, "verl-console-qwen2-7b-grpo.log"));
    const { since, best, last } = findPlateau(score!)!;
    assert.deepEqual([since.step, best.step, last], [5, 55, 130]);
    const rising = await readRun(join(LOGS, "verl-console-slurm-qwen3-0.6b-ppo.out"));
    assert.equal(findPlateau(rising.score!), undefined);
  },
);
