/**
 * Figure 7: a and b of the law grow log-linearly with the size of the model, on math and on code, so the coefficients of a
 * larger model can be told from smaller ones.
 */
import { max, min } from "simple-statistics";
import type { Figure, Measurement } from "../analysis/figures/figure.ts";
import { COLOURS, CROSS, DASHES } from "../analysis/figures/theme.ts";
import { type FittedRuns, identifiedLaw } from "../analysis/fit_runs.ts";
import type { LawFit } from "../analysis/law.ts";
import { fitLogLinear } from "../analysis/log_linear.ts";
import { PAPER_ENTROPY, PAPER_SOURCE, QWEN_SIZES } from "../analysis/paper_data.ts";
import { fixed } from "../formats/minus.ts";
import { fitPaperPoints } from "./fig01_collapse.ts";
import { labFigure, lawsBy } from "./lab_figure.ts";
import { modelConfig, nonEmbeddingParameters } from "./lab/families.ts";
import { plainRuns, QWEN, sizeOf } from "./plain_runs.ts";
import { partOf, readStudyLogs, type StudyLog, type StudyLogs } from "./study_log.ts";

const TASKS = ["math", "code"] as const;

/** GRPO: the five sizes of Qwen2.5, on math and on code. */
export const RUNS = TASKS.flatMap((task) => plainRuns(QWEN, task));

const COEFFICIENTS = ["a", "b"] as const;
/** A coefficient of the law. */
export type Coefficient = typeof COEFFICIENTS[number];

/** A size of Qwen2.5 with its law. */
export interface SizedLaw {
  /** Such as `7B`. */
  readonly model: string;
  /** Parameters without embeddings, in the unit of the axis. */
  readonly size: number;
  /** The law. */
  readonly law: LawFit;
  /** The paper's own line, where the law is of the paper's points. */
  readonly paper?: { readonly a: number; readonly b: number };
}

/** What the figure says of its lines, in every variant. */
const LINES =
  "A straight line in log size goes through all models (solid); another through all but the largest is drawn on to it (dashed), with its 95 % interval there, cut off where it leaves the picture; where two models are left there is none. Bars are the 95 % intervals of the fits.";

/** Figure 7, from our fits to the paper's digitised points and from the logs that are there. */
export async function drawFigure7(): Promise<Figure[]> {
  return figure7(await readStudyLogs(RUNS));
}

/** Figure 7, from our fits to the paper's digitised points and from logs. */
export function figure7(study: StudyLogs): Figure[] {
  const models = fitPaperPoints();
  const paper = models.flatMap((model) =>
    sized(model, QWEN_SIZES[model.name]!).map((one) => ({ ...one, paper: model.paper }))
  );
  return [
    {
      id: "fig07_math",
      title: "Figure 7, math",
      caption:
        `The coefficients of R = −a·exp(H) + b over the model's size (parameters without embeddings, log scale): our fits to the paper's points with 95 % intervals, and the values of the paper's own lines (crosses). ${LINES} ${PAPER_ENTROPY}`,
      source: PAPER_SOURCE,
      spec: scalingSpec(paper, "Parameters (billions)"),
      measurements: COEFFICIENTS.flatMap((name) => measure(name, paper)),
    },
    ...TASKS.flatMap((task) => ofTask(study, task)),
  ];
}

/** The law of a model as far as it is identified. */
function sized(runs: FittedRuns, size: number): SizedLaw[] {
  const law = identifiedLaw(runs);
  return law === undefined ? [] : [{ model: runs.name, size, law }];
}

/** The laws of the sizes of Qwen2.5 in some logs as far as they are identified; sizes in thousands of parameters. */
export function sizedLaws(logs: readonly StudyLog[]): SizedLaw[] {
  return QWEN.flatMap((model) =>
    lawsBy(logs.filter(({ run }) => run.settings.model === model), () => sizeOf(model))
      .flatMap((runs) => sized(runs, nonEmbeddingParameters(modelConfig(model)) / 1000))
  );
}

