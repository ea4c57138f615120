/** Figures: their compiled specifications, that drawing is the same every time, and the page. */
import assert from "node:assert/strict";
import { UserError } from "../../../formats/errors.ts";
import { compileFigure, drawFigure } from "../../../analysis/figures/draw.ts";
import type { Figure } from "../../../analysis/figures/figure.ts";
import { lawFigure } from "../../../analysis/figures/law_figure.ts";
import { segments } from "../../../analysis/figures/segments.ts";
import { logTicks } from "../../../analysis/figures/theme.ts";
import { fitLaw } from "../../../analysis/law.ts";
import { FIGURES } from "../../../experiments/figures.ts";
import { assertSnapshot } from "../../support.ts";

const figures: Figure[] = (await Promise.all([...FIGURES.values()].map((script) => script())))
  .flat();

// Those of the study are drawn from the logs that are there: tests/experiments has them from synthetic ones.
for (const figure of figures.filter(({ runs }) => runs === undefined)) {
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

Deno.test("a predicted law is drawn with the pairs it was fitted to, as far as the axis of the points goes", () => {
  const [one] = law(["a"]);
  const curve = { a: 40, b: 90, ceiling: 50 };
  const predicted = { curve, fittedSteps: [0, 4] as const, part: "the first 5 steps" };
  const { layer, title } = lawFigure([{ ...one!, predicted }], "reward") as {
    layer: {
      data: { values: { score: number }[] };
      mark: { filled?: boolean; type: string };
      encoding: { y: { scale: { domain?: [number, number] } } };
    }[];
    title: { subtitle: string[] };
  };
  const points = layer.filter(({ mark }) => mark.type === "point");
  assert.deepEqual(points.map(({ data, mark }) => [data.values.length, mark.filled]), [
    [5, undefined],
    [15, false],
  ]);
  assert.equal(layer.filter(({ mark }) => mark.type === "line").length, 2);
  assert.match(title.subtitle[0]!, /the law of the first 5 steps/);
  const scores = one!.pairs.map(({ score }) => score);
  const span = Math.max(...scores) - Math.min(...scores);
  const [low, high] = layer[0]!.encoding.y.scale.domain!;
  assert(low < Math.min(...scores) && low > Math.min(...scores) - span / 2);
  assert(high > Math.max(...scores) && high < Math.max(...scores) + span / 2);
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

/** Attributes of an SVG's tags by name, as a browser would read them. */
function attributes(svg: string): [string, string][] {
  return Array.from(svg.matchAll(/<[^>]*>/g)).flatMap(([tag]) =>
    Array.from(
      tag.matchAll(/\s([\w:-]+)="([^"]*)"/g),
      ([, name, value]) => [name!, value!] as [string, string],
    )
  );
}

/** What a person reads in an SVG. */
function texts(svg: string): string[] {
  const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"' };
  return Array.from(
    svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g),
    ([, text]) => text!.replace(/&(\w+);/g, (_, name) => entities[name]!),
  );
}

Deno.test("200 runs are drawn, each in the legend with a look of its own", async () => {
  const [{ pairs, fit }] = law(["a"]) as [ReturnType<typeof law>[number]];
  const names = Array.from({ length: 200 }, (_, i) => `run${i}`);
  const spec = lawFigure(names.map((name) => ({ name, pairs, fit })), "fraction");
  const { svg } = await drawFigure("runs", spec);
  const shown = texts(svg);
  assert(names.every((name) => shown.includes(name)));
  const { encoding } = (spec as { layer: { encoding: Record<string, Channel> }[] }).layer.at(-1)!;
  const looks = names.map((_, i) =>
    `${encoding["color"]!.scale.range[i]} ${encoding["shape"]!.scale.range[i]}`
  );
  assert.equal(new Set(looks).size, names.length);
  const height = Number(/height="(\d+)"/.exec(svg)![1]);
  assert(height < 1200, `the picture is ${height} units high`);
});

interface Channel {
  scale: { domain: string[]; range: string[] };
}

Deno.test("names that are alike, or become so when they are shortened, are told apart", async () => {
  const [{ pairs, fit }] = law(["a"]) as [ReturnType<typeof law>[number]];
  const long = (middle: string) => `${"x".repeat(100)}${middle}${"y".repeat(100)}`;
  const names = ["a", "a", "a (2)", long("1"), long("2"), "\u001b", "\\x1b", "字".repeat(90)];
  const { svg } = await drawFigure(
    "x",
    lawFigure(names.map((name) => ({ name, pairs, fit })), "reward"),
  );
  const legend = texts(svg).slice(-names.length);
  assert.equal(new Set(legend).size, names.length, legend.join("\n"));
  assert(legend.every((name) => name.length <= 50));
  assert.deepEqual(legend.slice(0, 3), ["a", "a (2)", "a (2) (2)"]);
});

Deno.test("a name reaches neither the markup nor the ids of an SVG", async () => {
  const names = [
    'a" onmouseover="alert(1);(x',
    "</text><script>alert(1)</script>",
    "$& $' $` $1",
    'id="clip0" url(#clip0)',
    "\u0000\u001b[31m\ufffe\ud800\u202e",
    "x".repeat(5000),
  ];
  const allowed = new Set(
    attributes((await drawFigure("x", lawFigure(law(["a"]), "reward"))).svg)
      .map(([name]) => name),
  );
  for (const name of names) {
    const { svg } = await drawFigure(name, lawFigure(law([name]), "reward"));
    for (const [attribute, value] of attributes(svg)) {
      assert(allowed.has(attribute), `${attribute}="${value}"`);
      if (attribute === "id") assert.match(value, /^[A-Za-z0-9_-]+$/);
    }
    const ids = new Set(attributes(svg).filter(([key]) => key === "id").map(([, value]) => value));
    for (const [, id] of svg.matchAll(/"url\(#([^)]*)\)"/g)) assert(ids.has(id!), id);
    assert.doesNotMatch(svg, /<script/);
    // What XML cannot hold; that the rest is well-formed is checked by what renders the PNG.
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(svg, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/);
    assert(svg.isWellFormed());
    if (name.length < 60 && name.startsWith("i")) assert(texts(svg).includes(name), "the title");
  }
});

Deno.test("texts that XML cannot hold are drawn in any specification", async () => {
  const spec = {
    data: { values: [{ x: "\u0000 \ud800 \uffff" }] },
    mark: "text",
    encoding: {
      text: { field: "x", type: "nominal" },
    },
  };
  assert((await drawFigure("x", spec)).svg.includes("\ufffd \ufffd \ufffd"));
});

Deno.test("what Vega cannot draw is an error that a user can act on", async () => {
  const spec = {
    data: { values: [{ x: "none" }] },
    mark: "point",
    encoding: { x: { field: "x", type: "quantitative" } },
  };
  await assert.rejects(
    () => drawFigure("x", spec),
    (error) =>
      error instanceof UserError && /^the figure \S+ cannot be drawn: Infinite/.test(error.message),
  );
});

Deno.test("numbers at the ends of the range are drawn", async () => {
  const cases: [(i: number) => number, (i: number) => number][] = [
    [(i) => 2 ** (27 * i - 1074), (i) => i % 3],
    [(i) => i, (i) => 1e299 * Math.sin(i)],
    [(i) => i / 10, (i) => 1e-290 * Math.cos(i)],
    [(i) => 650 + i, (i) => 1e10 * Math.sin(i)],
  ];
  for (const [entropy, score] of cases) {
    const pairs = Array.from({ length: 41 }, (_, i) => ({
      step: i,
      entropy: entropy(i),
      score: score(i),
    }));
    const figure = lawFigure([{ name: "a", pairs, fit: fitLaw(pairs) }], "reward");
    const { svg } = await drawFigure("x", figure);
    assert(attributes(svg).every(([, value]) => !/NaN|Infinity/.test(value)));
    assert(texts(svg).length < 60, `${texts(svg).length} labels`);
    assert(texts(svg).every((text) => text.length < 60), texts(svg).join(" "));
  }
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

Deno.test("every figure measures something", () => {
  for (const { id, measurements } of figures) assert(measurements.length > 0, id);
});

Deno.test("a curve is broken where points are missing", () => {
  const points = [0, 8, 16, 24, 80, 88].map((step) => ({ step }));
  assert.deepEqual(segments(points).map(({ segment }) => segment), [0, 0, 0, 0, 1, 1]);
  assert.deepEqual(segments([]), []);
});

Deno.test("ticks of a logarithmic axis", () => {
  assert.deepEqual(logTicks(0.015, 0.7), [0.02, 0.05, 0.1, 0.2, 0.5]);
});

Deno.test("of a run that does not identify the law there are points alone, or a dashed line where no run does", async () => {
  const pairs = Array.from({ length: 20 }, (_, step) => ({
    step,
    entropy: 0.3 + 0.001 * Math.cos(step),
    score: 0.4 + 0.01 * Math.sin(step),
  }));
  const vague = { name: "vague", pairs, fit: fitLaw(pairs) };
  assert(!vague.fit.identified);
  const [one] = law(["a"]);
  for (const series of [[vague], [vague, one!]]) {
    const spec = lawFigure(series, "fraction");
    const { layer } = spec as {
      layer: { data: { values: { run: string }[] }; mark: { strokeDash?: number[] } }[];
    };
    const named = layer.map(({ data }) => [...new Set(data.values.map(({ run }) => run))]);
    assert.deepEqual(
      named,
      series.length === 1 ? [["vague"], ["vague"], ["vague"]] : [["a"], ["a"], ["vague", "a"]],
    );
    assert.equal(layer[1]!.mark.strokeDash !== undefined, series.length === 1);
    await drawFigure("x", spec);
  }
});
