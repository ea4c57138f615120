/** The courses of a run's metrics over the step, and the marks on them. */
import assert from "node:assert/strict";
import { courseFigure } from "../../../analysis/figures/course_figure.ts";
import { compileFigure, drawFigure } from "../../../analysis/figures/draw.ts";
import { assertSnapshot } from "../../support.ts";

const series = (n: number, value: (i: number) => number) => ({
  steps: Float64Array.from({ length: n }, (_, i) => i),
  values: Float64Array.from({ length: n }, (_, i) => value(i)),
});

const FIGURE = {
  title: "a run",
  panels: [
    { title: "Entropy (nats)", series: series(100, (i) => Math.exp(-i / 30)) },
    { title: "Accuracy (%)", series: series(20, (i) => 40 + i) },
  ],
  marks: [
    { step: 55, label: "best score" },
    { step: 5, label: "no gain since" },
    { step: 6, label: "half of H spent" },
  ],
};

/** Rows of data are told by their number. */
function withoutData(spec: object): unknown {
  const { data, ...rest } = spec as { data: { values?: unknown[] }[] };
  return { data: data.map(({ values, ...set }) => ({ ...set, rows: values?.length })), ...rest };
}

Deno.test("course figure: the compiled Vega specification", () =>
  assertSnapshot("course", withoutData(compileFigure(courseFigure(FIGURE)))));

Deno.test("marks are numbered in the order of their steps and named above; no more than eight", async () => {
  const { svg } = await drawFigure("a", courseFigure(FIGURE));
  assert(svg.includes("1 no gain since (step 5) · 2 half of H spent (step 6)"));
  assert(svg.includes("3 best score (step 55)"));
  const marks = Array.from({ length: 20 }, (_, i) => ({ step: i, label: `mark${i}` }));
  const crowd = await drawFigure("b", courseFigure({ ...FIGURE, marks }));
  assert(crowd.svg.includes("8 mark7") && !crowd.svg.includes("mark8"));
});

Deno.test("the verdict stands above the marks, in lines that fit", async () => {
  const verdict = `the score fell from 0.49 to 0.25; ${"and more of it ".repeat(12)}`;
  const { svg } = await drawFigure("v", courseFigure({ ...FIGURE, verdict }));
  assert(svg.indexOf("the score fell from 0.49") < svg.indexOf("1 no gain since (step 5)"));
  const lines = Array.from(svg.matchAll(/>([^<]*and more of it[^<]*)</g), ([, line]) => line!);
  assert(lines.length >= 2 && lines.every((line) => line.length <= 90), lines.join("\n"));
});

Deno.test("a course of very large or constant values, or without marks, is drawn", async () => {
  for (const value of [1e308, 0, -5]) {
    const panels = [{ title: "Score", series: series(5, () => value) }];
    assert(
      (await drawFigure("c", courseFigure({ title: "x", panels, marks: [] }))).png.length > 1000,
    );
  }
});
