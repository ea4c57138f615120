/**
 * Figure 7, math: a and b of the law grow log-linearly with the size of the model, so the coefficients
 * of a larger model can be told from smaller ones.
 */
import { linearRegression } from "simple-statistics";
import type { Figure, Measurement } from "../analysis/figures/figure.ts";
import { COLOURS } from "../analysis/figures/theme.ts";
import { PAPER_ENTROPY, PAPER_SOURCE, QWEN_SIZES } from "../analysis/paper_data.ts";
import { fitPaperPoints, type ModelFit } from "./fig01_collapse.ts";

/** Figure 7 for math, from our fits to the paper's digitised points. */
export async function drawFigure7(): Promise<Figure[]> {
  const models = await fitPaperPoints();
  const coefficients = ["a", "b"] as const;
  return [{
    id: "fig07_math",
    title: "Figure 7, math",
    caption:
      `The coefficients of R = −a·exp(H) + b over the model's size (parameters without embeddings, log scale): our fits to the paper's points with 95 % intervals, the values of the paper's own lines (crosses), and a straight line in log size through ours. ${PAPER_ENTROPY}`,
    source: PAPER_SOURCE,
    spec: {
      hconcat: coefficients.map((name) => panel(name, models)),
      spacing: 24,
      resolve: { legend: { color: "independent", shape: "independent" } },
    },
    measurements: coefficients.flatMap((name) => measure(name, models)),
  }];
}

type Coefficient = "a" | "b";

const SOURCES = ["our fit", "the paper's line"];

function logLinear(name: Coefficient, models: ModelFit[]) {
  return linearRegression(
    models.map(({ model, fit }) => [Math.log10(QWEN_SIZES[model]!), fit[name]]),
  );
}

function measure(name: Coefficient, models: ModelFit[]): Measurement[] {
  const { m, b } = logLinear(name, models);
  const values = models.map(({ fit }) => fit[name]);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const residual = models.reduce(
    (sum, { model, fit }) => sum + (fit[name] - (b + m * Math.log10(QWEN_SIZES[model]!))) ** 2,
    0,
  );
  const total = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const [largest, ...smaller] = models;
  const line = logLinear(name, smaller);
  const predicted = line.b + line.m * Math.log10(QWEN_SIZES[largest!.model]!);
  return [
    {
      quantity: `${name}: growth per tenfold size; R² of the log-linear fit`,
      paper: "log-linear; no numbers",
      measured: `${m.toFixed(4)}; ${(1 - residual / total).toFixed(3)}`,
    },
    {
      quantity: `${name} of ${largest!.model}, told from the four smaller models`,
      measured: `${predicted.toFixed(3)}; fitted to its own points: ${
        largest!.fit[name].toFixed(3)
      }`,
    },
  ];
}

function panel(name: Coefficient, models: ModelFit[]) {
  const rows = models.map(({ model, fit, paper }) => ({
    model,
    size: QWEN_SIZES[model]!,
    ours: fit[name],
    low: fit.interval[name][0],
    high: fit.interval[name][1],
    paper: paper[name],
  }));
  const points = rows.flatMap(({ size, ours, paper }) => [
    { size, value: ours, source: "our fit" },
    { size, value: paper, source: "the paper's line" },
  ]);
  const { m, b } = logLinear(name, models);
  const line = [0.25, 45].map((size) => ({ size, value: b + m * Math.log10(size) }));
  const x = {
    field: "size",
    type: "quantitative" as const,
    title: "Parameters (billions, log scale)",
    scale: { type: "log" as const, domain: [0.25, 45], nice: false },
    axis: { values: [0.3, 1, 3, 10, 30] },
  };
  const y = (field: string) => ({
    field,
    type: "quantitative" as const,
    title: `Coefficient ${name}`,
    scale: { zero: true },
  });
  const source = {
    field: "source",
    type: "nominal" as const,
    legend: name === "a" ? { title: null } : null,
  };
  const color = COLOURS[0]!;
  return {
    width: 190,
    height: 160,
    layer: [
      {
        data: { values: line },
        mark: { type: "line" as const, color, strokeDash: [5, 3], strokeWidth: 1.2 },
        encoding: { x, y: y("value") },
      },
      {
        data: { values: rows },
        mark: { type: "rule" as const, color, strokeWidth: 1.2 },
        encoding: { x, y: y("low"), y2: { field: "high" } },
      },
      {
        data: { values: points },
        mark: { type: "point" as const, filled: false, size: 45, strokeWidth: 1.4, opacity: 1 },
        encoding: {
          x,
          y: y("value"),
          shape: {
            ...source,
            scale: { domain: SOURCES, range: ["circle", "M-0.6,-0.6L0.6,0.6M-0.6,0.6L0.6,-0.6"] },
          },
          color: { ...source, scale: { domain: SOURCES, range: [color, "#111"] } },
        },
      },
      {
        data: { values: rows },
        mark: { type: "text" as const, dy: 16, dx: 12, fontSize: 9 },
        encoding: { x, y: y("ours"), text: { field: "model", type: "nominal" as const } },
      },
    ],
  };
}
