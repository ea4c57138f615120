/** The page of claims and figures: what is on it, that it escapes what it is given, and how browsers show it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Claim, judge, notRunYet } from "../../../analysis/claims.ts";
import { drawFigure, type FigureSpec, writeFigure } from "../../../analysis/figures/draw.ts";
import type { Figure } from "../../../analysis/figures/figure.ts";
import { lawAxes, lawPanel } from "../../../analysis/figures/law_panel.ts";
import { type DrawnFigure, renderPage } from "../../../analysis/figures/page.ts";
import { fitRuns } from "../../../analysis/fit_runs.ts";
import { findChromium } from "../../../checks/browser/chromium.ts";
import { inspectPage } from "../../inspect_page.ts";
import { ROOT, withFolder } from "../../support.ts";

const REPOSITORY_PAGE = join(ROOT, "results/figures/index.html");

const TITLE = "Claims and figures";

function claim(number: number): Claim<void> {
  return {
    number,
    place: "Sec. 2",
    statement: "Entropy falls, and that in a sentence of a length as claims have it.",
    paper: "95 %",
    figures: ["fig1"],
    readings: [{
      name: "",
      criteria: [{
        quantity: "share of the entropy that is spent",
        paper: "95 %",
        accept: [0.95, Infinity],
        unit: "%",
        measure: () => ({
          observations: [{ name: "a run", value: number % 2 === 0 ? 0.97 : 0.5 }],
        }),
      }],
    }],
  };
}

const CLAIMS = [
  judge(claim(1), undefined),
  judge(claim(2), undefined),
  notRunYet(claim(3), ["qwen2.5-7b.math.grpo.kl-cov.seed1.klCovRatio-0.2", "b"]),
];

const RUN = "qwen2.5-7b.math.grpo.none.seed1";

function lawSpec(): FigureSpec {
  const pairs = Array.from({ length: 40 }, (_, step) => {
    const entropy = 0.6 * Math.exp(-step / 8);
    return { step, entropy, score: 0.6 - 0.2 * Math.exp(entropy) + 0.01 * Math.sin(step) };
  });
  const runs = [fitRuns("7B", [{ run: RUN, pairs }])];
  return lawPanel(runs, { axes: lawAxes(runs) });
}

/** Three panels in a row: more than a narrow window has room for. */
function wideSpec(): FigureSpec {
  const panel = {
    width: 190,
    height: 100,
    data: { values: [{ x: 1, y: 2 }, { x: 2, y: 3 }] },
    mark: "line",
    encoding: { x: { field: "x", type: "quantitative" }, y: { field: "y", type: "quantitative" } },
  };
  return { hconcat: [panel, panel, panel] };
}

const FIGURES: readonly Figure[] = ([
  ["law", lawSpec()],
  ["wide", wideSpec()],
  ["law_lab", lawSpec()],
] as const)
  .map(([id, spec]) => ({
    id,
    title: `Figure ${id}`,
    caption: "What one sees.",
    source: "a computation",
    spec: spec as Figure["spec"],
    runs: [RUN],
    measurements: [{
      quantity: "a quantity with its unit",
      paper: "0.9",
      measured: "0.8 [0.7, 0.9]",
    }],
  }));

async function drawn(folder: string): Promise<DrawnFigure[]> {
  return await Promise.all(FIGURES.map(async (figure) => ({
    figure,
    drawing: await writeFigure(folder, figure.id, figure.spec),
    logs: [{ run: RUN, address: `../logs/${RUN}.jsonl.gz` }],
    command: `deno task ${figure.id}`,
  })));
}

/** A page with the pictures and Vega beside it. */
async function writePage(folder: string): Promise<string> {
  const page = join(folder, "index.html");
  const content = {
    title: TITLE,
    introduction: "Why.",
    claims: CLAIMS,
    drawn: await drawn(folder),
  };
  await Deno.writeTextFile(page, renderPage(content));
  const vega = new URL("vega.min.js", import.meta.resolve("vega"));
  await Deno.copyFile(vega, join(folder, "vega.js"));
  return page;
}

Deno.test("the page leads with the verdicts, and has each figure's numbers, logs and command", () =>
  withFolder(async (folder) => {
    const page = await Deno.readTextFile(await writePage(folder));
    assert(page.indexOf('<section id="claims">') < page.indexOf('<section id="law">'));
    assert.match(page, /3 claims: 1 reproduced, 1 not reproduced, 1 not run yet\./);
    assert.match(page, /<b class="missed">missed<\/b> share of the entropy that is spent: 50 %/);
    assert.match(page, /2 runs are still to be made: qwen2\.5-7b.*, b\.<\/p>\n<p>Rule: share/);
    for (const { id, title } of FIGURES) {
      assert(page.includes(`<li><a href="#${id}">${title}</a></li>`));
      assert(page.includes(`<img src="${id}.svg"`));
      assert(page.includes(`<code>deno task ${id}</code>`));
    }
    assert.equal(page.split(`<a href="../logs/${RUN}.jsonl.gz">${RUN}</a>`).length - 1, 3);
    // Only what has something to tell is drawn anew.
    assert.equal(page.split('<script type="application/json">').length - 1, 2);
    const ids = (pattern: RegExp) => Array.from(page.matchAll(pattern), ([, id]) => id);
    assert.deepEqual(ids(/<section id="(.*)">/g), ["claims", "law", "law_lab", "wide"]);
    assert.deepEqual(ids(/<li><a href="#(.*?)">/g), ["claims", "law", "law_lab", "wide"]);
    assert.doesNotMatch(page, /https?:\/\/(?!vega\.github\.io\/schema)/);
  }));

