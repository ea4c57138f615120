import { max, min } from "simple-statistics";
import type { TopLevelSpec } from "vega-lite";
import type { PositionFieldDef } from "vega-lite/types_unstable/channeldef.js";
import { UserError } from "../errors.ts";
import { lawAt, type LawFit } from "../law.ts";
import type { Pair } from "../pairs.ts";
import type { FigureSpec } from "./draw.ts";
import { COLOURS, logTicks, SHAPES } from "./theme.ts";

/** One run in a picture of the law. */
export interface LawSeries {
  /** What the legend says. */
  readonly name: string;
  /** The points. */
  readonly pairs: readonly Pair[];
  /** The curve and its band. */
  readonly fit: LawFit;
}

const CURVE_POINTS = 100;
const MOST_POINTS = 1000;

/**
 * Performance over entropy in the manner of the paper's Figure 1 right: entropy on a logarithmic,
 * reversed axis, so that training runs from left to right; points, the fitted law, and the pointwise
 * 95 % bootstrap band around it. Of a run with more than a thousand pairs every so manieth is drawn. Pairs whose entropy is not positive have no place on the axis, nor has
 * a run without any other.
 *
 * @throws {UserError} if no run has a positive entropy.
 * @param unit How R is labelled: an accuracy is drawn in percent.
 */
export function lawFigure(all: readonly LawSeries[], unit: "fraction" | "reward"): FigureSpec {
  const scale = unit === "fraction" ? 100 : 1;
  const series = all
    .map((one) => ({ ...one, pairs: one.pairs.filter(({ entropy }) => entropy > 0) }))
    .filter(({ pairs }) => pairs.length > 0);
  if (series.length === 0) {
    throw new UserError("no entropy is positive, so nothing can be drawn on a logarithmic axis.");
  }
  const entropies = series.flatMap(({ pairs }) => pairs).map(({ entropy }) => entropy);
  const [low, high] = [min(entropies), max(entropies)];
  const names = series.map(({ name }) => name);
  const points = series.flatMap(({ name, pairs }) =>
    thinned(pairs).map(({ entropy, score }) => ({ run: name, entropy, score: scale * score }))
  );
  const curves = series.flatMap((one) => curve(one, scale));
  const x: PositionFieldDef<string> = {
    field: "entropy",
    type: "quantitative",
    title: "Policy entropy (nats per token, log scale, reversed)",
    scale: { type: "log", domain: [low / 1.06, high * 1.06], reverse: true, nice: false },
    axis: { values: logTicks(low / 1.06, high * 1.06), format: "~g", grid: true },
  };
  const y: PositionFieldDef<string> = {
    type: "quantitative",
    title: unit === "fraction" ? "Accuracy (%)" : "Score",
    scale: { zero: false },
  };
  const order = {
    scale: { domain: names, range: names.map((_, i) => COLOURS[i % COLOURS.length]!) },
  };
  const single = series.length === 1;
  const legend = single
    ? null
    : { title: null, columns: names.some((name) => name.length > 24) ? 1 : 3 };
  const color = { field: "run", type: "nominal", ...order, legend } as const;
  const shape = {
    field: "run",
    type: "nominal",
    scale: { domain: names, range: names.map((_, i) => SHAPES[i % SHAPES.length]!) },
    legend,
  } as const;
  const spec: TopLevelSpec = {
    layer: [
      {
        data: { values: curves },
        mark: { type: "area", opacity: 0.16, clip: true },
        encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color },
      },
      {
        data: { values: curves },
        mark: { type: "line", clip: true },
        encoding: { x, y: { ...y, field: "fit" }, color },
      },
      {
        data: { values: points },
        mark: { type: "point", clip: true },
        encoding: { x, y: { ...y, field: "score" }, color, shape },
      },
    ],
    ...(single ? { title: names[0]! } : {}),
  };
  return spec;
}

/** Evenly spaced pairs, few enough to be told apart. */
function thinned(pairs: readonly Pair[]): Pair[] {
  const every = Math.ceil(pairs.length / MOST_POINTS);
  return pairs.filter((_, i) => i % every === 0);
}

function curve({ name, fit, pairs }: LawSeries, scale: number) {
  const entropies = pairs.map(({ entropy }) => Math.log(entropy));
  const [low, high] = [min(entropies), max(entropies)];
  return Array.from({ length: CURVE_POINTS }, (_, i) => {
    const entropy = Math.exp(low + ((high - low) * i) / (CURVE_POINTS - 1));
    const [lower, upper] = fit.bootstrap.interval(1, Math.exp(entropy));
    return {
      run: name,
      entropy,
      fit: scale * lawAt(fit, entropy),
      low: scale * lower,
      high: scale * upper,
    };
  });
}
