/**
 * Figure 11: Clip-Cov and KL-Cov keep entropy up where GRPO loses it; responses grow longer and accuracy
 * rises further, more so at 32B than at 7B.
 */
import { join } from "node:path";
import { mean } from "simple-statistics";
import type { Figure, Measurement } from "../analysis/figures/figure.ts";
import { segments } from "../analysis/figures/segments.ts";
import { COLOURS } from "../analysis/figures/theme.ts";
import { type Curve, PAPER_ENTROPY, PAPER_SOURCE, paperRows } from "../analysis/paper_data.ts";
import { readRun } from "../analysis/readers/read_run.ts";
import type { Series } from "../analysis/readers/series.ts";
import { LOGS } from "./models.ts";

/** The methods: in the paper's data, and as `--intervention` of the lab's runs. */
const METHODS = [
  { name: "GRPO", run: "none", label: "GRPO", colour: "#000000", dash: [1, 0] },
  {
    name: "GRPO w. Clip_higher",
    run: "clip-higher",
    label: "Clip-higher",
    colour: COLOURS[4]!,
    dash: [6, 2],
  },
  {
    name: "GRPO w. Clip_Cov",
    run: "clip-cov",
    label: "Clip-Cov",
    colour: COLOURS[0]!,
    dash: [3, 2],
  },
  { name: "GRPO w. KL_Cov", run: "kl-cov", label: "KL-Cov", colour: COLOURS[1]!, dash: [1, 0] },
];
/** Five arms, two sizes, three seeds. The last arm is GRPO with the clip range that the authors gave Clip-Cov. */
export const RUNS = ["qwen2.5-7b", "qwen2.5-32b"].flatMap((model) =>
  [1, 2, 3].flatMap((seed) => [
    ...["none", "clip-higher", "clip-cov", "kl-cov"].map((intervention) => ({
      model,
      intervention,
      seed,
    })),
    { model, seed, clipLow: 1, clipHigh: 1, dualClip: null },
  ])
);

const PANELS = [
  { name: "entropy", title: "Entropy (nats/token)" },
  { name: "response_length", title: "Response length (tokens)" },
  { name: "test_accuracy", title: "Test accuracy (%)" },
];
const MODELS = ["Qwen2.5-7B", "Qwen2.5-32B"];

/** The curve of a panel under a method. */
type Curves = (panel: string, method: string) => Curve;

/** Figure 11: from the paper's digitised curves, and from the lab's raw logs. */
export async function drawFigure11(): Promise<Figure[]> {
  const rows = await paperRows("fig11.csv");
  const paper = (model: string): Curves => (panel, method) =>
    rows
      .filter((row) => row["model"] === model && row["panel"] === panel && row["method"] === method)
      .map((row) => ({ step: Number(row["step"]), value: Number(row["value"]) }));
  const { curves: lab, entropy, score } = await readLab();
  return [{
    id: "fig11",
    title: "Figure 11",
    caption:
      `Entropy, response length and test accuracy of Qwen2.5-7B (top) and 32B (bottom) under GRPO, clip-higher, Clip-Cov and KL-Cov. Gaps are points hidden behind another curve in the paper's image. ${PAPER_ENTROPY}`,
    source: PAPER_SOURCE,
    spec: panels(MODELS.map((model) => [model, paper(model)]), "Gradient step"),
    measurements: MODELS.flatMap((model) => measure(model, paper(model))),
  }, {
    id: "fig11_lab",
    title: "Figure 11 in the lab",
    caption:
      `The same for the lab's counterpart of Qwen2.5-7B, 64 thousand parameters on chains of arithmetic, one seed each: our own runs, from raw logs. Entropy is ${entropy}; accuracy is the ${score}.`,
    source:
      "results/logs/qwen2.5-7b.math.grpo.*.seed1.jsonl, made by `deno task train` with the settings in each log's first line.",
    spec: panels([["Counterpart of Qwen2.5-7B", lab]], "Rollout step"),
    measurements: measure("7B counterpart", lab),
  }];
}