function ofTask(study: StudyLogs, task: string): Figure[] {
  const own = partOf(study, (settings) => settings.task === task);
  const identified = sizedLaws(own.logs);
  if (identified.length < 2) return [];
  const left = new Set(own.logs.map(({ run }) => sizeOf(run.settings.model)));
  const sizes = left.size;
  for (const { model } of identified) left.delete(model);
  const leftOut = left.size === 0
    ? ""
    : ` Left out, because their points do not tell the law: ${[...left].join(", ")}.`;
  return [labFigure(own, {
    id: `fig07_${task}_lab`,
    title: `Figure 7 in the lab, ${task}`,
    caption:
      `The same coefficients for the counterparts of Qwen2.5 on ${task}, one law for all seeds of a model, with 95 % intervals; sizes are 1 : 100,000 of the paper's. ${LINES}${leftOut} ${PAPER_ENTROPY}`,
    spec: scalingSpec(identified, "Parameters (thousands)"),
    measurements: [{
      quantity: "sizes whose law is identified",
      paper: "all 5",
      measured: `${identified.length} of ${sizes}`,
    }, ...COEFFICIENTS.flatMap((name) => measure(name, identified))],
  })];
}

/** Of a or b: the line through all models, the one through all but the largest, and what that says of the largest. */
export function linesOf(name: Coefficient, models: readonly SizedLaw[]) {
  const values = models.map(({ size, law }) => ({ size, value: law[name] }))
    .sort((left, right) => left.size - right.size);
  const largest = values.at(-1)!;
  return {
    all: fitLogLinear(values),
    smaller: fitLogLinear(values.slice(0, -1)),
    smallest: values[0]!,
    largest,
  };
}

function measure(name: Coefficient, models: readonly SizedLaw[]): Measurement[] {
  const { all, smaller, largest } = linesOf(name, models);
  if (all === undefined || smaller === undefined) return [];
  const interval = smaller.intervalAt(largest.size);
  const { model } = models.find(({ size }) => size === largest.size)!;
  const inside = interval !== undefined && interval[0] <= largest.value &&
    largest.value <= interval[1];
  return [
    {
      quantity: `${name}: growth per tenfold size; R² of the log-linear fit`,
      paper: "log-linear; no numbers",
      measured: `${fixed(all.perDecade, 4)}; ${fixed(all.r2, 3)}`,
    },
    {
      quantity: `${name} of ${model}, told from the ${models.length - 1} smaller models`,
      paper: "can be predicted; no numbers",
      measured: `${fixed(smaller.at(largest.size), 3)}${
        interval === undefined ? "" : ` [${fixed(interval[0], 3)}, ${fixed(interval[1], 3)}]`
      }; fitted to its own points: ${fixed(largest.value, 3)}${
        interval === undefined ? "" : inside ? ", within" : ", outside"
      }`,
    },
  ];
}

const [OUR_FIT, PAPERS_LINE] = ["our fit", "the paper's line"] as const;
const [THROUGH_ALL, FROM_SMALLER] = ["through all", "from all but the largest"] as const;

const LINE_LOOKS = {
  [THROUGH_ALL]: { dash: DASHES.solid, colour: COLOURS[0]! },
  [FROM_SMALLER]: { dash: DASHES.predicted, colour: COLOURS[1]! },
};

function scalingSpec(models: readonly SizedLaw[], sizeTitle: string): Figure["spec"] {
  const sizes = models.map(({ size }) => size);
  const domain: [number, number] = [min(sizes) / 3, 1.5 * max(sizes)];
  return {
    hconcat: COEFFICIENTS.map((name) => panel(name, models, { title: sizeTitle, domain })),
    spacing: 24,
  };
}

