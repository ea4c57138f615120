import type { LayerSpec } from "vega-lite/types_unstable/spec/index.js";
import type { Field } from "vega-lite/types_unstable/channeldef.js";
import { segments } from "./segments.ts";

/** A number over training, of one kind of runs. */
export interface Course {
  /** What the legend says. */
  readonly series: string;
  /** Its colour. */
  readonly colour: string;
  /** The shape of the points on its line. */
  readonly shape: string;
  /** In order of their steps; `low` and `high` are the range over runs, where there are several. */
  readonly points: readonly CoursePoint[];
}

/** A point of a {@linkcode Course}. */
export interface CoursePoint {
  /** Where it is on the axis of steps. */
  readonly step: number;
  /** The number. */
  readonly value: number;
  /** Lower end of its band. */
  readonly low?: number;
  /** Upper end. */
  readonly high?: number;
}

/** Which panel {@linkcode coursePanel} draws. */
export interface CoursePanel {
  /** The number and its unit, for the vertical axis. */
  readonly quantity: string;
  /** What a step is; undefined where the panel below says so. */
  readonly steps: string | undefined;
  /** What stands above it. */
  readonly title?: string;
  /** Whether the vertical axis begins at 0. */
  readonly zero?: boolean;
  /** In units of the figure: 300 unless told. */
  readonly width?: number;
  /** 130 unless told. */
  readonly height?: number;
  /** Columns of its legend: 3 unless told. */
  readonly legendColumns?: number;
}

/** Points on a line, by which it is known without its colour. */
const MARKS = 8;

/** What {@linkcode coursePanel} draws, for captions. */
export const COURSE_BANDS = "Bands reach from the lowest to the highest seed, lines are means.";

/** Numbers over training, each kind of runs a line, broken where points are missing, with a band over its runs. */
export function coursePanel(courses: readonly Course[], panel: CoursePanel): LayerSpec<Field> {
  const names = courses.map(({ series }) => series);
  const legend = { title: null, columns: panel.legendColumns ?? 3 };
  const steps = courses.flatMap(({ points }) => points.map(({ step }) => step));
  const x = {
    field: "step",
    type: "quantitative" as const,
    title: panel.steps ?? null,
    scale: { domain: [0, Math.max(1, ...steps)], nice: false },
    axis: { tickCount: 5, labelSeparation: 8, labels: panel.steps !== undefined },
  };
  const y = {
    type: "quantitative" as const,
    title: panel.quantity,
    scale: { zero: panel.zero ?? false },
    // Panels over one another begin at the same place.
    axis: { tickCount: 5, minExtent: 34 },
  };
  const color = {
    field: "series",
    type: "nominal" as const,
    scale: { domain: names, range: courses.map(({ colour }) => colour) },
    legend,
  };
  const shape = { ...color, scale: { domain: names, range: courses.map(({ shape }) => shape) } };
  const rows = courses.flatMap(({ series, points }, nth) => {
    const every = Math.max(1, Math.ceil(points.length / MARKS));
    // Lines that lie on one another have their points side by side.
    const first = Math.floor((every * nth) / courses.length);
    return segments(points).map((point, i) => ({
      series,
      ...point,
      marked: i % every === first,
    }));
  });
  const bands = rows.filter(({ low }) => low !== undefined);
  const detail = { field: "segment" };
  return {
    ...(panel.title === undefined ? {} : { title: panel.title }),
    width: panel.width ?? 300,
    height: panel.height ?? 130,
    layer: [
      ...(bands.length === 0 ? [] : [{
        data: { values: bands },
        mark: { type: "area" as const, opacity: 0.16 },
        encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color, detail },
      }]),
      {
        data: { values: rows },
        mark: { type: "line", strokeWidth: 1.2 },
        encoding: { x, y: { ...y, field: "value" }, color, detail },
      },
      {
        data: { values: rows.filter(({ marked }) => marked) },
        mark: { type: "point", size: 20, opacity: 1 },
        encoding: {
          x,
          y: { ...y, field: "value" },
          color,
          shape,
          tooltip: [
            { field: "series", type: "nominal" },
            { field: "step", type: "quantitative" },
            { field: "value", type: "quantitative", format: ".4~f", title: panel.quantity },
          ],
        },
      },
    ],
  };
}
