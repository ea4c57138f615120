import { max, min } from "simple-statistics";
import type { TopLevelSpec } from "vega-lite";
import type { PositionFieldDef } from "vega-lite/types_unstable/channeldef.js";
import { evenlyThinned } from "../effort.ts";
import { UserError } from "../../formats/errors.ts";
import { lawAt, type LawCurve, type LawFit } from "../law.ts";
import type { Pair } from "../pairs.ts";
import { printable } from "../../formats/printable.ts";
import type { FigureSpec } from "./draw.ts";
import { entropyTicks, logTicks, seriesLook } from "./theme.ts";

/** One run in a picture of the law. */
export interface LawSeries {
  /** What the legend says; escaped and shortened, and numbered where another run is called the same. */
  readonly name: string;
  /** The points. */
  readonly pairs: readonly Pair[];
  /** The curve and its band. */
  readonly fit: LawFit;
  /** The law of one part of the run, which predicts the other. */
  readonly predicted?: PredictedLaw | undefined;
}

/** A law that was fitted to some pairs of a run only. */
export interface PredictedLaw {
  /** The curve: dotted. */
  readonly curve: LawCurve;
  /** First and last step of the pairs it was fitted to, whose points are filled; the others are hollow. */
  readonly fittedSteps: readonly [number, number];
  /** What they are, in words: `the first 15 % of the steps`. */
  readonly part: string;
}

/** Of more runs than this the bands would cover each other, and the legend is set closer. */
const FEW_RUNS = 30;
/** Points of one run's curve, and the most of its pairs, among few runs and among many. */
const CURVE_POINTS = { few: 100, many: 40 };
const MOST_PAIRS = { few: 1000, many: 100 };
/** Points of all runs among many, of which each keeps two at least. */
const MOST_POINTS = 20_000;
/** Characters of a name that the legend and the title have room for. */
const LONGEST_NAME = 44;
const LONGEST_TITLE = 60;
/** A band and a predicted law leave the picture where they are beyond the points and the law by this share of their span. */
const MARGIN = 0.25;
const DOTTED = [1.5, 2.5];
/** Vega's axes fail near the largest float. */
const LARGEST_DRAWN = 1e300;

