/** Figures: their compiled specifications, that drawing is the same every time, and the page. */
import assert from "node:assert/strict";
import { compileFigure, drawFigure } from "../../../analysis/figures/draw.ts";
import type { Figure } from "../../../analysis/figures/figure.ts";
import { lawFigure } from "../../../analysis/figures/law_figure.ts";
import { renderPage } from "../../../analysis/figures/page.ts";
import { segments } from "../../../analysis/figures/segments.ts";
import { logTicks } from "../../../analysis/figures/theme.ts";
import { fitLaw } from "../../../analysis/law.ts";
import { SCRIPTS } from "../../../experiments/figures.ts";
import { assertSnapshot } from "../../support.ts";

const figures: Figure[] = (await Promise.all(SCRIPTS.map((script) => script()))).flat();

for (const figure of figures) {
  Deno.test(`${figure.id}: the compiled Vega specification`, () =>
    assertSnapshot(`figure_${figure.id}`, withoutData(compileFigure(figure.spec))));
}

function law(names: string[]) {
  return names.map((name, k) => {
    const pairs = Array.from({ length: 20 }, (_, step) => {
      const entropy = 0.6 * Math.exp(-step / 6);
      return {
        step,
        entropy,
        score: 0.6 + 0.05 * k - 0.2 * Math.exp(entropy) + 0.01 * Math.sin(step),
      };
    });
    return { name, pairs, fit: fitLaw(pairs) };
  });
}

Deno.test("law figure: the compiled Vega specification, for one run and for several", async () => {
  await assertSnapshot(
    "law_one",
    withoutData(compileFigure(lawFigure(law(["one.log"]), "fraction"))),
  );
  const several = lawFigure(law(["a", "b", "c"]), "reward");
  await assertSnapshot("law_several", withoutData(compileFigure(several)));
});

/** Rows of data are told by their number: the snapshot is of the picture's form. */
function withoutData(spec: object): unknown {
  const { data, ...rest } = spec as { data: { values?: unknown[] }[] };
  return { data: data.map(({ values, ...set }) => ({ ...set, rows: values?.length })), ...rest };
}

Deno.test("drawing is the same every time, in SVG and PNG, and needs no font of the machine", async () => {
  const spec = lawFigure(law(["a", "b"]), "fraction");
  const [first, second] = [await drawFigure("x", spec), await drawFigure("x", spec)];
  assert.equal(first.svg, second.svg);
  assert.deepEqual(first.png, second.png);
  assert.deepEqual(
    Array.from(first.png.subarray(1, 4)),
    Array.from(new TextEncoder().encode("PNG")),
  );
  assert.match(first.svg, /font-family="Arimo/);
});

Deno.test("a specification that Vega warns about is not drawn", async () => {
  const spec = {
    data: { values: [{ x: 1 }] },
    mark: "point",
    encoding: { size: { field: "x", type: "nominal" } },
  };
  await assert.rejects(() => drawFigure("x", spec), /specification is wrong/);
});

Deno.test("pairs without positive entropy have no place on the axis", () => {
  const [one] = law(["a"]);
  const negative = {
    ...one!,
    pairs: one!.pairs.map((pair) => ({ ...pair, entropy: -pair.entropy })),
  };
  assert.throws(() => lawFigure([negative], "fraction"), /no entropy is positive/);
  lawFigure([one!, negative], "fraction");
});

Deno.test("the page holds every figure and its numbers, and reaches for nothing on the network", async () => {
  const drawn = [];
  for (const figure of figures) {
    drawn.push({ figure, drawing: await drawFigure(figure.id, figure.spec) });
  }
  const page = renderPage("Title & more", "Intro", drawn);
  assert.match(page, /<title>Title &amp; more<\/title>/);
  for (const { id, measurements } of figures) {
    assert(page.includes(`<section id="${id}">`));
    assert(measurements.length > 0, `${id} measures nothing`);
  }
  const links = Array.from(page.matchAll(/(?:src|href)="([^"]*)"/g), ([, link]) => link!);
  assert(links.every((link) => /^(?:#[\w]+|\w+\.(?:svg|png))$/.test(link)), links.join(" "));
  assert.doesNotMatch(page, /<script|@import|url\((?!#)/);
  const ids = Array.from(page.matchAll(/ id="([^"]+)"/g), ([, id]) => id);
  assert.equal(new Set(ids).size, ids.length, "an id occurs twice on the page");
});

Deno.test("a curve is broken where points are missing", () => {
  const points = [0, 8, 16, 24, 80, 88].map((step) => ({ step }));
  assert.deepEqual(segments(points).map(({ segment }) => segment), [0, 0, 0, 0, 1, 1]);
  assert.deepEqual(segments([]), []);
});

Deno.test("ticks of a logarithmic axis", () => {
  assert.deepEqual(logTicks(0.015, 0.7), [0.02, 0.05, 0.1, 0.2, 0.5]);
});
