/**
 * Figure 8. Left: the step-wise loss of entropy follows the covariance of log-probability and advantage,
 * as the theory says. Right: the covariance is larger for prompts that are solved more often.
 */
import { mean, sampleCorrelation, sampleRankCorrelation } from "simple-statistics";
import type { Figure } from "../analysis/figures/figure.ts";
import { segments } from "../analysis/figures/segments.ts";
import { COLOURS } from "../analysis/figures/theme.ts";
import {
  type Band,
  bandOf,
  type Curve,
  PAPER_ENTROPY,
  PAPER_SOURCE,
  paperCurves,
} from "../analysis/paper_data.ts";

/** Both panels of Figure 8, from the paper's digitised curves. */
export async function drawFigure8(): Promise<Figure[]> {
  return [await left(), await right()];
}

async function left(): Promise<Figure> {
  const curves = await paperCurves("fig08_left.csv");
  const covariance = curves.get("covariance")!;
  const difference = curves.get("neg_entropy_diff")!;
  const at = new Map(difference.map(({ step, value }) => [step, value]));
  const common = covariance.filter(({ step }) => at.has(step));
  const x = common.map(({ value }) => value);
  const y = common.map(({ step }) => at.get(step)!);
  const early = (curve: Curve) =>
    mean(curve.filter(({ step }) => step <= 400).map(({ value }) => value));
  const late = (curve: Curve) =>
    mean(curve.filter(({ step }) => step >= 1600).map(({ value }) => value));
  const series = [["covariance", "Covariance"], [
    "neg_entropy_diff",
    "−ΔH (loss of entropy per step)",
  ]] as const;
  return {
    id: "fig08_left",
    title: "Figure 8, left",
    caption:
      `Covariance between log-probability and advantage, and the loss of entropy from one step to the next, for Qwen2.5-7B with on-policy updates. Both are large early and fall together; the covariance stays positive. ${PAPER_ENTROPY}`,
    source: PAPER_SOURCE,
    spec: curveSpec(
      series.map(([name, label], i) => ({
        label,
        colour: COLOURS[i]!,
        dash: [[1, 0], [4, 2]][i]!,
        curve: curves.get(name)!,
        band: bandOf(curves, name),
      })),
      "Value (nats)",
      [-0.005, 0.03],
    ),
    measurements: [
      {
        quantity: "correlation of the two curves over common steps (Pearson; Spearman)",
        paper: "similar dynamics; no number",
        measured: `${sampleCorrelation(x, y).toFixed(2)}; ${
          sampleRankCorrelation(x, y).toFixed(2)
        } over ${common.length} steps`,
      },
      {
        quantity: "share of steps with positive covariance",
        paper: "stays positive",
        measured: `${(100 * mean(covariance.map(({ value }) => Number(value > 0)))).toFixed(0)} %`,
      },
      {
        quantity: "covariance, mean to step 400 and from step 1600",
        measured: `${early(covariance).toFixed(4)}, ${late(covariance).toFixed(4)}`,
      },
      {
        quantity: "−ΔH, mean to step 400 and from step 1600",
        measured: `${early(difference).toFixed(4)}, ${late(difference).toFixed(4)}`,
      },
    ],
  };
}

async function right(): Promise<Figure> {
  const curves = await paperCurves("fig08_right.csv");
  const groups = ["0.125", "0.5", "0.875"].map((accuracy, i) => ({
    accuracy,
    label: `accuracy ${accuracy}`,
    colour: COLOURS[[1, 4, 2][i]!]!,
    dash: [[2, 2], [5, 2], [1, 0]][i]!,
    curve: curves.get(`accuracy_${accuracy}`)!,
    band: [],
  }));
  const means = groups.map(({ curve }) => mean(curve.map(({ value }) => value)));
  const ordered = means.every((value, i) => i === 0 || value > means[i - 1]!);
  return {
    id: "fig08_right",
    title: "Figure 8, right",
    caption:
      "The covariance by how often a prompt is solved. Prompts that the policy solves more often show the larger covariance: confident tokens meet positive advantages there.",
    source: PAPER_SOURCE,
    spec: curveSpec(groups, "Covariance (nats)", [-0.0015, 0.0085]),
    measurements: [
      ...groups.map(({ accuracy }, i) => ({
        quantity: `mean covariance of prompts with accuracy ${accuracy}`,
        measured: means[i]!.toFixed(5),
      })),
      {
        quantity: "covariance grows with accuracy",
        paper: "yes",
        measured: ordered ? "yes, in the means over all steps" : "no",
      },
    ],
  };
}

interface Labelled {
  band: Band;
  label: string;
  colour: string;
  dash: number[];
  curve: Curve;
}

function curveSpec(series: Labelled[], title: string, domain: [number, number]): Figure["spec"] {
  const labels = series.map(({ label }) => label);
  const legend = { title: null, symbolSize: 200, symbolType: "stroke", symbolStrokeWidth: 1.6 };
  const x = {
    field: "step",
    type: "quantitative" as const,
    title: "Gradient step",
    scale: { nice: false },
    axis: { tickCount: 6 },
  };
  const y = { type: "quantitative" as const, title, scale: { domain, nice: false } };
  return {
    layer: [
      ...series.filter(({ band }) => band.length > 0).map(({ band, colour }) => ({
        data: { values: segments(band) },
        mark: { type: "area" as const, opacity: 0.18, color: colour, clip: true },
        encoding: {
          x,
          y: { ...y, field: "low" },
          y2: { field: "high" },
          detail: { field: "segment" },
        },
      })),
      {
        data: {
          values: series.flatMap(({ label, curve }) =>
            segments(curve).map((point) => ({ label, ...point }))
          ),
        },
        mark: { type: "line", strokeWidth: 1.1, clip: true },
        encoding: {
          x,
          y: { ...y, field: "value" },
          color: {
            field: "label",
            type: "nominal",
            scale: { domain: labels, range: series.map(({ colour }) => colour) },
            legend,
          },
          strokeDash: {
            field: "label",
            type: "nominal",
            scale: { domain: labels, range: series.map(({ dash }) => dash) },
            legend,
          },
          detail: { field: "segment" },
        },
      },
      {
        data: { values: [{ zero: 0 }] },
        mark: { type: "rule", color: "#888", strokeWidth: 1 },
        encoding: { y: { ...y, field: "zero" } },
      },
    ],
  };
}
