import type { TopLevelSpec } from "vega-lite";
import type { PositionFieldDef } from "vega-lite/types_unstable/channeldef.js";
import type { CovarianceReport } from "../tokens/covariance_report.ts";
import { printable } from "../../formats/printable.ts";
import { SYMLOG_CONSTANT } from "../tokens/histogram.ts";
import type { FigureSpec } from "./draw.ts";
import { COLOURS, logTicks } from "./theme.ts";

/** Where the bars of a logarithmic axis of counts begin: below one token. */
const BASE = 0.5;
/** Characters that the title has room for. */
const LONGEST_TITLE = 60;

/**
 * The histogram of the token covariances of one batch, with the bounds of Clip-Cov and the threshold of
 * KL-Cov where they lie within it: counts on a logarithmic axis and covariance on a symmetric logarithmic
 * one, because the few tokens of the tail are what both methods are about.
 */
export function covarianceFigure(name: string, report: CovarianceReport): FigureSpec {
  const { edges, counts } = report.histogram;
  // Room for a bin on both sides keeps the outermost bars off the axis.
  const lowest = 2 * edges[0]! - edges[1]!;
  const highest = 2 * edges.at(-1)! - edges.at(-2)!;
  const bars = counts
    .map((count, i) => ({ from: edges[i]!, to: edges[i + 1]!, count }))
    .filter(({ count }) => count > 0);
  const most = Math.max(...counts);
  const marks = marksOf(report);
  const inside = marks.filter(({ at }) => at !== null && at >= lowest && at <= highest);
  const meanings = Array.from(new Set(marks.map(({ meaning }) => meaning)));
  const x: PositionFieldDef<string> = {
    type: "quantitative",
    title: "Covariance of the token (nats, symmetric log scale)",
    scale: { type: "symlog", constant: SYMLOG_CONSTANT, domain: [lowest, highest], nice: false },
    axis: { values: ticks(lowest, highest), labelExpr: label(lowest, highest), grid: false },
  };
  const y: PositionFieldDef<string> = {
    type: "quantitative",
    title: "Response tokens (log scale)",
    scale: { type: "log", domain: [BASE, most * 1.5], nice: false },
    axis: { values: logTicks(1, most, most < 100 ? [1, 2, 5] : [1]), format: "~s" },
  };
  const mark = {
    field: "meaning",
    type: "nominal",
    legend: { title: null, columns: 1, labelLimit: 320, symbolType: "stroke", symbolSize: 160 },
  } as const;
  const spec: TopLevelSpec = {
    title: printable(name, LONGEST_TITLE),
    layer: [
      {
        data: { values: bars },
        mark: { type: "rect", color: COLOURS[0]!, opacity: 0.75 },
        encoding: {
          x: { ...x, field: "from" },
          x2: { field: "to" },
          y: { ...y, field: "count" },
          y2: { datum: BASE },
        },
      },
      {
        data: { values: inside },
        mark: { type: "rule", strokeWidth: 1.5 },
        encoding: {
          x: { ...x, field: "at" },
          color: { ...mark, scale: { domain: meanings, range: [COLOURS[1]!, COLOURS[6]!] } },
          strokeDash: { ...mark, scale: { domain: meanings, range: [[1, 0], [4, 3]] } },
        },
      },
    ],
  };
  return spec;
}

/** Lines of the picture, each with what the legend says of it. */
function marksOf({ klCov, clipCov }: CovarianceReport): { at: number | null; meaning: string }[] {
  const kl = klCov.threshold === null
    ? "KL-Cov selects none"
    : `KL-Cov selects ${tokens(klCov.selected)} from ${rounded(klCov.threshold)} up`;
  const clip = `Clip-Cov selects ${clipCov.selected} of ${tokens(clipCov.candidates)} between ` +
    `${rounded(clipCov.covarianceLow)} and ${rounded(clipCov.covarianceHigh)}`;
  return [
    { at: klCov.threshold, meaning: kl },
    { at: clipCov.covarianceLow, meaning: clip },
    { at: clipCov.covarianceHigh, meaning: clip },
  ];
}

function tokens(count: number): string {
  return count === 1 ? "1 token" : `${count} tokens`;
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** Within this distance from 0 the scale is nearly linear. */
const LINEAR = 2 * SYMLOG_CONSTANT;

const MOST_DECADES = 6;

/** Ticks of the covariance axis: 0 and the decades on both sides, or round steps where all is near 0. */
function ticks(lowest: number, highest: number): number[] {
  const size = Math.max(-lowest, highest);
  if (size < LINEAR) return tickSteps(lowest, highest);
  // As many as there is room for.
  const every = Math.max(1, Math.ceil(Math.log10(size) / MOST_DECADES));
  const sizes = logTicks(size <= 3 ? SYMLOG_CONSTANT : 1, size, size <= 30 ? [1, 3] : [1])
    .filter((_, i) => i % every === 0);
  if (size > 3 && size <= 1000) sizes.push(SYMLOG_CONSTANT);
  return [0, ...sizes.flatMap((tick) => [-tick, tick])]
    .filter((tick) => tick >= lowest && tick <= highest);
}

/** Vega's expression for the labels of the ticks: plain digits unless they would be many. */
function label(lowest: number, highest: number): string {
  const size = Math.max(-lowest, highest);
  const format = size < 1e-3 || size >= 1e5 ? "~e" : "~r";
  return `datum.value === 0 ? "0" : format(datum.value, "${format}")`;
}

/** About five round numbers in a range. */
function tickSteps(lowest: number, highest: number): number[] {
  const rough = (highest - lowest) / 5;
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((digit) => digit * decade >= rough)! * decade;
  const ticks: number[] = [];
  for (let i = Math.ceil(lowest / step); i * step <= highest; i++) {
    ticks.push(Number((i * step).toPrecision(3)));
  }
  return ticks;
}