function panel(
  name: Coefficient,
  models: readonly SizedLaw[],
  axis: { readonly title: string; readonly domain: [number, number] },
) {
  const rows = models.map(({ model, size, law }) => ({
    model,
    size,
    value: law[name],
    low: law.interval[name][0],
    high: law.interval[name][1],
  }));
  const points = models.flatMap(({ model, size, law, paper }) => [
    { model, size, value: law[name], source: OUR_FIT },
    ...(paper === undefined ? [] : [{ model, size, value: paper[name], source: PAPERS_LINE }]),
  ]);
  const sources = points.some(({ source }) => source === PAPERS_LINE)
    ? [OUR_FIT, PAPERS_LINE]
    : [OUR_FIT];
  const { all, smaller, smallest, largest } = linesOf(name, models);
  const lineNames = [
    ...(all === undefined ? [] : [THROUGH_ALL]),
    ...(smaller === undefined ? [] : [FROM_SMALLER]),
  ];
  const lines = [
    ...(all === undefined ? [] : axis.domain.map((size) => ({
      size,
      value: all.at(size),
      line: THROUGH_ALL,
    }))),
    ...(smaller === undefined ? [] : [smallest.size, largest.size].map((size) => ({
      size,
      value: smaller.at(size),
      line: FROM_SMALLER,
    }))),
  ];
  const interval = smaller?.intervalAt(largest.size);
  const x = {
    field: "size",
    type: "quantitative" as const,
    title: axis.title,
    scale: { type: "log" as const, domain: axis.domain, nice: false },
    axis: {
      values: [0.3, 1, 3, 10, 30, 100, 300].filter((tick) =>
        axis.domain[0] <= tick && tick <= axis.domain[1]
      ),
      format: "~g",
    },
  };
  // What is told of the largest may be as good as nothing: the axis follows the models.
  const shown = [
    ...rows.flatMap(({ low, high }) => [low, high]),
    ...lines.map(({ value }) => value),
  ];
  const margin = 0.15 * (max(shown) - min(shown));
  const y = (field: string) => ({
    field,
    type: "quantitative" as const,
    title: `Coefficient ${name}`,
    scale: { domain: [min([0, ...shown]), max(shown) + margin], nice: false },
    axis: { tickCount: 5 },
  });
  const [colour, prediction] = [COLOURS[0]!, COLOURS[1]!];
  const source = { field: "source", type: "nominal" as const, legend: { title: null } };
  const dashed = { field: "line", type: "nominal" as const };
  const lineLegend = { title: null, symbolType: "stroke", symbolSize: 200, symbolStrokeWidth: 1.6 };
  return {
    width: 145,
    height: 150,
    layer: [
      {
        data: { values: lines },
        mark: { type: "line" as const, strokeWidth: 1.2 },
        encoding: {
          x,
          y: y("value"),
          strokeDash: {
            ...dashed,
            scale: {
              domain: lineNames,
              range: lineNames.map((name) => LINE_LOOKS[name].dash),
            },
            legend: lineLegend,
          },
          stroke: {
            ...dashed,
            scale: { domain: lineNames, range: lineNames.map((name) => LINE_LOOKS[name].colour) },
            legend: lineLegend,
          },
        },
      },
      ...(interval === undefined ? [] : [{
        data: { values: [{ size: 1.12 * largest.size, low: interval[0], high: interval[1] }] },
        mark: {
          type: "rule" as const,
          clip: true,
          color: prediction,
          strokeWidth: 1.4,
          strokeDash: DASHES.predicted,
        },
        encoding: { x, y: y("low"), y2: { field: "high" } },
      }]),
      {
        data: { values: rows },
        mark: { type: "rule" as const, color: colour, strokeWidth: 1.2 },
        encoding: { x, y: y("low"), y2: { field: "high" } },
      },
      {
        data: { values: points },
        mark: { type: "point" as const, filled: false, size: 45, strokeWidth: 1.4, opacity: 1 },
        encoding: {
          x,
          y: y("value"),
          shape: { ...source, scale: { domain: sources, range: ["circle", CROSS] } },
          color: { ...source, scale: { domain: sources, range: [colour, "#111"] } },
          tooltip: [
            { field: "model", type: "nominal" as const },
            { field: "value", type: "quantitative" as const, format: ".4f", title: name },
          ],
        },
      },
      // White around the names keeps them legible where lines pass.
      ...[{ stroke: "white", strokeWidth: 3 }, {}].map((halo) => ({
        data: { values: rows },
        mark: {
          type: "text" as const,
          dy: -8,
          dx: -6,
          align: "right" as const,
          fontSize: 9,
          ...halo,
        },
        encoding: { x, y: y("value"), text: { field: "model", type: "nominal" as const } },
      })),
    ],
  };
}
