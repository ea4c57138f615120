/** Figures 1 to 7, 13 and 14 from synthetic logs: what they say of a law that is known, and of runs that are missing. */
import assert from "node:assert/strict";
import { compileFigure } from "../../analysis/figures/draw.ts";
import type { Figure } from "../../analysis/figures/figure.ts";
import type { LawPoint } from "../../analysis/figures/law_panel.ts";
import { figure1, RUNS as RUNS_1 } from "../../experiments/fig01_collapse.ts";
import { figure2, RUNS as RUNS_2 } from "../../experiments/fig02_shares.ts";
import { figure3, RUNS as RUNS_3 } from "../../experiments/fig03_math_law.ts";
import { figure4, RUNS as RUNS_4 } from "../../experiments/fig04_code_law.ts";
import { figure5, predictionErrors, RUNS as RUNS_5 } from "../../experiments/fig05_prediction.ts";
import { figure6, RUNS as RUNS_6 } from "../../experiments/fig06_algorithms.ts";
import { figure7, RUNS as RUNS_7, sizedLaws } from "../../experiments/fig07_scaling.ts";
import { figure13, RUNS as RUNS_13 } from "../../experiments/fig13_data.ts";
import { figure14, RUNS as RUNS_14 } from "../../experiments/fig14_instruct.ts";
import { modelConfig, nonEmbeddingParameters } from "../../experiments/lab/families.ts";
import { studyRun } from "../../experiments/lab/study/study_run.ts";
import type { TrainSettings } from "../../experiments/lab/train_settings.ts";
import type { RunSettings, StudyLogs } from "../../experiments/study_log.ts";
import { assertSnapshot } from "../support.ts";
import { LAW, type SyntheticLaw, syntheticStudy } from "./synthetic_study.ts";

const SCRIPTS: readonly {
  readonly name: string;
  readonly runs: readonly RunSettings[];
  /** How many of them there are. */
  readonly count: number;
  draw(study: StudyLogs): Figure[] | Promise<Figure[]>;
}[] = [
  { name: "fig1", runs: RUNS_1, count: 9, draw: figure1 },
  { name: "fig2", runs: RUNS_2, count: 26, draw: figure2 },
  { name: "fig3", runs: RUNS_3, count: 15, draw: figure3 },
  { name: "fig4", runs: RUNS_4, count: 11, draw: figure4 },
  { name: "fig5", runs: RUNS_5, count: 26, draw: figure5 },
  { name: "fig6", runs: RUNS_6, count: 12, draw: figure6 },
  { name: "fig7", runs: RUNS_7, count: 14, draw: figure7 },
  { name: "fig13", runs: RUNS_13, count: 4, draw: figure13 },
  { name: "fig14", runs: RUNS_14, count: 3, draw: figure14 },
];

/** a and b that grow by 0.03 and 0.1 per tenfold size, lower on code. */
function growing({ model, task }: TrainSettings): Partial<SyntheticLaw> {
  const size = Math.log10(nonEmbeddingParameters(modelConfig(model)));
  return { a: 0.05 + 0.03 * size, b: 0.1 * size + (task === "code" ? 0.05 : 0.1) };
}

/** The figures of a study that have its logs behind them. */
async function ours(script: typeof SCRIPTS[number], study: StudyLogs): Promise<Figure[]> {
  return (await script.draw(study)).filter(({ runs }) => runs !== undefined);
}

/** What was measured under the one quantity that holds all these texts. */
function measured(figures: readonly Figure[], ...texts: string[]): string {
  const found = figures.flatMap(({ measurements }) => measurements)
    .filter(({ quantity }) => texts.every((text) => quantity.includes(text)));
  assert.equal(found.length, 1, `${texts.join(", ")}: ${found.length}`);
  return found[0]!.measured;
}

function numbers(text: string): number[] {
  return Array.from(text.matchAll(/-?\d+(?:\.\d+)?/g), Number);
}

/** Every row of data in a specification. */
function rows(spec: object): Record<string, unknown>[] {
  return Object.entries(spec).flatMap(([key, value]) =>
    typeof value !== "object" || value === null
      ? []
      : key === "data"
      ? (value as { values: Record<string, unknown>[] }).values
      : rows(value)
  );
}