/**
 * Performance over entropy in the manner of the paper's Figure 1 right: entropy on a logarithmic,
 * reversed axis, so that training runs from left to right; points, the fitted law, and the pointwise
 * 95 % bootstrap band around it; of a run whose pairs do not identify the law, points alone, unless no
 * run identifies it: then the laws are dashed. At most a thousand pairs of a run are drawn, evenly spaced;
 * of more than thirty runs at most 100 each and 20,000 in all, and no band, which would hide the others.
 * Pairs whose entropy is not positive have no place on the axis, nor has a run without any other.
 * A law of one part of a run, which predicts the other part, is dotted, and the points of the other part are
 * hollow; among many runs neither is drawn.
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
  const single = series.length === 1;
  const crowd = series.length <= FEW_RUNS ? "few" : "many";
  const names = distinct(series.map(({ name }) => name), single ? LONGEST_TITLE : LONGEST_NAME);
  const mostPairs = crowd === "few"
    ? MOST_PAIRS.few
    : Math.max(2, Math.min(MOST_PAIRS.many, Math.floor(MOST_POINTS / series.length)));
  const points = series.flatMap(({ pairs, predicted }, i) =>
    evenlyThinned(pairs, mostPairs).map(({ step, entropy, score }) => ({
      run: names[i]!,
      entropy,
      score: drawable(scale * score),
      isPredicted: crowd === "few" && predicted !== undefined &&
        (step < predicted.fittedSteps[0] || step > predicted.fittedSteps[1]),
    }))
  );
  const [seen, others] = [false, true].map((isPredicted) =>
    points.filter((point) => point.isPredicted === isPredicted).map((
      { isPredicted: _, ...point },
    ) => point)
  );
  const largest = max(points.map(({ score }) => Math.abs(score)));
  const isOpen = series.every(({ fit }) => !fit.identified);
  const curves = series.flatMap((one, i) =>
    one.fit.identified || isOpen ? curve(one, names[i]!, scale, crowd) : []
  );
  const ahead = crowd === "few"
    ? series.flatMap(({ pairs, predicted }, i) =>
      predicted === undefined ? [] : entropiesAlong(pairs, CURVE_POINTS.few).map((entropy) => ({
        run: names[i]!,
        entropy,
        fit: drawable(scale * lawAt(predicted.curve, entropy)),
      }))
    )
    : [];
  const x: PositionFieldDef<string> = {
    field: "entropy",
    type: "quantitative",
    title: "Policy entropy (nats per token, log scale, reversed)",
    scale: { type: "log", domain: [low / 1.06, high * 1.06], reverse: true, nice: false },
    axis: { values: ticks(low / 1.06, high * 1.06), format: "~g", grid: true },
  };
  const y: PositionFieldDef<string> = {
    type: "quantitative",
    title: unit === "fraction" ? "Accuracy (%)" : "Score",
    scale: {
      zero: false,
      ...domainOf(
        [...points.map(({ score }) => score), ...curves.map(({ fit }) => fit)],
        [
          ...curves.flatMap((point) => "low" in point ? [point.low, point.high] : []),
          ...ahead.map(({ fit }) => fit),
        ].map((value) => unit === "fraction" ? Math.max(0, Math.min(scale, value)) : value),
      ),
    },
    ...(largest < 1e7 ? {} : { axis: { format: "~g" } }),
  };
  const order = {
    scale: { domain: names, range: names.map((_, i) => seriesLook(i).colour) },
  };
  const legend = single ? null : crowd === "few"
    ? {
      title: null,
      ...(names.some(isLong) ? { columns: 1, labelLimit: WIDEST_LABEL } : { columns: 3 }),
    }
    : crowdedLegend(names);
  const color = { field: "run", type: "nominal", ...order, legend } as const;
  const shape = {
    field: "run",
    type: "nominal",
    scale: { domain: names, range: names.map((_, i) => seriesLook(i).shape) },
    legend,
  } as const;
  // A layer for each curve and point, as a clip or an opacity asks for, costs seconds among many.
  const surface = crowd === "few" ? { clip: true } : { opacity: 1 };
  const spec: TopLevelSpec = {
    layer: [
      ...(crowd === "few"
        ? [
          {
            data: { values: curves },
            mark: { type: "area", opacity: 0.16, clip: true },
            encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color },
          } as const,
        ]
        : []),
      {
        data: { values: curves },
        mark: { type: "line", ...surface, ...(isOpen ? { strokeDash: [4, 4] } : {}) },
        encoding: { x, y: { ...y, field: "fit" }, color },
      },
      {
        data: { values: seen! },
        mark: { type: "point", ...surface },
        encoding: { x, y: { ...y, field: "score" }, color, shape },
      },
      ...(others!.length === 0 ? [] : [
        {
          data: { values: others! },
          mark: { type: "point", filled: false, strokeWidth: 1, clip: true },
          encoding: { x, y: { ...y, field: "score" }, color, shape },
        } as const,
      ]),
      ...(ahead.length === 0 ? [] : [
        {
          data: { values: ahead },
          mark: { type: "line", strokeDash: DOTTED, clip: true },
          encoding: { x, y: { ...y, field: "fit" }, color },
        } as const,
      ]),
    ],
    ...(ahead.length > 0
      ? { title: titleOfPredicted(single ? names[0]! : `${names.length} runs`, series) }
      : single
      ? { title: names[0]! }
      : {}),
  };
  return spec;
}

function curve({ fit, pairs }: LawSeries, run: string, scale: number, crowd: "few" | "many") {
  return entropiesAlong(pairs, CURVE_POINTS[crowd]).map((entropy) => {
    const point = { run, entropy, fit: drawable(scale * lawAt(fit, entropy)) };
    if (crowd === "many") return point;
    const [lower, upper] = fit.bootstrap.interval(1, Math.exp(entropy));
    return { ...point, low: drawable(scale * lower), high: drawable(scale * upper) };
  });
}

function titleOfPredicted(text: string, series: readonly LawSeries[]) {
  const [part] = series.flatMap(({ predicted }) => predicted === undefined ? [] : [predicted.part]);
  const subtitle = [
    `dotted: the law of ${part} (filled points),`,
    "which predicts the rest (hollow); the other line: the law of all",
  ];
  return { text, subtitle, subtitleFontSize: 10 };
}

/** Entropies from the lowest to the highest of a run, evenly spaced on the logarithmic axis. */
function entropiesAlong(pairs: readonly Pair[], count: number): number[] {
  const entropies = pairs.map(({ entropy }) => Math.log(entropy));
  const [low, high] = [min(entropies), max(entropies)];
  return Array.from(
    { length: count },
    (_, i) => Math.exp(low + ((high - low) * i) / (count - 1)) || Number.MIN_VALUE,
  );
}

