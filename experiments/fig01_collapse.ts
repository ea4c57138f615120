/**
 * Figure 1. Left: without intervention, entropy is spent within the first few hundred steps, and
 * performance saturates with it. Right: R = −a·exp(H) + b holds for every Qwen2.5 size.
 */
import type { TopLevelSpec } from "vega-lite";
import type { Figure } from "../analysis/figures/figure.ts";
import { segments } from "../analysis/figures/segments.ts";
import { COLOURS, logTicks, SHAPES } from "../analysis/figures/theme.ts";
import { fitLaw, lawAt, type LawFit } from "../analysis/law.ts";
import type { Pair } from "../analysis/pairs.ts";
import {
  type Band,
  bandOf,
  type Curve,
  PAPER_ENTROPY,
  PAPER_SOURCE,
  paperCurves,
  paperRows,
} from "../analysis/paper_data.ts";

/** GRPO without intervention: the 7B counterpart by three seeds, the other sizes of its family. */
export const RUNS = [
  ...[1, 2, 3].map((seed) => ({ model: "qwen2.5-7b", seed })),
  ...["0.5b", "1.5b", "3b", "32b"].map((size) => ({ model: `qwen2.5-${size}` })),
];

/** Both panels of Figure 1, from the paper's digitised points. */
export async function drawFigure1(): Promise<Figure[]> {
  return [await left(), await right()];
}

async function left(): Promise<Figure> {
  const curves = await paperCurves("fig01_left.csv");
  const accuracy = curves.get("test_accuracy_percent")!;
  const entropy = curves.get("training_entropy")!;
  const [first, last] = [accuracy[0]!, accuracy.at(-1)!];
  const gain = (step: number) =>
    (valueAt(accuracy, step) - first.value) / (last.value - first.value);
  const spent = (step: number) =>
    (entropy[0]!.value - valueAt(entropy, step)) / (entropy[0]!.value - entropy.at(-1)!.value);
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  return {
    id: "fig01_left",
    title: "Figure 1, left",
    caption:
      `Policy entropy of one model (its accuracies are those of Qwen2.5-7B) and its test accuracy over training without intervention. Most of the entropy is gone within a few hundred gradient steps, and the accuracy stops rising with it. Bands are the ones of the paper. ${PAPER_ENTROPY}`,
    source: PAPER_SOURCE,
    spec: panels([
      {
        title: "Entropy (nats/token)",
        colour: COLOURS[1]!,
        curve: entropy,
        band: bandOf(curves, "training_entropy"),
      },
      {
        title: "Test accuracy (%)",
        colour: COLOURS[0]!,
        curve: accuracy,
        band: bandOf(curves, "test_accuracy_percent"),
      },
    ]),
    measurements: [
      {
        quantity: "entropy loss done by step 200",
        paper: "73 % (mean of 11 models)",
        measured: percent(spent(200)),
      },
      {
        quantity: "accuracy gain done by step 200",
        paper: "76 % (mean of 11 models)",
        measured: percent(gain(200)),
      },
      {
        quantity: "entropy loss done by step 800",
        paper: "94 % (mean of 11 models)",
        measured: percent(spent(800)),
      },
      {
        quantity: "accuracy gain done by step 800",
        paper: "over 93 % (mean of 11 models)",
        measured: percent(gain(800)),
      },
      {
        quantity: "entropy, first and last point (nats)",
        measured: `${entropy[0]!.value.toFixed(3)}, ${entropy.at(-1)!.value.toFixed(3)}`,
      },
    ],
  };
}

interface Panel {
  title: string;
  colour: string;
  curve: Curve;
  band: Band;
}

function panels(all: Panel[]): TopLevelSpec {
  const x = (title: string | null) => ({
    field: "step",
    type: "quantitative" as const,
    title,
    scale: { domain: [0, 2500], nice: false },
    axis: { labels: title !== null, tickCount: 6 },
  });
  return {
    vconcat: all.map(({ title, colour, curve, band }, i) => ({
      height: 95,
      layer: [
        {
          data: { values: segments(band) },
          mark: { type: "area", opacity: 0.2, color: colour },
          encoding: {
            x: x(i === all.length - 1 ? "Gradient step" : null),
            y: { field: "low", type: "quantitative", title },
            y2: { field: "high" },
            detail: { field: "segment" },
          },
        },
        {
          data: { values: segments(curve) },
          mark: { type: "line", color: colour },
          encoding: {
            x: x(i === all.length - 1 ? "Gradient step" : null),
            y: { field: "value", type: "quantitative", title },
            detail: { field: "segment" },
          },
        },
      ],
    })),
    spacing: 10,
  };
}

/** A curve at a step between two of its points. */
function valueAt(curve: Curve, step: number): number {
  const next = curve.findIndex((point) => point.step >= step);
  const [p, q] = [curve[next - 1]!, curve[next]!];
  return p.value + ((q.value - p.value) * (step - p.step)) / (q.step - p.step);
}

