import { max, min } from "simple-statistics";
import { evenlyThinned } from "../effort.ts";
import type { FindingMark } from "../finding.ts";
import { printable } from "../../formats/printable.ts";
import type { Series } from "../readers/series.ts";
import type { FigureSpec } from "./draw.ts";
import { COLOURS } from "./theme.ts";
import { stepText } from "../step_text.ts";

/** One metric over the step. */
export interface CoursePanel {
  /** The axis' title, with the unit. */
  readonly title: string;
  /** The values. */
  readonly series: Series;
}

/** What is drawn of a run. */
export interface CourseFigure {
  /** What stands above it. */
  readonly title: string;
  /** What is said of the run as a whole: lines below the title. */
  readonly verdict?: string | undefined;
  /** From top to bottom, at least one. */
  readonly panels: readonly CoursePanel[];
  /** Steps that findings are about: numbered lines through all panels, named below the title. */
  readonly marks: readonly FindingMark[];
  /** What is drawn beside them, such as the law. */
  readonly beside?: FigureSpec | undefined;
}

/** Values of a panel that are drawn, evenly spaced ones of more. */
const MOST_VALUES = 1000;
/** With no more values than this, each is drawn as a point. */
const FEW_VALUES = 60;
/** More marks than this hide the curves. */
const MOST_MARKS = 8;
/** Numbers of marks nearer than this share of the axis would cover each other, and stand below one another. */
const NEAR = 0.035;
/** Vega's axes fail near the largest float. */
const LARGEST_DRAWN = 1e300;
const [PANEL_HEIGHT, NUMBER_HEIGHT] = [80, 11];
const LONGEST_TITLE = 90;

/** The courses of a run's metrics over the step, with its findings marked, and a figure beside them. */
export function courseFigure(
  { title, verdict, panels, marks, beside }: CourseFigure,
): FigureSpec {
  const shown = marks.toSorted((left, right) => left.step - right.step).slice(0, MOST_MARKS);
  const steps = [
    ...panels.flatMap(({ series }) => [series.steps[0]!, series.steps.at(-1)!]),
    ...shown.map(({ step }) => step),
  ];
  const domain = [min(steps), max(steps)] as const;
  const rows = numbered(shown, domain[1] - domain[0]);
  const columns = panels.map((panel, i) =>
    panelSpec(panel, { domain, rows, isFirst: i === 0, isLast: i === panels.length - 1 })
  );
  const courses = { vconcat: columns, spacing: 8 };
  const subtitle = [...(verdict === undefined ? [] : wrapped(verdict)), ...captionOf(rows)];
  return {
    title: {
      text: printable(title, LONGEST_TITLE),
      ...(subtitle.length === 0 ? {} : { subtitle, subtitleFontSize: 10 }),
    },
    ...(beside === undefined ? courses : { hconcat: [courses, beside], spacing: 30 }),
  };
}

/** A mark with its number and the row that this stands in. */
interface NumberedMark extends FindingMark {
  number: string;
  row: number;
}

function numbered(marks: readonly FindingMark[], span: number): NumberedMark[] {
  const lastOfRow: number[] = [];
  return marks.map((mark, i) => {
    const free = lastOfRow.findIndex((step) => mark.step - step > NEAR * span);
    const row = free < 0 ? lastOfRow.length : free;
    lastOfRow[row] = mark.step;
    return { ...mark, number: String(i + 1), row };
  });
}

/** Lines of at most so many characters, broken at spaces; what no three lines hold is cut off. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of printable(text, 3 * LONGEST_TITLE).split(" ")) {
    const line = lines.at(-1);
    if (line === undefined || line.length + word.length >= LONGEST_TITLE) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

/** Two marks a line. */
function captionOf(rows: readonly NumberedMark[]): string[] {
  const texts = rows.map(({ number, label, step }) =>
    `${number} ${label} (step ${stepText(step)})`
  );
  return texts.flatMap((_, i) => i % 2 === 0 ? [texts.slice(i, i + 2).join(" · ")] : []);
}

function panelSpec(
  { title, series }: CoursePanel,
  { domain, rows, isFirst, isLast }: {
    domain: readonly [number, number];
    rows: readonly NumberedMark[];
    isFirst: boolean;
    isLast: boolean;
  },
) {
  const values = evenlyThinned(
    Array.from(series.steps, (step, i) => ({ step, value: drawable(series.values[i]!) })),
    MOST_VALUES,
  );
  const x = {
    field: "step",
    type: "quantitative",
    scale: { domain, nice: false, zero: false },
    axis: isLast
      ? { title: "Step", grid: false, tickCount: 6, labelSeparation: 4 }
      : { title: null, labels: false, ticks: false, grid: false },
  };
  const y = { field: "value", type: "quantitative", title, scale: { zero: false } };
  const largest = max(values.map(({ value }) => Math.abs(value)));
  const format = largest < 1e7 ? {} : { format: "~g" };
  const axis = { axis: { tickCount: 4, titleFontSize: 9.5, ...format } };
  const color = { value: COLOURS[0] };
  return {
    width: 300,
    height: PANEL_HEIGHT,
    layer: [
      {
        data: { values: rows },
        mark: { type: "rule", strokeDash: [3, 3], strokeWidth: 1 },
        encoding: { x, color: { value: COLOURS[1] } },
      },
      {
        data: { values },
        mark: { type: "line", point: values.length <= FEW_VALUES },
        encoding: { x, y: { ...y, ...axis }, color },
      },
      ...(isFirst
        ? [{
          data: { values: rows.map((mark) => ({ ...mark, y: 4 + mark.row * NUMBER_HEIGHT })) },
          mark: { type: "text", fontWeight: "bold", align: "left", dx: 2 },
          encoding: {
            x,
            y: { field: "y", type: "quantitative", scale: null, axis: null },
            text: { field: "number" },
            color: { value: COLOURS[1] },
          },
        }]
        : []),
    ],
    ...(isFirst ? { resolve: { scale: { y: "independent" } } } : {}),
  };
}

function drawable(value: number): number {
  return Math.max(-LARGEST_DRAWN, Math.min(LARGEST_DRAWN, value));
}
