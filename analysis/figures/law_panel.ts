import { max, min } from "simple-statistics";
import type { LayerSpec, UnitSpec } from "vega-lite/types_unstable/spec/index.js";
import type { Field } from "vega-lite/types_unstable/channeldef.js";
import { type FittedRuns, identifiedLaw } from "../fit_runs.ts";
import type { Interval } from "../interval.ts";
import { lawAt, type LawCurve } from "../law.ts";
import { DASHES, entropyTicks, seriesLook } from "./theme.ts";

/** The ranges of both axes of a panel: what is drawn, with a margin. */
export interface LawAxes {
  /** H, in nats per token. */
  readonly entropy: Interval;
  /** R, in percent. */
  readonly accuracy: Interval;
}

/** A point of a picture of the law; the names are those that a reader sees when pointing at it. */
export interface LawPoint {
  /** What the legend says. */
  readonly series: string;
  /** The run that it belongs to. */
  readonly run: string;
  /** The step of the run. */
  readonly step: number;
  /** Nats per token. */
  readonly H: number;
  /** Percent. */
  readonly R: number;
}

/** What is shown of a point when a reader points at it. */
export const POINT_TOOLTIP = [
  { field: "run", type: "nominal" as const },
  { field: "step", type: "quantitative" as const },
  { field: "H", type: "quantitative" as const, format: ".4f", title: "H (nats/token)" },
  { field: "R", type: "quantitative" as const, format: ".2f", title: "R (%)" },
];

/** The points of some runs that a logarithmic axis can show: those of positive entropy. */
export function lawPoints(all: readonly FittedRuns[]): LawPoint[] {
  return all.flatMap(({ name, runs }) =>
    runs.flatMap(({ run, pairs }) =>
      pairs.filter(({ entropy }) => entropy > 0).map(({ step, entropy, score }) => ({
        series: name,
        run,
        step,
        H: entropy,
        R: 100 * score,
      }))
    )
  );
}

/** Axes that hold the points of some runs, their laws and the bands of these. */
export function lawAxes(all: readonly FittedRuns[]): LawAxes {
  const points = lawPoints(all);
  const entropies = points.map(({ H }) => H);
  const accuracies = [
    ...points.map(({ R }) => R),
    ...all.flatMap(lineOf).map(({ R }) => R),
    ...all.flatMap(bandOf).flatMap(({ low, high }) => [low, high]),
  ];
  const [low, high] = [min(accuracies), max(accuracies)];
  const margin = 0.03 * (high - low) || 1;
  return {
    entropy: [min(entropies) / 1.1, max(entropies) * 1.1],
    accuracy: [low - margin, high + margin],
  };
}

/** Points of a curve of the law. */
const CURVE_POINTS = 60;

/** The law of some runs, where their points tell it. */
function lineOf(runs: FittedRuns) {
  const fit = identifiedLaw(runs);
  return fit === undefined ? [] : lawCurve(runs, fit);
}

/** A band that is wider than this part of the points' own range hides more than it tells. */
const WIDEST_BAND = 1 / 4;

/** The 95 % band around the law, where it is narrow enough to tell something. */
function bandOf(runs: FittedRuns): { series: string; H: number; low: number; high: number }[] {
  const band = lineOf(runs).map(({ series, H }) => {
    const [low, high] = runs.fit!.bootstrap.interval(1, Math.exp(H));
    return { series, H, low: 100 * low, high: 100 * high };
  });
  const scores = lawPoints([runs]).map(({ R }) => R);
  const range = max(scores) - min(scores);
  return band.every(({ low, high }) => high - low <= WIDEST_BAND * range) ? band : [];
}

/** A law over the entropies of the points of some runs, R in percent. */
export function lawCurve(
  runs: FittedRuns,
  law: LawCurve,
): { series: string; H: number; R: number }[] {
  const entropies = lawPoints([runs]).map(({ H }) => Math.log(H));
  const [low, high] = [min(entropies), max(entropies)];
  return Array.from({ length: CURVE_POINTS }, (_, i) => {
    const entropy = Math.exp(low + ((high - low) * i) / (CURVE_POINTS - 1));
    return { series: runs.name, H: entropy, R: 100 * lawAt(law, entropy) };
  });
}

