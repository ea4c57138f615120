/** A plateau is said only where the scores before it do not rise on into it, and a rise is said to be one. */
import assert from "node:assert/strict";
import { recentGain } from "../../analysis/gain.ts";
import { surePlateau } from "../../analysis/late_plateau.ts";
import { findPlateau } from "../../analysis/plateau.ts";
import type { Run } from "../../analysis/readers/run.ts";
import { normalNumbers } from "./failing_runs.ts";

const SEEDS = Array.from({ length: 40 }, (_, seed) => seed);

/** A validation score at every step, with a scatter. */
function scores(course: (step: number) => number, seed: number, count = 60) {
  const normal = normalNumbers(seed);
  const steps = Float64Array.from({ length: count }, (_, step) => step);
  return {
    steps,
    values: steps.map((step) => course(step) + 0.006 * normal()),
    kind: "validation" as const,
  };
}

Deno.test("a rise that slows down is on no plateau, and one that stopped is", () => {
  const slow = (step: number) => 0.9 - 0.35 * Math.exp(-step / 14);
  const stopped = (step: number) => 0.5 + 0.35 * Math.min(1, step / 36);
  const said = (course: (step: number) => number, find: typeof findPlateau) =>
    SEEDS.filter((seed) => find(scores(course, seed)) !== undefined).length;
  assert(said(slow, findPlateau) >= 16, `${said(slow, findPlateau)}`);
  assert(said(slow, surePlateau) <= 1, `${said(slow, surePlateau)}`);
  assert(said(stopped, surePlateau) >= 30, `${said(stopped, surePlateau)}`);
});

Deno.test("a rise whose interval lies above 0 is one, though it stopped of late", () => {
  // As in a run whose reward came down a little at its end.
  const course = (step: number) => step < 44 ? 0.5 + 0.008 * step : 0.852 - 0.002 * (step - 44);
  const entropy = scores((step) => 0.6 * Math.exp(-step / 45) + 0.2, 1);
  for (const seed of SEEDS) {
    const score = scores(course, seed);
    const plateau = surePlateau(score);
    const gain = recentGain({ score, entropy } as unknown as Run, plateau)!;
    assert(gain.rise.interval[0] > 0);
    assert(gain.rises || gain.why === "stopped" || gain.why === "fell", `${seed}: ${gain.why}`);
  }
});

Deno.test("an interval that holds more than half of what the law expects tells of no waste", () => {
  for (const seed of SEEDS) {
    const entropy = scores((step) => 0.15 + 0.6 * Math.exp(-step / 20), 99);
    const score = scores((step) => 0.95 - 0.3 * Math.exp(0.15 + 0.6 * Math.exp(-step / 20)), seed);
    const { why, rise } = recentGain({ score, entropy } as unknown as Run, surePlateau(score))!;
    if (rise.interval[1] >= 0.5 * rise.expected!) assert(why !== "less" && why !== "flat");
  }
});