/**
 * The part of the axis that is drawn, where what may leave it would press the points and the law together; else it is
 * left to Vega.
 */
function domainOf(
  needed: readonly number[],
  others: readonly number[],
): { domain?: [number, number]; nice?: true } {
  const [low, high] = [min(needed), max(needed)];
  const margin = MARGIN * (high - low);
  if (others.length === 0 || !(margin > 0)) return {};
  const [least, most] = [min(others), max(others)];
  if (least >= low - margin && most <= high + margin) return {};
  const domain: [number, number] = [
    Math.max(low - margin, Math.min(low, least)),
    Math.min(high + margin, Math.max(high, most)),
  ];
  return { domain, nice: true };
}

function drawable(value: number): number {
  return Math.max(-LARGEST_DRAWN, Math.min(LARGEST_DRAWN, value));
}

/** Names as they can be shown; one that would look like another before it gets a number. */
function distinct(names: readonly string[], longest: number): string[] {
  const taken = new Set<string>();
  const counts = new Map<string, number>();
  return names.map((name) => {
    const shown = printable(name, longest);
    let unique = shown;
    while (taken.has(unique)) {
      const count = (counts.get(shown) ?? 1) + 1;
      counts.set(shown, count);
      unique = `${shown} (${count})`;
    }
    taken.add(unique);
    return unique;
  });
}

/** Widths of the legend, of what stands beside a label and of a character, in units of the figure. */
const [LEGEND_WIDTH, SYMBOL_WIDTH, CHARACTER_WIDTH] = [350, 20, 5.6];

/** A legend of all of many names, in as many columns as stand side by side. */
function crowdedLegend(names: readonly string[]) {
  const longest = max(names.map(({ length }) => length));
  const columns = Math.floor(LEGEND_WIDTH / (SYMBOL_WIDTH + CHARACTER_WIDTH * longest));
  return {
    title: null,
    columns: Math.max(1, columns),
    columnPadding: 6,
    rowPadding: 0,
    symbolLimit: 0,
    labelLimit: WIDEST_LABEL,
  };
}

/** Names are short enough already; a limit would cut off the numbers that tell them apart. */
const WIDEST_LABEL = 600;

function isLong(name: string): boolean {
  return name.length > 24;
}

/** More ticks than this run into each other. */
const MOST_TICKS = 24;

/** Ticks of the entropy axis, fewer digits or decades where it spans many. */
function ticks(low: number, high: number): number[] {
  const all = entropyTicks(low, high);
  if (all.length <= MOST_TICKS) return all;
  const decades = logTicks(low, high, [1]);
  return decades.filter((_, i) => i % Math.ceil(decades.length / (MOST_TICKS / 2)) === 0);
}
