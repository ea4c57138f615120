import type { LegendLayout } from "vega";
import type { Config } from "vega-lite";

/**
 * The look of every figure: sized for one column of a paper (drawn at 300 units for 3.3 inches, so 10
 * units print as 8 points), and the colours of Okabe & Ito (2008), which stay apart for colour-blind
 * readers; series differ in shape or dash as well, for print without colour.
 */
export const theme: Config = {
  background: "white",
  font: "Arimo, Arial, Liberation Sans, Helvetica, sans-serif",
  padding: 8,
  view: { continuousWidth: 300, continuousHeight: 190, stroke: null },
  axis: {
    labelFontSize: 10,
    titleFontSize: 10.5,
    titleFontWeight: "normal",
    titlePadding: 7,
    labelColor: "#222",
    titleColor: "#222",
    domainColor: "#444",
    tickColor: "#444",
    tickSize: 4,
    gridColor: "#e4e4e4",
    labelPadding: 3,
  },
  legend: {
    labelFontSize: 10,
    titleFontSize: 10,
    titleFontWeight: "normal",
    labelColor: "#222",
    titleColor: "#222",
    orient: "bottom",
    columnPadding: 14,
    labelLimit: 260,
    symbolSize: 45,
    symbolStrokeWidth: 1.6,
    offset: 8,
    symbolOpacity: 1,
  },
  header: {
    labelFontSize: 10.5,
    labelFontWeight: "bold",
    labelColor: "#222",
    titleFontSize: 10.5,
    labelPadding: 4,
  },
  title: { fontSize: 11, fontWeight: "bold", color: "#222", anchor: "start", offset: 8 },
  point: { filled: true, size: 22, opacity: 0.8 },
  line: { strokeWidth: 1.6 },
  text: { fontSize: 10, color: "#222" },
};

/** Several legends under a figure stand below one another: a setting of Vega that Vega-Lite lacks. */
export const legendLayout: LegendLayout = {
  bottom: { direction: "vertical", anchor: "start", margin: 4 },
};

/** Colours for series, in the order in which they are handed out. */
export const COLOURS: readonly string[] = [
  "#0072B2", // blue
  "#D55E00", // vermilion
  "#009E73", // green
  "#CC79A7", // purple
  "#E69F00", // orange
  "#56B4E9", // sky
  "#000000",
];

/** Point shapes, paired with the colours. */
export const SHAPES: readonly string[] = [
  "circle",
  "square",
  "triangle-up",
  "diamond",
  "cross",
  "triangle-down",
  "triangle-right",
];

/** A cross as the path of a shape: what stands for a number of the paper's among ours. */
export const CROSS = "M-0.6,-0.6L0.6,0.6M-0.6,0.6L0.6,-0.6";

/** How much white the colours are mixed with when they are handed out again and again. */
const TINTS = [0, 0.35, 0.55, 0.7, 0.82];

/** Colour and shape of the series handed out as number i, from 0; the first 245 are told apart. */
export function seriesLook(i: number): { readonly colour: string; readonly shape: string } {
  const round = Math.floor(i / COLOURS.length);
  const tint = TINTS[Math.floor(round / SHAPES.length) % TINTS.length]!;
  return {
    colour: mixedWithWhite(COLOURS[i % COLOURS.length]!, tint),
    shape: SHAPES[(i + round) % SHAPES.length]!,
  };
}

function mixedWithWhite(colour: string, share: number): string {
  if (share === 0) return colour;
  const parts = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  const mixed = parts.map((part) => Math.round(part + share * (255 - part)));
  return `#${mixed.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/** Ticks of a logarithmic axis within a range: some digits, normally 1, 2 and 5, in each decade. */
export function logTicks(
  low: number,
  high: number,
  digits: readonly number[] = [1, 2, 5],
): number[] {
  const ticks: number[] = [];
  for (let decade = Math.floor(Math.log10(low)); decade <= Math.ceil(Math.log10(high)); decade++) {
    for (const digit of digits) {
      const tick = Number(`${digit}e${decade}`);
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  }
  return ticks;
}

/** Fewer ticks than the first leave an axis unreadable, more than the second fill it. */
const [FEWEST_TICKS, MOST_TICKS] = [4, 10];

/** The digits that are tried where 1, 2 and 5 are too few. */
const MORE_DIGITS = [
  [1, 1.5, 2, 3, 5, 7],
  [1, 1.2, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9],
];

/** Ticks of a logarithmic axis of entropies: as many in each decade as a narrow range needs. */
export function entropyTicks(low: number, high: number): number[] {
  const ticks = logTicks(low, high);
  if (ticks.length >= FEWEST_TICKS) return ticks;
  const more = MORE_DIGITS.map((digits) => logTicks(low, high, digits))
    .find(({ length }) => length >= FEWEST_TICKS);
  if (more !== undefined) return more;
  const tenths = logTicks(low, high, Array.from({ length: 90 }, (_, i) => (10 + i) / 10));
  return tenths.filter((_, i) => i % Math.ceil(tenths.length / MOST_TICKS) === 0);
}

/** Dashes mean one thing in all figures: dashed is what was predicted from other data than it passes by. */
export const DASHES = {
  /** Measured, or fitted to the points that the line passes. */
  solid: [1, 0],
  /** Predicted. */
  predicted: [4, 3],
};
