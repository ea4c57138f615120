/**
 * Figure 5: the law of the first 15 % of training predicts the accuracy of the rest, within 0.9 points on math and 1.2 on
 * code (RMSE), 0.5 and 1.9 at the end, for four sizes of Qwen2.5.
 */
import { max, mean, min } from "simple-statistics";
import type { Figure, Measurement } from "../analysis/figures/figure.ts";
import { POINT_TOOLTIP } from "../analysis/figures/law_panel.ts";
import { COLOURS, DASHES } from "../analysis/figures/theme.ts";
import type { Pair } from "../analysis/pairs.ts";
import { PAPER_ENTROPY } from "../analysis/paper_data.ts";
import { FIRST_15_PERCENT, splitPairs } from "../analysis/prediction.ts";
import { fitRival } from "../analysis/rivals.ts";
import { counted } from "../formats/counted.ts";
import { LAB_ACCURACY, labFigure } from "./lab_figure.ts";
import { BASE_MODEL_NAMES } from "./lab/families.ts";
import { plainRuns, sizeOf } from "./plain_runs.ts";
import { gradientStep, partOf, readStudyLogs, type StudyLog, type StudyLogs } from "./study_log.ts";

/** The tasks, with the paper's errors in points. */
const TASKS = [
  { task: "math", paper: { rmse: "0.9", end: "0.5" } },
  { task: "code", paper: { rmse: "1.2", end: "1.9" } },
] as const;

/** GRPO: the counterparts of all 11 models, on math and on code. */
export const RUNS = TASKS.flatMap(({ task }) => plainRuns(BASE_MODEL_NAMES, task));

/** The models of the paper's figure. */
const PAPERS: readonly string[] = ["qwen2.5-1.5b", "qwen2.5-3b", "qwen2.5-7b", "qwen2.5-32b"];

/** What predicts: the law, and as a rival that knows no entropy a sigmoid in the step. */
const FORMS = [
  { form: "law", label: "law of the entropy", colour: COLOURS[0]! },
  { form: "sigmoid", label: "sigmoid in the step", colour: COLOURS[1]! },
] as const;

/** The parts of a line. */
const [FITTED, PREDICTED] = ["fitted", "predicted"] as const;

/** Figure 5, from the logs that are there. */
export async function drawFigure5(): Promise<Figure[]> {
  return figure5(await readStudyLogs(RUNS));
}

/** Figure 5, from logs: a picture for each task. */
export function figure5(study: StudyLogs): Figure[] {
  return TASKS.flatMap(({ task, paper }) => {
    const own = partOf(study, (settings) => settings.task === task);
    const shown = PAPERS.flatMap((model) =>
      own.logs.find(({ run }) => run.settings.model === model) ?? []
    );
    if (shown.length === 0) return [];
    return [labFigure(own, {
      id: `fig05_${task}_lab`,
      title: `Figure 5 in the lab, ${task}`,
      caption:
        `Test accuracy over training (points, one seed) of the counterparts of the four models of the paper's figure, and what the first 15 % of training (left of the vertical line) make of it: the law, which knows the entropy of each step, and a sigmoid in the step, which does not. Lines are solid over the points that they were fitted to, dashed where they predict; where one leaves the panel, it is beyond the points by more than their own range. Numbers are of all models. ${PAPER_ENTROPY} ${LAB_ACCURACY}`,
      spec: {
        columns: 2,
        spacing: 20,
        concat: shown.map(panelOf),
      },
      measurements: measure(own.logs, paper),
    })];
  });
}

/** How far one form's prediction of a part of a run from the other is off, in points. */
export interface Outcome {
  /** Root mean square over all that is predicted. */
  readonly rmse: number;
  /** At the far end, without its sign: the last pair, or the first in reverse. */
  readonly end: number;
}

/** What the pairs of a portion predict of the others; undefined if they cannot be fitted. */
function predict(
  { pairs }: StudyLog,
  form: "law" | "sigmoid",
  isReverse: boolean,
): Outcome | undefined {
  const { fitted, rest } = splitPairs(pairs, FIRST_15_PERCENT, isReverse);
  const at = fitRival(form, fitted);
  if (at === undefined || rest.length === 0) return undefined;
  const errors = rest.map((pair) => 100 * (at(pair) - pair.score));
  return {
    rmse: Math.sqrt(mean(errors.map((error) => error ** 2))),
    end: Math.abs(isReverse ? errors[0]! : errors.at(-1)!),
  };
}

