/** Figures 8 to 12 and tables 1 and 2 of the lab, on logs whose numbers are known. */
import assert from "node:assert/strict";
import { compileFigure, drawFigure } from "../../analysis/figures/draw.ts";
import type { Figure } from "../../analysis/figures/figure.ts";
import { paperRows } from "../../analysis/paper_data.ts";
import { ARM_MODELS, ARM_RUNS, ARMS, GRPO, KL_COV, logsWith } from "../../experiments/arms.ts";
import {
  bySeed,
  courseOf,
  ENTROPY,
  inWindows,
  overSeeds,
  plateau,
} from "../../experiments/courses.ts";
import { figure8, RUNS as RUNS_8 } from "../../experiments/fig08_covariance.ts";
import { figure9, RUNS as RUNS_9 } from "../../experiments/fig09_entropy_bonus.ts";
import { figure10, RUNS as RUNS_10 } from "../../experiments/fig10_reference_kl.ts";
import { figure11, RUNS as RUNS_11 } from "../../experiments/fig11_interventions.ts";
import { figure12, RUNS_BY_SWEEP } from "../../experiments/fig12_strength.ts";
import { studyRun } from "../../experiments/lab/study/study_run.ts";
import { trainSettings } from "../../experiments/lab/train_settings.ts";
import { studyRuns } from "../../experiments/study.ts";
import { RUNS as RUNS_1, table1 } from "../../experiments/table1_covariance.ts";
import { RUNS as RUNS_2, table2 } from "../../experiments/table2_benchmarks.ts";
import { assertSnapshot } from "../support.ts";
import {
  armStudy,
  COVARIANCES,
  endOf,
  onPolicyStudy,
  STEP_SIZE,
} from "./synthetic_interventions.ts";

const PAPER_GROUPS = paperRows("table1.csv").map(({ group, mean_covariance }) => ({
  group: group!,
  value: Number(mean_covariance),
  share: group === "All" ? 1 : Number(/[\d.]+/.exec(group!)![0]) / 100,
}));
const PAPER_TABLE_2 = paperRows("table2.csv");

const figures: Figure[] = [
  ...figure8(onPolicyStudy(RUNS_8)),
  ...table1(PAPER_GROUPS, armStudy(RUNS_1)),
  ...figure9(armStudy(RUNS_9)),
  ...figure10(armStudy(RUNS_10)),
  ...figure11(armStudy(RUNS_11)),
  ...table2(PAPER_TABLE_2, armStudy(RUNS_2)),
  ...figure12(RUNS_BY_SWEEP.map((runs) => armStudy(runs))),
];

/** Rows of data are told by their number: the snapshot is of the picture's form. */
function withoutData(spec: object): unknown {
  const { data, ...rest } = spec as { data: { values?: unknown[] }[] };
  return { data: data.map(({ values, ...set }) => ({ ...set, rows: values?.length })), ...rest };
}

for (const { id, spec, caption, runs } of figures) {
  Deno.test(`${id}: the compiled Vega specification, drawn without a warning`, async () => {
    await assertSnapshot(`study_${id}`, withoutData(compileFigure(spec)));
    await drawFigure(id, spec);
    assert(runs!.length > 0);
    assert.doesNotMatch(caption, /missing/);
    assert.match(caption, /seed/);
  });
}

/** What a figure measures of something. */
function measured(id: string, quantity: RegExp): string {
  const figure = figures.find((figure) => figure.id === id)!;
  const found = figure.measurements.filter((measurement) => quantity.test(measurement.quantity));
  assert.equal(found.length, 1, `${id} measures ${quantity} ${found.length} times`);
  return found[0]!.measured;
}

/** The number after a name in a text. */
function numberAfter(name: string, text: string): number {
  const at = text.indexOf(name);
  assert(at >= 0, `${name} is not in ${text}`);
  return Number(/[−-]?\d+(?:\.\d+)?/.exec(text.slice(at + name.length))![0].replace("−", "-"));
}