/** A row of panels for each model. */
function panels(models: readonly (readonly [string, Curves])[], stepTitle: string): Figure["spec"] {
  const labels = METHODS.map(({ label }) => label);
  const series = {
    field: "method",
    type: "nominal" as const,
    legend: { title: null, symbolSize: 220 },
  };
  return {
    columns: PANELS.length,
    spacing: 16,
    concat: models.flatMap(([model, curve], row) =>
      PANELS.map(({ name, title }, column) => ({
        width: 190,
        height: 130,
        ...(column === 0 ? { title: model } : {}),
        data: {
          values: METHODS.flatMap((method) =>
            segments(curve(name, method.name)).map((point) => ({
              method: method.label,
              ...point,
            }))
          ),
        },
        mark: { type: "line" as const, strokeWidth: 1.2 },
        encoding: {
          x: {
            field: "step",
            type: "quantitative" as const,
            title: row === models.length - 1 ? stepTitle : null,
            axis: { tickCount: 5 },
            scale: { zero: true, nice: false },
          },
          y: {
            field: "value",
            type: "quantitative" as const,
            title,
            scale: { zero: name !== "test_accuracy" },
            axis: { tickCount: 5 },
          },
          color: {
            ...series,
            scale: { domain: labels, range: METHODS.map(({ colour }) => colour) },
          },
          strokeDash: {
            ...series,
            scale: { domain: labels, range: METHODS.map(({ dash }) => dash) },
          },
          detail: { field: "segment" },
        },
      }))
    ),
  };
}

/** The curves of the lab's runs, and the keys that entropy and accuracy were logged under. */
async function readLab(): Promise<{ curves: Curves; entropy: string; score: string }> {
  const curves = new Map<string, Curve>();
  const [entropies, scores] = [new Set<string>(), new Set<string>()];
  for (const { name, run } of METHODS) {
    const log = await readRun(join(LOGS, `qwen2.5-7b.math.grpo.${run}.seed1.jsonl`));
    const own: Record<string, Curve> = {
      entropy: points(log.entropy),
      response_length: points(log.series.get("response_length/mean")),
      test_accuracy: points(log.score, 100),
    };
    for (const [panel, curve] of Object.entries(own)) curves.set(`${panel} ${name}`, curve);
    entropies.add(log.entropy?.key ?? "");
    scores.add(log.score?.label ?? "");
  }
  return {
    curves: (panel, method) => curves.get(`${panel} ${method}`)!,
    entropy: [...entropies].join(" or "),
    score: [...scores].join(" or the "),
  };
}

function points(series: Series | undefined, factor = 1): Curve {
  if (series === undefined) return [];
  return Array.from(series.steps, (step, i) => ({ step, value: factor * series.values[i]! }));
}

/** Mean over the last fifth of the steps: the plateau. */
function plateau(curve: Curve): number {
  const last = curve.at(-1)!.step;
  return mean(curve.filter(({ step }) => step > 0.8 * last).map(({ value }) => value));
}

function measure(model: string, curve: Curves): Measurement[] {
  const size = model.replace("Qwen2.5-", "");
  const ratio = (panel: string, method: string) =>
    plateau(curve(panel, method)) / plateau(curve(panel, "GRPO"));
  const above = (method: string) =>
    plateau(curve("test_accuracy", method)) - plateau(curve("test_accuracy", "GRPO"));
  const signed = (value: number) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;
  const methods = METHODS.slice(1);
  const each = (text: (name: string) => string) =>
    methods.map(({ name, label }) => `${label} ${text(name)}`).join(", ");
  return [
    {
      quantity: `${size}: entropy over GRPO's, last fifth of the steps`,
      paper: "KL-Cov over 10×",
      measured: each((name) => `${ratio("entropy", name).toFixed(1)}×`),
    },
    {
      quantity: `${size}: response length over GRPO's, last fifth`,
      paper: "longer",
      measured: each((name) => `${ratio("response_length", name).toFixed(2)}×`),
    },
    {
      quantity: `${size}: accuracy above GRPO's, last fifth (points)`,
      paper: `KL-Cov ${size === "32B" ? "+6.4" : "+2.0"} (Table 2)`,
      measured: each((name) => signed(above(name))),
    },
  ];
}
