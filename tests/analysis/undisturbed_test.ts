/** What is said of a score's whole course does not rest on a dip or on one stray score at its end. */
import assert from "node:assert/strict";
import { overviewOf } from "../../analysis/overview.ts";
import { falls } from "../../analysis/score_course.ts";
import { scoreFinding } from "../../analysis/findings/score_finding.ts";
import { isOver } from "../../analysis/gain.ts";
import type { Run } from "../../analysis/readers/run.ts";
import { normalNumbers } from "./failing_runs.ts";

/** What is found of a run of so many scores whose entropy is spent. */
function found(seed: number, course: (done: number, step: number) => number, count = 60) {
  const normal = normalNumbers(seed);
  const steps = Float64Array.from({ length: count }, (_, step) => step);
  const noisy = steps.map((step) => course(step / (count - 1), step) + 0.008 * normal());
  const score = { steps, values: noisy, kind: "validation", label: "score", keys: ["score"] };
  const entropy = { steps, values: steps.map((step) => 0.25 + Math.exp(-3 * step / count)) };
  return overviewOf({ score, entropy, series: new Map() } as unknown as Run);
}

const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);
const rising = (done: number) => 0.3 + 0.35 * done;

Deno.test("a rise with a dip from which the score came back is still a rise, wherever the dip is", () => {
  for (const [from, to] of [[30, 33], [52, 55], [46, 52], [56, 59], [30, 50]] as const) {
    for (const seed of SEEDS) {
      const { plateau, gain, score } = found(
        seed,
        (done, step) => step >= from && step < to ? 0 : rising(done),
      );
      assert.equal(plateau, undefined, `${from}, ${seed}`);
      assert(score!.rose && !falls(score!) && !isOver(gain!), `${from}, ${seed}`);
    }
  }
});

Deno.test("one score at the end, far from those before it, is no rise and no fall", () => {
  let byChance = 0;
  for (const seed of SEEDS) {
    const spike = found(seed, (_, step) => step === 59 ? 0.9 : 0.5);
    assert(!spike.score!.rose, `${seed}`);
    if (spike.gain!.rises) byChance++;
    assert.match(
      scoreFinding(spike).finding,
      /; the last score, 0\.[89]\d* at step 59, is far from those before it\.$/,
    );
    const failed = found(seed, (done, step) => step === 59 ? 0 : rising(done));
    assert(failed.score!.rose && !falls(failed.score!) && failed.plateau === undefined, `${seed}`);
    assert.equal(scoreFinding(failed).severity, "notice");
  }
  assert(byChance <= 2, `${byChance}`);
});

Deno.test("a score that stopped, fell or never rose is said to have, with a dip or without", () => {
  const count = (course: (done: number) => number, dip: boolean) =>
    SEEDS.filter((seed) => {
      const { plateau, gain } = found(
        seed,
        (done, step) => dip && step >= 45 && step < 48 ? 0 : course(done),
      );
      return plateau !== undefined || !gain!.rises;
    }).length;
  const fell = (done: number) => done < 0.6 ? 0.3 + 0.5 * done : 0.6 - 0.9 * (done - 0.6);
  for (const dip of [false, true]) {
    assert(count((done) => 0.3 + 0.35 * Math.min(1, done / 0.35), dip) >= 18);
    assert(count(() => 0.45, dip) >= 18);
    assert(count(fell, dip) === 20);
  }
});