function near(actual: number, expected: number, tolerance: number): void {
  assert(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected} ± ${tolerance}`);
}

Deno.test("the five arms differ in their runs, and each finds its own logs", () => {
  assert.equal(new Set(ARM_RUNS.map((given) => studyRun(given).name)).size, 30);
  const { logs } = armStudy(ARM_RUNS);
  for (const { model } of ARM_MODELS) {
    for (const { settings } of ARMS) {
      const own = logsWith(logs, model, settings);
      assert.deepEqual(own.map(({ run }) => run.settings.seed), [1, 2, 3]);
      assert(own.every(({ run }) => run.settings.model === model));
      for (const [name, value] of Object.entries(settings)) {
        assert(own.every(({ run }) => run.settings[name as "clipHigh"] === value));
      }
    }
  }
});

Deno.test("a run that several figures share is made once", () => {
  const runs = studyRuns();
  const shared = runs.filter(({ name }) =>
    name === studyRun({ model: "qwen2.5-7b", seed: 1 }).name
  );
  assert.equal(shared.length, 1);
  for (const figure of ["table1", "fig9", "fig10", "fig11", "table2", "fig12"]) {
    assert(shared[0]!.figures.includes(figure), figure);
  }
  assert.equal(runs.filter(({ figures }) => figures.includes("fig8")).length, 1);
});

Deno.test("the on-policy run has one update a rollout, no clip, and leaves no group out", () => {
  const { settings } = studyRun(RUNS_8[0]!);
  assert.deepEqual(
    [settings.minibatches, settings.clipLow, settings.clipHigh, settings.dualClip],
    [1, null, null, null],
  );
  assert.equal(settings.filterGroups, false);
  assert.equal(settings.intervention, "none");
});

Deno.test("figure 8: slopes are 1 for Lemma 1 and the step size for Theorem 1, correlations high", () => {
  const windows = (name: string) => measured("fig08_slope_lab", new RegExp(`^${name}: .*means`));
  const slope = (text: string) => numberAfter("; ", text);
  near(slope(windows("Lemma 1")), 1, 0.05);
  near(slope(windows("Theorem 1")), STEP_SIZE, 0.01);
  assert(numberAfter("", windows("Theorem 1")) > 0.95);
  assert(numberAfter("", windows("Theorem 2")) < 0.9);
  const [whole, same, lemma] = measured("fig08_left_lab", /loss of entropy over the run/)
    .split("; ").map(Number);
  assert(whole! > 0.4);
  near(lemma!, same!, 0.02);
});

Deno.test("figure 8: the covariance by accuracy is that of the log, and grows", () => {
  const at = (accuracy: number) =>
    Number(measured("fig08_right_lab", new RegExp(`with accuracy ${accuracy}$`)));
  near(at(0.5) / at(0.125), 4, 0.05);
  near(at(0.875) / at(0.125), 7, 0.05);
  assert.match(measured("fig08_right_lab", /^covariance grows/), /^yes/);
});

Deno.test("figures 9, 10 and 12: the plateau's entropy at each strength is that of the logs", () => {
  near(numberAfter("α = 0.01: ", measured("fig09_lab", /^entropy/)), 0.22, 0.001);
  near(numberAfter("β = 0.05: ", measured("fig10_lab", /^entropy/)), 0.12, 0.001);
  near(numberAfter("β = 0.5: ", measured("fig12_beta_lab", /^entropy/)), 0.11, 0.001);
  assert.match(measured("fig12_r_lab", /^rank correlation/), /^1\.00 over 5/);
});

Deno.test("figure 11: entropies, gains and tokens against GRPO's are those of the logs", () => {
  const entropy = measured("fig11_lab", /^7B: entropy/);
  const kept = endOf(trainSettings(KL_COV)) / endOf(trainSettings({}));
  near(numberAfter("KL-Cov ", entropy), kept, 0.1);
  near(numberAfter("Clip-higher ", entropy), 2, 0.1);
  const accuracy = measured("fig11_lab", /^32B: accuracy above/);
  near(numberAfter("KL-Cov +", accuracy), 3, 0.2);
  near(numberAfter("Clip-Cov +", accuracy), 2, 0.2);
  assert.match(measured("fig11_lab", /^7B: share of the tokens that the method/), /KL-Cov 1\.0 %/);
  // Each step counts by its tokens.
  near(
    numberAfter("Clip-higher ", measured("fig11_lab", /^7B: mean covariance of those/)),
    -0.0325,
    0.001,
  );
});

Deno.test("figure 11: what each arm finds by rarity, and which tokens the methods touch", () => {
  assert.equal(
    measured("fig11_lab", /^7B: misconceptions .*\(% of 1, 2, 1; mean over seeds\)/),
    "GRPO 0, 50, 100; Clip-higher 0, 50, 100; Clip-Cov 100, 50, 100; KL-Cov 0, 50, 100; " +
      "GRPO, Clip-Cov's ε 0, 50, 100",
  );
  const touched = (quantity: RegExp) => measured("fig11_lab", quantity);
  assert.match(touched(/^32B: mean covariance of the touched/), /^Clip-Cov 3\.0 .*; KL-Cov 3\.0 /);
  assert.match(touched(/^32B: mean log-prob of the touched/), /^Clip-Cov −2\.5 /);
  assert.match(touched(/^32B: share of the touched tokens with a positive/), /^Clip-Cov 13 %/);
});

Deno.test("table 1: what the first step logs, and what it implies of the lower half", () => {
  near(
    Number(measured("table1_lab", /Top 2% /).split(" ")[0]),
    COVARIANCES["covariance/top-0.02"]! + 0.002,
    0.0006,
  );
  near(numberAfter("", measured("table1_lab", /lower half/)), 2 * 0.052 - 0.402, 0.001);
});

Deno.test("table 2: the gain of each arm, the best in bold, the interval over seeds", () => {
  near(numberAfter("+", measured("table2_lab", /^Qwen2.5-7B: KL-Cov/)), 3, 0.2);
  const { spec } = figures.find(({ id }) => id === "table2_lab")!;
  const cells = (spec as unknown as { vconcat: { data: { values: TableCell[] } }[] }).vconcat
    .flatMap(({ data }) => data.values);
  assert.equal(cells.length, 2 * ARMS.length * 6);
  assert(cells.every(({ best, method }) => best === (method === "KL-Cov")));
  assert(cells.every(({ text }) => /^\d+\.\d ± \d\.\d$/.test(text)));
});

interface TableCell {
  readonly best: boolean;
  readonly method: string;
  readonly text: string;
}

Deno.test("an unfinished study is drawn from the logs that are there, and says which are not", () => {
  const some = armStudy(RUNS_11, ({ model, seed }) => model === "qwen2.5-7b" && seed < 3);
  const [figure] = figure11(some);
  assert.match(figure!.caption, /20 of 30 runs of this figure are missing \(/);
  assert.match(figure!.caption, /2 seeds each/);
  const plainOnly = armStudy(
    RUNS_11,
    ({ intervention, clipHigh, seed }) => intervention === "none" && clipHigh === 0.2 && seed === 1,
  );
  for (const drawn of [...figure11(plainOnly), ...table2(PAPER_TABLE_2, plainOnly)]) {
    compileFigure(drawn.spec);
  }
  const none = armStudy(RUNS_11, () => false);
  assert.deepEqual(figure11(none), []);
  assert.deepEqual(table2(PAPER_TABLE_2, none), []);
  assert.deepEqual(figure8({ logs: [], missing: [] }), []);
});

Deno.test("courses: windows, plateaus and differences seed by seed", () => {
  const curve = Array.from({ length: 7 }, (_, i) => ({ step: i + 1, value: i + 1 }));
  assert.deepEqual(inWindows(curve, 3), [
    { step: 2, value: 2 },
    { step: 5, value: 5 },
    { step: 8, value: 7 },
  ]);
  const { logs } = armStudy(ARM_RUNS);
  const plain = logsWith(logs, "qwen2.5-7b", GRPO.settings);
  near(plateau(plain[0]!, ENTROPY), endOf(plain[0]!.run.settings), 1e-4);
  // The second run has no partner.
  const values = bySeed(
    plain.slice(0, 2),
    plain.slice(0, 1),
    (run, other) => run.run.settings.seed - other.run.settings.seed,
  );
  assert.deepEqual(values, [0]);
  const course = courseOf(plain, ENTROPY);
  // The middle of the first five rollouts, of 8 updates each.
  assert.equal(course[0]!.step, 16);
  const text = (value: number) => value.toFixed(1);
  assert.equal(overSeeds([], text), "no runs");
  assert.equal(overSeeds([2], text), "2.0");
  assert.equal(overSeeds([1, 2, 3], text), "2.0 [-0.5, 4.5]");
});