/** The entropy axis of pictures of the law. */
export function entropyAxis(domain: Interval) {
  return {
    field: "H",
    type: "quantitative" as const,
    title: "Policy entropy (nats/token)",
    scale: { type: "log" as const, domain: [...domain], reverse: true, nice: false },
    axis: {
      values: entropyTicks(...domain),
      format: "~g",
      labelOverlap: "greedy" as const,
      labelSeparation: 4,
    },
  };
}

/** The accuracy axis of pictures of the law. */
export function accuracyAxis(domain: Interval) {
  return {
    field: "R",
    type: "quantitative" as const,
    title: "Test accuracy (%)",
    scale: { domain: [...domain], nice: false, zero: false },
    axis: { tickCount: 6 },
  };
}

/** What {@linkcode LAW_PANEL_CAPTION} says holds for every panel of {@linkcode lawPanel}. */
export const LAW_PANEL_CAPTION =
  "Time runs from left to right: the entropy axis is logarithmic and reversed. A solid line is R = −a·exp(H) + b by least squares over the entropies of its points, its band the pointwise 95 % bootstrap interval, left out where it is wider than a quarter of the range of the points. Where the points do not tell the law, there is no line.";

/** Which panel {@linkcode lawPanel} draws. */
export interface LawPanel {
  /** Its axes. */
  readonly axes: LawAxes;
  /** What stands above it. */
  readonly title?: string;
  /** Its width, in units of the figure. */
  readonly width?: number;
  /** Its height. */
  readonly height?: number;
  /** Columns of its legend: 3 unless told. */
  readonly legendColumns?: number;
}

/**
 * Performance over entropy in the manner of the paper's Figure 1 right: the points of each kind of run, and its law
 * with a band where the points tell it. Where they do not, there are points alone.
 */
export function lawPanel(all: readonly FittedRuns[], panel: LawPanel): LayerSpec<Field> {
  const width = panel.width ?? 300;
  const names = all.map(({ name }) => name);
  const looks = names.map((_, i) => seriesLook(i));
  const legend = { title: null, columns: panel.legendColumns ?? 3 };
  const x = entropyAxis(panel.axes.entropy);
  const y = accuracyAxis(panel.axes.accuracy);
  const color = {
    field: "series",
    type: "nominal" as const,
    scale: { domain: names, range: looks.map(({ colour }) => colour) },
    legend,
  };
  const shape = {
    ...color,
    scale: { domain: names, range: looks.map(({ shape }) => shape) },
  };
  const layer: UnitSpec<Field>[] = [
    {
      data: { values: all.flatMap(bandOf) },
      mark: { type: "area", opacity: 0.16 },
      encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color },
    },
    {
      data: { values: lawPoints(all) },
      mark: { type: "point", size: width < 200 ? 10 : 16, opacity: 0.65 },
      encoding: { x, y, color, shape, tooltip: POINT_TOOLTIP },
    },
    { data: { values: all.flatMap(lineOf) }, mark: { type: "line" }, encoding: { x, y, color } },
  ];
  return {
    ...(panel.title === undefined ? {} : { title: panel.title }),
    width,
    height: panel.height ?? 210,
    layer,
  };
}

/** Black lines over a panel of {@linkcode lawPanel}, with what the legend calls them. */
export function blackLines(
  curves: readonly { readonly series: string; readonly H: number; readonly R: number }[],
  label: string,
  axes: LawAxes,
): UnitSpec<Field> {
  return {
    data: { values: curves.map((point) => ({ ...point, line: label })) },
    mark: { type: "line", color: "#111", strokeWidth: 1.1 },
    encoding: {
      x: entropyAxis(axes.entropy),
      y: accuracyAxis(axes.accuracy),
      detail: { field: "series" },
      strokeDash: {
        field: "line",
        type: "nominal",
        scale: { domain: [label], range: [DASHES.solid] },
        legend: { title: null, symbolType: "stroke", symbolStrokeColor: "#111", symbolSize: 220 },
      },
    },
  };
}