/** The points of one model of Figure 1 right, with our fit and the line that the paper drew. */
export interface ModelFit {
  /** Such as `7B`. */
  readonly model: string;
  /** In order of falling entropy, which is nearly that of the steps; the image does not tell the steps. */
  readonly pairs: readonly Pair[];
  /** Our fit to the points; R as a fraction. */
  readonly fit: LawFit;
  /** a and b of the paper's line. */
  readonly paper: { readonly a: number; readonly b: number };
}

/** Our fits to the digitised points of Figure 1 right, largest model first. */
export async function fitPaperPoints(): Promise<ModelFit[]> {
  const points = await paperRows("fig01_right_points.csv");
  const lines = await paperRows("fig01_right_fit.csv");
  return lines.map(({ model, a, b }) => {
    const pairs = points
      .filter((point) => point["model"] === model)
      .map((point) => ({
        entropy: Number(point["entropy"]),
        score: Number(point["accuracy_percent"]) / 100,
      }))
      .sort((p, q) => q.entropy - p.entropy)
      .map((pair, step) => ({ step, ...pair }));
    return { model: model!, pairs, fit: fitLaw(pairs), paper: { a: Number(a), b: Number(b) } };
  });
}

async function right(): Promise<Figure> {
  const models = await fitPaperPoints();
  const fixed = (value: number) => value.toFixed(4);
  return {
    id: "fig01_right",
    title: "Figure 1, right",
    caption:
      `Test accuracy over policy entropy for five sizes of Qwen2.5 on math: the paper's points as far as they can be told apart, our least-squares fit to them (solid), and the line that the paper drew (dashed). ${PAPER_ENTROPY}`,
    source: PAPER_SOURCE,
    spec: lawSpec(models),
    measurements: models.flatMap(({ model, fit, paper }) => [
      {
        quantity: `${model}: a, b`,
        paper: `${fixed(paper.a)}, ${fixed(paper.b)} (read off its line)`,
        measured: `${fixed(fit.a)} [${fit.interval.a.map(fixed).join(", ")}], ${fixed(fit.b)} [${
          fit.interval.b.map(fixed).join(", ")
        }]`,
      },
      {
        quantity: `${model}: ceiling b − a; R²; points`,
        paper: fixed(paper.b - paper.a),
        measured: `${fixed(fit.ceiling)} [${fit.interval.ceiling.map(fixed).join(", ")}]; ${
          fit.r2.toFixed(3)
        }; ${fit.n}`,
      },
    ]),
  };
}

const OUR_FIT = "our fit";
const PAPERS_LINE = "the paper's line";

function lawSpec(models: ModelFit[]): TopLevelSpec {
  const names = models.map(({ model }) => model);
  const points = models.flatMap(({ model, pairs }) =>
    pairs.map(({ entropy, score }) => ({ model, entropy, accuracy: 100 * score }))
  );
  const entropies = points.map(({ entropy }) => entropy);
  const domain = [Math.min(...entropies) / 1.1, Math.max(...entropies) * 1.1];
  const curves = models.flatMap(({ model, pairs, fit, paper }) => {
    const own = pairs.map(({ entropy }) => Math.log(entropy));
    const [low, high] = [Math.min(...own), Math.max(...own)];
    return Array.from({ length: 60 }, (_, i) => Math.exp(low + ((high - low) * i) / 59)).flatMap(
      (entropy) => [
        { model, entropy, line: OUR_FIT, accuracy: 100 * lawAt(fit, entropy) },
        {
          model,
          entropy,
          line: PAPERS_LINE,
          accuracy: 100 * (paper.b - paper.a * Math.exp(entropy)),
        },
      ],
    );
  });
  const x = {
    field: "entropy",
    type: "quantitative" as const,
    title: "Policy entropy (nats per token, log scale, reversed)",
    scale: { type: "log" as const, domain, reverse: true, nice: false },
    axis: { values: logTicks(domain[0]!, domain[1]!), format: "~g" },
  };
  const y = { field: "accuracy", type: "quantitative" as const, title: "Test accuracy (%)" };
  const color = {
    field: "model",
    type: "nominal" as const,
    scale: { domain: names, range: COLOURS.slice(0, names.length) },
    legend: { title: null, columns: 5 },
  };
  const strokeDash = {
    field: "line",
    type: "nominal" as const,
    scale: { domain: [OUR_FIT, PAPERS_LINE], range: [[1, 0], [4, 3]] },
    legend: { title: null, symbolStrokeColor: "#111", symbolSize: 220 },
  };
  return {
    height: 230,
    layer: [
      {
        data: { values: points },
        mark: { type: "point" },
        encoding: {
          x,
          y,
          color,
          shape: {
            field: "model",
            type: "nominal",
            scale: { domain: names, range: SHAPES.slice(0, names.length) },
            legend: { title: null, columns: 5 },
          },
        },
      },
      {
        data: { values: curves.filter(({ line }) => line === OUR_FIT) },
        mark: { type: "line", strokeWidth: 2 },
        encoding: { x, y, color, strokeDash },
      },
      {
        data: { values: curves.filter(({ line }) => line === PAPERS_LINE) },
        mark: { type: "line", strokeWidth: 1.1, color: "#111" },
        encoding: { x, y, detail: { field: "model" }, strokeDash },
      },
    ],
  };
}