for (const script of SCRIPTS) {
  Deno.test(`${script.name}: the whole study`, async () => {
    const names = script.runs.map((given) => studyRun(given).name);
    assert.equal(new Set(names).size, script.count);
    assert.equal(names.length, script.count);
    const figures = await ours(script, syntheticStudy(script.runs, growing));
    assert(figures.length > 0);
    const drawn = new Set(figures.flatMap(({ runs }) => runs!));
    assert.deepEqual([...drawn].sort(), names.sort());
    for (const { id, caption, spec } of figures) {
      assert.match(caption, /\b[Ss]eeds?\b/, id);
      assert.doesNotMatch(caption, /missing|not finished/, id);
      const { data, ...rest } = compileFigure(spec) as { data: { values?: unknown[] }[] };
      const counted = data.map(({ values, ...set }) => ({ ...set, rows: values?.length }));
      await assertSnapshot(`study_${id}`, { data: counted, ...rest });
    }
  });

  Deno.test(`${script.name}: a study that is not finished, and one that is not begun`, async () => {
    const [first] = script.runs.map((given) => studyRun(given).name);
    const study = syntheticStudy(
      script.runs,
      (settings) => studyRun({ ...settings }).name === first ? undefined : growing(settings),
    );
    const figures = await ours(script, study);
    const told = figures.filter(({ caption }) => caption.includes(`missing (${first})`));
    assert(told.length > 0);
    for (const { caption, runs } of told) {
      assert(caption.includes(`1 of ${runs!.length + 1} runs of this figure is missing`), caption);
    }
    for (const { spec } of figures) compileFigure(spec);
    assert.deepEqual(await ours(script, syntheticStudy(script.runs, () => undefined)), []);
  });

  Deno.test(`${script.name}: of one run alone whatever can be drawn is drawn`, async () => {
    const [first] = script.runs.map((given) => studyRun(given).name);
    const study = syntheticStudy(
      script.runs,
      (settings) => studyRun({ ...settings }).name === first ? {} : undefined,
    );
    for (const { spec, caption } of await ours(script, study)) {
      assert.match(caption, /One run, of one seed\. The study is not finished/);
      compileFigure(spec);
    }
  });
}

Deno.test("the paper's part is drawn without any run", () => {
  const none = { logs: [], missing: [] };
  assert.deepEqual((figure1(none)).map(({ id }) => id), ["fig01_left", "fig01_right"]);
  assert.deepEqual((figure7(none)).map(({ id }) => id), ["fig07_math"]);
});

Deno.test("points tell their run, step, H and R", () => {
  const study = syntheticStudy(RUNS_1, growing);
  const { spec } = (figure1(study)).find(({ id }) => id === "fig01_right_lab")!;
  const points = rows(spec).filter((row) => "step" in row) as unknown as LawPoint[];
  const expected = study.logs.flatMap(({ run, pairs }) =>
    pairs.map(({ step, entropy, score }) => ({ run: run.name, step, H: entropy, R: 100 * score }))
  );
  assert.equal(points.length, expected.length);
  for (const { run, step, H, R } of expected) {
    assert(points.some((p) => p.run === run && p.step === step && p.H === H && p.R === R));
  }
});

Deno.test("the paper's and our half of Figure 1 have the same axes", () => {
  const figures = figure1(syntheticStudy(RUNS_1, growing));
  for (const side of ["left", "right"]) {
    const [paper, lab] = [`fig01_${side}`, `fig01_${side}_lab`].map((id) => {
      const { scales } = compileFigure(figures.find((one) => one.id === id)!.spec) as {
        scales: { name: string; domain: unknown }[];
      };
      return scales.filter(({ name }) => /[xy]$/.test(name)).map(({ name, domain }) => [
        name,
        domain,
      ]);
    });
    assert(paper!.length > 0);
    assert.deepEqual(paper, lab);
  }
});

Deno.test("Figure 2: shares are those of the law's course, and models that gain nothing have none", () => {
  const study = syntheticStudy(RUNS_2, (settings) => ({
    ...growing(settings),
    noise: 0,
    ...(settings.task === "code" && settings.model === "qwen2.5-3b" ? { a: 0.02 } : {}),
  }));
  const figures = figure2(study);
  const spent = (of: number) => Math.round(100 * (1 - Math.exp(-of / LAW.decay)));
  for (const [of, share] of [["1/12", 1 / 12], ["1/3", 1 / 3]] as const) {
    const found = numbers(measured(figures, "math: entropy spent", `${of} of`));
    assert.deepEqual(found, [spent(share), 11, 0]);
    const [gained, models] = numbers(measured(figures, "code: accuracy gained", `${of} of`));
    // exp(H) falls faster than H.
    assert(gained! >= spent(share) && gained! < spent(share) + 10, `${gained}`);
    assert.equal(models, 10);
  }
});

