import { max, min } from "simple-statistics";
import type { LayerSpec, UnitSpec } from "vega-lite/types_unstable/spec/index.js";
import type { Field } from "vega-lite/types_unstable/channeldef.js";
import { type FittedRuns, identifiedLaw } from "../fit_runs.ts";
import type { Interval } from "../interval.ts";
import { lawAt, type LawCurve } from "../law.ts";
import { entropyTicks, seriesLook } from "./theme.ts";

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
  const drawn = all.flatMap(lawRows).flatMap(({ low, high }) => [low, high]);
  const accuracies = [...points.map(({ R }) => R), ...drawn];
  const [low, high] = [min(accuracies), max(accuracies)];
  const margin = 0.03 * (high - low) || 1;
  return {
    entropy: [min(entropies) / 1.1, max(entropies) * 1.1],
    accuracy: [low - margin, high + margin],
  };
}

/** Points of a curve of the law. */
const CURVE_POINTS = 60;

/** The law of some runs over the entropies of their points, where these tell it, with its 95 % band. */
function lawRows(one: FittedRuns) {
  const fit = identifiedLaw(one);
  if (fit === undefined) return [];
  return lawCurve(one, fit).map((point) => {
    const [low, high] = fit.bootstrap.interval(1, Math.exp(point.H));
    return { ...point, low: 100 * low, high: 100 * high };
  });
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
    axis: { values: entropyTicks(...domain), format: "~g", labelOverlap: "greedy" as const },
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
  "Time runs from left to right: the entropy axis is logarithmic and reversed. A solid line is R = −a·exp(H) + b by least squares over the entropies of its points, its band the pointwise 95 % bootstrap interval.";

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
  const curves = all.flatMap(lawRows);
  const layer: (UnitSpec<Field> | LayerSpec<Field>)[] = [
    {
      data: { values: curves },
      mark: { type: "area", opacity: 0.16 },
      encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color },
    },
    {
      data: { values: lawPoints(all) },
      mark: { type: "point" },
      encoding: { x, y, color, shape, tooltip: POINT_TOOLTIP },
    },
    { data: { values: curves }, mark: { type: "line" }, encoding: { x, y, color } },
  ];
  return {
    ...(panel.title === undefined ? {} : { title: panel.title }),
    width: panel.width ?? 300,
    height: panel.height ?? 210,
    layer,
  };
}
