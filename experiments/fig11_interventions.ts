/**
 * Figure 11: Clip-Cov and KL-Cov keep entropy up where GRPO loses it; responses grow longer and accuracy
 * rises further, more so at 32B than at 7B.
 */
import { mean } from "simple-statistics";
import type { Figure, Measurement } from "../analysis/figures/figure.ts";
import { segments } from "../analysis/figures/segments.ts";
import { COLOURS } from "../analysis/figures/theme.ts";
import { type Curve, PAPER_SOURCE, paperRows } from "../analysis/paper_data.ts";
import { runFigures } from "./run_figures.ts";

const METHODS = [
  { name: "GRPO", label: "GRPO", colour: "#000000", dash: [1, 0] },
  { name: "GRPO w. Clip_higher", label: "Clip-higher", colour: COLOURS[4]!, dash: [6, 2] },
  { name: "GRPO w. Clip_Cov", label: "Clip-Cov", colour: COLOURS[0]!, dash: [3, 2] },
  { name: "GRPO w. KL_Cov", label: "KL-Cov", colour: COLOURS[1]!, dash: [1, 0] },
];
const PANELS = [
  { name: "entropy", title: "Entropy (nats/token)" },
  { name: "response_length", title: "Response length (tokens)" },
  { name: "test_accuracy", title: "Test accuracy (%)" },
];
const MODELS = ["Qwen2.5-7B", "Qwen2.5-32B"];

/** Figure 11, from the paper's digitised curves. */
export async function drawFigure11(): Promise<Figure[]> {
  const rows = await paperRows("fig11.csv");
  const curve = (model: string, panel: string, method: string): Curve =>
    rows
      .filter((row) => row["model"] === model && row["panel"] === panel && row["method"] === method)
      .map((row) => ({ step: Number(row["step"]), value: Number(row["value"]) }));
  const labels = METHODS.map(({ label }) => label);
  const series = {
    field: "method",
    type: "nominal" as const,
    legend: { title: null, symbolSize: 220 },
  };
  return [{
    id: "fig11",
    title: "Figure 11",
    caption:
      "Entropy, response length and test accuracy of Qwen2.5-7B (top) and 32B (bottom) under GRPO, clip-higher, Clip-Cov and KL-Cov. Gaps are points hidden behind another curve in the paper's image.",
    source: PAPER_SOURCE,
    spec: {
      columns: PANELS.length,
      spacing: 16,
      concat: MODELS.flatMap((model, row) =>
        PANELS.map(({ name, title }, column) => ({
          width: 190,
          height: 130,
          ...(column === 0 ? { title: model } : {}),
          data: {
            values: METHODS.flatMap((method) =>
              segments(curve(model, name, method.name)).map((point) => ({
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
              title: row === MODELS.length - 1 ? "Gradient step" : null,
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
    },
    measurements: MODELS.flatMap((model) =>
      measure(model, (panel, method) => curve(model, panel, method))
    ),
  }];
}

/** Mean over the last fifth of the steps: the plateau. */
function plateau(curve: Curve): number {
  const last = curve.at(-1)!.step;
  return mean(curve.filter(({ step }) => step > 0.8 * last).map(({ value }) => value));
}

function measure(model: string, curve: (panel: string, method: string) => Curve): Measurement[] {
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
      paper: `KL-Cov ${size === "7B" ? "+2.0" : "+6.4"} (Table 2)`,
      measured: each((name) => signed(above(name))),
    },
  ];
}

if (import.meta.main) await runFigures(drawFigure11);