/** How far a form that is fitted to 15 % of training is off in the rest, for each model the mean over its seeds. */
export function predictionErrors(
  logs: readonly StudyLog[],
  form: "law" | "sigmoid",
  isReverse: boolean,
): (Outcome & { readonly model: string })[] {
  const models = Array.from(Map.groupBy(logs, ({ run }) => run.settings.model));
  return models.flatMap(([model, own]) => {
    const all = own.flatMap((log) => predict(log, form, isReverse) ?? []);
    if (all.length === 0) return [];
    return [{ model, rmse: mean(all.map(({ rmse }) => rmse)), end: mean(all.map((o) => o.end)) }];
  });
}

function measure(
  logs: readonly StudyLog[],
  paper: { readonly rmse: string; readonly end: string },
): Measurement[] {
  const directions = [
    { isReverse: false, words: "first 15 % predict the rest" },
    { isReverse: true, words: "last 15 % predict the rest" },
  ];
  return directions.flatMap(({ isReverse, words }) =>
    FORMS.flatMap(({ form, label }) => {
      const isPapers = form === "law" && !isReverse;
      const outcomes = predictionErrors(logs, form, isReverse);
      const four = outcomes.filter(({ model }) => PAPERS.includes(model));
      return (["rmse", "end"] as const).map((error) => ({
        quantity: `${words}, ${label}: ${
          error === "rmse" ? "RMSE" : isReverse ? "error at the first step" : "error at the end"
        } (points)`,
        ...(isPapers ? { paper: `${paper[error]} (4 models)` } : {}),
        measured: outcomes.length === 0 ? "cannot be fitted" : [
          `${summary(outcomes.map((own) => own[error]))} over ${counted(outcomes.length, "model")}`,
          ...(four.length > 0
            ? [`${points(mean(four.map((own) => own[error])))} over the paper's ${four.length}`]
            : []),
        ].join("; "),
      }));
    })
  );
}

function summary(values: readonly number[]): string {
  const own = [...values];
  return `mean ${points(mean(own))}, ${points(min(own))} to ${points(max(own))}`;
}

/** An error in points; beyond the whole scale of accuracies its size says nothing. */
function points(error: number): string {
  return error > 100 ? "over 100" : error.toFixed(1);
}

function panelOf(log: StudyLog) {
  const { pairs, run } = log;
  const { fitted } = splitPairs(pairs, FIRST_15_PERCENT, false);
  const end = fitted.at(-1)!.step;
  const scores = pairs.map(({ score }) => 100 * score);
  const range = max(scores) - min(scores);
  const domain = [min(scores) - 0.1 * range, max(scores) + 0.25 * range];
  const point = ({ step, entropy, score }: Pair) => ({
    run: run.name,
    step,
    gradient: gradientStep(log, step),
    H: entropy,
    R: 100 * score,
  });
  const lines = FORMS.flatMap(({ form, label }) => {
    const at = fitRival(form, fitted);
    if (at === undefined) return [];
    const curve = pairs.map((pair) => ({ ...point({ ...pair, score: at(pair) }), form: label }));
    // Both stretches have the point at which they meet.
    return [
      ...curve.filter(({ step }) => step <= end).map((row) => ({ ...row, part: FITTED })),
      ...curve.filter(({ step }) => step >= end).map((row) => ({ ...row, part: PREDICTED })),
    ];
  });
  const x = {
    field: "gradient",
    type: "quantitative" as const,
    title: "Gradient step",
    scale: { nice: false },
    axis: { tickCount: 4 },
  };
  const y = {
    field: "R",
    type: "quantitative" as const,
    title: "Test accuracy (%)",
    scale: { domain, nice: false, zero: false },
    axis: { tickCount: 5 },
  };
  const legend = { title: null, symbolType: "stroke", symbolSize: 200, symbolStrokeWidth: 1.6 };
  return {
    width: 145,
    height: 130,
    title: `Qwen2.5 ${sizeOf(run.settings.model)}`,
    layer: [
      {
        data: { values: [{ gradient: gradientStep(log, end) }] },
        mark: { type: "rule" as const, color: "#888" },
        encoding: { x },
      },
      {
        data: { values: pairs.map(point) },
        mark: { type: "point" as const, color: "#777", size: 9 },
        encoding: { x, y, tooltip: POINT_TOOLTIP },
      },
      {
        data: { values: lines },
        mark: { type: "line" as const, clip: true, strokeWidth: 1.3 },
        encoding: {
          x,
          y,
          color: {
            field: "form",
            type: "nominal" as const,
            scale: {
              domain: FORMS.map(({ label }) => label),
              range: FORMS.map(({ colour }) => colour),
            },
            legend,
          },
          strokeDash: {
            field: "part",
            type: "nominal" as const,
            scale: { domain: [FITTED, PREDICTED], range: [DASHES.solid, DASHES.predicted] },
            legend: { ...legend, symbolStrokeColor: "#111" },
          },
        },
      },
    ],
  };
}