Deno.test("the page escapes what it is given", async () => {
  const hostile = '"><script>alert(1)</script></script><!--\u0000\u202e';
  const spec = lawSpec() as { layer: { data: { values: { series: string }[] } }[] };
  spec.layer[1]!.data.values[0]!.series = hostile;
  const figure: Figure = {
    ...FIGURES[0]!,
    id: hostile,
    title: hostile,
    caption: hostile,
    source: hostile,
    spec: spec as unknown as Figure["spec"],
    measurements: [{ quantity: hostile, paper: hostile, measured: hostile }],
  };
  const { svg, png } = await drawFigure("x", FIGURES[0]!.spec);
  const bad: Claim<void> = { ...claim(1), place: hostile, statement: hostile, paper: hostile };
  const page = renderPage({
    title: hostile,
    introduction: hostile,
    claims: [notRunYet(bad, [hostile])],
    drawn: [{
      figure,
      drawing: { svg, png },
      logs: [{ run: hostile, address: hostile }],
      command: hostile,
    }],
  });
  // The page's own, and the specification.
  assert.equal(page.match(/<script/g)!.length, 2);
  assert.doesNotMatch(page, /<!--/);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(page, /[\u0000\u202e]/);
  const [, id] = /<section id="([^"]*)">\n<h2>&quot;/.exec(page)!;
  assert.match(id!, /^[A-Za-z0-9_-]+$/);
  assert(page.includes(`<a href="#${id}">`));
});

const chromium = await findChromium();

for (const width of [390, 1400]) {
  Deno.test({
    name: chromium === undefined
      ? `the page at ${width} px: no Chromium on this machine`
      : `the page at ${width} px: nothing overflows, labels are legible, points tell of their runs, counterparts are side by side if there is room`,
    ignore: chromium === undefined,
    fn: () =>
      withFolder(async (folder) => {
        const found = await inspectPage(chromium!, await writePage(folder), width);
        assert.equal(found.width, width);
        assert.deepEqual(found.overflowing, []);
        assert.deepEqual(
          found.pictures.map(({ name }) => name),
          ["Figure law", "Figure law_lab", "Figure wide"],
        );
        for (const { isThere, scale } of found.pictures) assert(isThere && scale >= 0.84);
        const { law, law_lab: own, wide } = found.heads;
        assert.equal(own!.top === law!.top, width === 1400);
        assert.equal(own!.left > law!.left, width === 1400);
        assert(own!.top < wide!.top && wide!.left === law!.left);
        assert.equal(found.told.length, 2);
        assert.match(
          found.told[0]!.text,
          /run: qwen2\.5-7b\.math\.grpo\.none\.seed1\nstep: \d+\nH/,
        );
        assert(Math.abs(found.contentsTop) < 1);
      }),
  });
}

Deno.test("numbers on the page of this repository have a minus sign, not a hyphen", async () => {
  const page = await Deno.readTextFile(REPOSITORY_PAGE);
  const text = page.replace(/<(style|script|code)\b.*?<\/\1>|<[^>]*>/gs, " ");
  assert.deepEqual(text.match(/.{0,40}(?<!\w)-\d.{0,20}/g), null);
});

Deno.test({
  name: "the page of this repository at 390 and 1400 px",
  ignore: chromium === undefined,
  async fn() {
    const text = await Deno.readTextFile(REPOSITORY_PAGE);
    const titles = Array.from(text.matchAll(/<img src="[^"]*\.svg" [^>]*alt="([^"]*)"/g));
    for (const width of [390, 1400]) {
      const found = await inspectPage(chromium!, REPOSITORY_PAGE, width);
      assert.equal(found.width, width);
      assert.deepEqual(found.overflowing, []);
      assert.equal(found.pictures.length, titles.length);
      for (const { name, isThere, scale } of found.pictures) assert(isThere && scale >= 0.84, name);
      for (const { name, text } of found.told) assert.notEqual(text, "", name);
      for (const [id, { top }] of Object.entries(found.heads)) {
        const own = found.heads[`${id}_lab`];
        if (own !== undefined) assert.equal(own.top === top, width === 1400, id);
      }
      assert(Math.abs(found.contentsTop) < 1);
    }
  },
});
