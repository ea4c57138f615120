/** Panels of the law: what is drawn where the points tell the law, tell it badly, or do not. */
import assert from "node:assert/strict";
import { drawFigure } from "../../../analysis/figures/draw.ts";
import { lawAxes, lawPanel } from "../../../analysis/figures/law_panel.ts";
import { entropyTicks } from "../../../analysis/figures/theme.ts";
import { fitRuns } from "../../../analysis/fit_runs.ts";

/** A run whose H and R are functions of the share of training. */
function run(name: string, entropy: (t: number) => number, score: (t: number) => number) {
  const pairs = Array.from({ length: 40 }, (_, i) => ({
    step: i + 1,
    entropy: entropy(i / 39),
    score: score(i / 39),
  }));
  return fitRuns(name, [{ run: `${name}.seed1`, pairs }]);
}

const falling = (t: number) => 0.03 + 0.6 * Math.exp(-10 * t);
const LAWFUL = run(
  "lawful",
  falling,
  (t) => 0.6 - 0.2 * Math.exp(falling(t)) + 0.003 * Math.sin(50 * t),
);
// Gains long after the entropy is spent: a law is fitted, but where it ends nobody can tell.
const LATE = run("late", falling, (t) => 0.15 + 0.4 * (1 - Math.exp(-8 * t)));
const NARROW = run("narrow", (t) => 0.02 + 0.005 * t, (t) => 0.3 + 0.01 * Math.sin(9 * t));

/** The names of those with a band, points, and a line. */
function drawn(all: typeof LAWFUL[]): string[][] {
  const { layer } = lawPanel(all, { axes: lawAxes(all) }) as unknown as {
    layer: { data: { values: { series: string }[] } }[];
  };
  return layer.map(({ data }) => [...new Set(data.values.map(({ series }) => series))]);
}

Deno.test("a law that is not identified has points alone, a vague one no band", () => {
  assert(LAWFUL.fit!.identified && LATE.fit!.identified && !NARROW.fit!.identified);
  assert.deepEqual(drawn([LAWFUL, LATE, NARROW]), [
    ["lawful"],
    ["lawful", "late", "narrow"],
    ["lawful", "late"],
  ]);
});

Deno.test("axes follow the points, and all that is drawn is on them", () => {
  const { entropy, accuracy } = lawAxes([LATE]);
  assert(entropy[0] < 0.031 && entropy[0] > 0.02 && entropy[1] > 0.63 && entropy[1] < 0.75);
  assert(accuracy[0] > 0 && accuracy[1] < 60, `${accuracy}`);
  const [low, high] = lawAxes([LAWFUL, LATE, NARROW]).accuracy;
  assert(low <= 15 && high >= 55);
});

Deno.test("panels can be drawn whatever they hold", async () => {
  for (const all of [[LAWFUL], [NARROW], [LAWFUL, LATE, NARROW]]) {
    await drawFigure("x", lawPanel(all, { axes: lawAxes(all), title: "Title" }));
  }
});

Deno.test("narrow ranges of entropy have ticks enough", () => {
  assert.deepEqual(entropyTicks(0.01, 0.6), [0.01, 0.02, 0.05, 0.1, 0.2, 0.5]);
  for (const [low, high] of [[0.02, 0.025], [0.11, 0.18], [0.16, 0.33], [0.3, 0.9]] as const) {
    const ticks = entropyTicks(low, high);
    assert(ticks.length >= 4 && ticks.length <= 10, ticks.join(", "));
    assert(ticks.every((tick) => low * 0.99 <= tick && tick <= high * 1.01));
  }
});