Deno.test("Figures 3 and 4: every law is found; of one that cannot be told there are points alone", () => {
  const study = syntheticStudy(RUNS_4, (settings) => ({
    ...growing(settings),
    ...(settings.model === "llama-3.1-8b" ? { start: 0.03 } : {}),
  }));
  const figures = figure4(study);
  assert.equal(measured(figures, "models whose law is identified"), "10 of 11");
  assert.match(measured(figures, "Llama 8B: a, b"), /not identified: entropy moved by only 0.010/);
  const { a, b } = growing(studyRun({ model: "mistral-7b-v0.3", task: "code" }).settings);
  const [foundA, lowA, highA, foundB, lowB, highB] = numbers(measured(figures, "Mistral 7B: a, b"));
  assert(lowA! < a! && a! < highA! && lowB! < b! && b! < highB!, `${foundA}, ${foundB}`);
  const panels = (figures[0]!.spec as unknown as { concat: { title: string }[] }).concat;
  const llama = rows(panels.find(({ title }) => title === "Llama")!);
  const isLine = (row: Record<string, unknown>) => !("run" in row);
  assert.deepEqual([...new Set(llama.filter(isLine).map((row) => row["series"]))], ["3B"]);
  assert(llama.some((row) => !isLine(row) && row["series"] === "8B"));

  assert.equal(
    measured(figure3(syntheticStudy(RUNS_3, growing)), "models whose law is identified"),
    "11 of 11",
  );
});

Deno.test("Figure 5: a law is predicted within its noise; a curve that is a sigmoid by a sigmoid", () => {
  const study = syntheticStudy(RUNS_5, growing);
  const math = study.logs.filter(({ run }) => run.settings.task === "math");
  const forward = predictionErrors(math, "law", false);
  assert.equal(forward.length, 11);
  for (const { rmse } of forward) assert(rmse > 0.3 && rmse < 1, `${rmse}`);
  const figures = figure5(study);
  assert.deepEqual(figures.map(({ id }) => id), ["fig05_math_lab", "fig05_code_lab"]);
  const [mean, low, high, models, four] = numbers(
    measured(figures.slice(0, 1), "first 15 %", "law", "RMSE"),
  );
  assert(low! <= mean! && mean! <= high! && models === 11 && four! < 1);
  // The entropy falls exponentially, so that far along it says nothing of the beginning.
  assert.match(measured(figures.slice(0, 1), "last 15 %", "law", "RMSE"), /mean over 100/);
  const [sigmoid] = numbers(measured(figures.slice(0, 1), "first 15 %", "sigmoid", "RMSE"));
  assert(sigmoid! > mean!, `${sigmoid}`);
});

Deno.test("Figure 6: four algorithms under one law share it; one that is higher does not", () => {
  const p = (text: string) => Number(/p = ([\d.e-]+)/.exec(text)![1]);
  const shared = figure6(syntheticStudy(RUNS_6));
  assert(p(measured(shared, "do all algorithms share one law?")) > 0.05);
  const parted = figure6(
    syntheticStudy(RUNS_6, ({ algorithm }) => ({ b: algorithm === "prime" ? 0.65 : 0.6 })),
  );
  assert(p(measured(parted, "do all algorithms share one law?")) < 0.05);
  const [largest] = numbers(measured(parted, "largest difference"));
  assert(largest! > 4.5 && largest! < 6, `${largest}`);
});

Deno.test("Figure 7: growth per tenfold size is found, and the largest model told from the others", () => {
  const study = syntheticStudy(RUNS_7, growing);
  const figures = (figure7(study)).filter(({ runs }) => runs !== undefined);
  assert.deepEqual(figures.map(({ id }) => id), ["fig07_math_lab", "fig07_code_lab"]);
  for (const figure of figures) {
    const [perDecade] = numbers(measured([figure], "b: growth"));
    assert(Math.abs(perDecade! - 0.1) < 0.02, `${perDecade}`);
    assert.match(measured([figure], "b of 32B, told from the 4 smaller"), /, (within|outside)$/);
  }
  const narrow = syntheticStudy(RUNS_7, (settings) => ({
    ...growing(settings),
    ...(settings.model === "qwen2.5-0.5b" ? { start: 0.03 } : {}),
  }));
  assert.deepEqual(
    sizedLaws(narrow.logs.filter(({ run }) => run.settings.task === "code"))
      .map(({ model }) => model),
    ["1.5B", "3B", "7B", "32B"],
  );
  const left = (figure7(narrow)).find(({ id }) => id === "fig07_code_lab")!;
  assert.match(left.caption, /do not tell the law: 0\.5B\./);
});

Deno.test("Figure 13: mixtures have laws of their own; one run of each is said to leave it open", () => {
  const study = syntheticStudy(RUNS_13, ({ mixture }) => ({ b: mixture === "hard" ? 0.5 : 0.6 }));
  const text = measured(figure13(study), "do all mixtures share one law?");
  assert.match(text, /one run of each, so no test/);
  assert(numbers(measured(figure13(study), "largest difference"))[0]! > 9);
});
