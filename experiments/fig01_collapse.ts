/**
 * Figure 1. Left: without intervention, entropy is spent within the first few hundred steps, and
 * performance saturates with it. Right: R = −a·exp(H) + b holds for every Qwen2.5 size.
 */
import { max } from "simple-statistics";
import type { Figure, Measurement } from "../analysis/figures/figure.ts";
import {
  blackLines,
  LAW_PANEL_CAPTION,
  type LawAxes,
  lawAxes,
  lawCurve,
  lawPanel,
  POINT_TOOLTIP,
} from "../analysis/figures/law_panel.ts";
import { segments } from "../analysis/figures/segments.ts";
import { COLOURS } from "../analysis/figures/theme.ts";
import { fitRuns, type FittedRuns } from "../analysis/fit_runs.ts";
import { overRuns } from "../analysis/over_runs.ts";
import {
  type Band,
  bandOf,
  type Curve,
  PAPER_ENTROPY,
  PAPER_SOURCE,
  paperCurves,
  paperRows,
} from "../analysis/paper_data.ts";
import { sharesDone } from "../analysis/shares.ts";
import { fixed } from "../formats/minus.ts";
import { LAB_ACCURACY, labFigure, lawsBy, measureLaw } from "./lab_figure.ts";
import { plainRuns, QWEN, sizeOf } from "./plain_runs.ts";
import { gradientStep, partOf, readStudyLogs, type StudyLog, type StudyLogs } from "./study_log.ts";

/** GRPO without intervention on math: the five sizes of Qwen2.5, 7B and 32B by three seeds. */
export const RUNS = plainRuns(QWEN, "math");

/** The model of the left panels. */
const LEFT = "qwen2.5-7b";

/** Both panels of Figure 1, from the paper's digitised points and from the logs that are there. */
export async function drawFigure1(): Promise<Figure[]> {
  return figure1(await readStudyLogs(RUNS));
}

/** Figure 1, from the paper's digitised points and from logs. */
export function figure1(study: StudyLogs): Figure[] {
  return [...left(study), ...right(study)];
}

/** What the panels on the left show of one source. */
interface Collapse {
  readonly entropy: Curve;
  readonly entropyBand: Band;
  /** In percent. */
  readonly accuracy: Curve;
  readonly accuracyBand: Band;
  /** Single validations, for readers who point at them. */
  readonly points: readonly Readonly<Record<string, string | number>>[];
}

/** The largest values on the axes of the panels on the left, all of which begin at 0. */
interface CollapseAxes {
  readonly step: number;
  readonly entropy: number;
  readonly accuracy: number;
}

function left(study: StudyLogs): Figure[] {
  const curves = paperCurves("fig01_left.csv");
  const paper: Collapse = {
    entropy: curves.get("training_entropy")!,
    entropyBand: bandOf(curves, "training_entropy"),
    accuracy: curves.get("test_accuracy_percent")!,
    accuracyBand: bandOf(curves, "test_accuracy_percent"),
    points: [],
  };
  const own = partOf(study, ({ model }) => model === LEFT);
  const lab = own.logs.length === 0 ? undefined : collapseOf(own.logs);
  const shown = lab === undefined ? [paper] : [paper, lab];
  const ends: CollapseAxes = {
    step: max(shown.flatMap(({ entropy }) => entropy.map(({ step }) => step))),
    entropy: max(shown.flatMap(({ entropyBand }) => entropyBand.map(({ high }) => high))),
    accuracy: max(shown.flatMap(({ accuracyBand }) => accuracyBand.map(({ high }) => high))),
  };
  const figures: Figure[] = [{
    id: "fig01_left",
    title: "Figure 1, left",
    caption:
      `Policy entropy of one model (its accuracies are those of Qwen2.5-7B) and its test accuracy over training without intervention. Most of the entropy is gone within a few hundred gradient steps, and the accuracy stops rising with it. Bands are the ones of the paper. ${PAPER_ENTROPY}`,
    source: PAPER_SOURCE,
    spec: collapseSpec(paper, ends),
    measurements: measureCollapse(paper),
  }];
  if (lab !== undefined) {
    figures.push(labFigure(own, {
      id: "fig01_left_lab",
      title: "Figure 1, left, in the lab",
      caption:
        `The same for the counterpart of Qwen2.5-7B on math, under GRPO: the mean over seeds (lines), the lowest to the highest seed (bands), and every validation (dots). ${PAPER_ENTROPY} ${LAB_ACCURACY}`,
      spec: collapseSpec(lab, ends),
      measurements: measureCollapse(lab),
    }));
  }
  return figures;
}

function collapseOf(logs: readonly StudyLog[]): Collapse {
  const entropy = overRuns(
    logs.map((log) => inGradientSteps(log, log.curves.get("train_entropy/all")!)),
  );
  const accuracy = overRuns(
    logs.map((log) =>
      inGradientSteps(log, log.pairs.map(({ step, score }) => ({ step, value: 100 * score })))
    ),
  );
  return {
    entropy,
    entropyBand: entropy,
    accuracy,
    accuracyBand: accuracy,
    points: logs.flatMap((log) =>
      log.pairs.map(({ step, entropy, score }) => ({
        run: log.run.name,
        step,
        gradient: gradientStep(log, step),
        H: entropy,
        R: 100 * score,
      }))
    ),
  };
}

function inGradientSteps(log: StudyLog, curve: Curve): Curve {
  return curve.map(({ step, value }) => ({ step: gradientStep(log, step), value }));
}

function measureCollapse({ entropy, accuracy }: Collapse): Measurement[] {
  return [
    ...[{ of: 1 / 12, entropy: "73", gain: "76" }, { of: 1 / 3, entropy: "94", gain: "over 93" }]
      .flatMap((paper) =>
        ([["entropy loss", entropy, paper.entropy], [
          "accuracy gain",
          accuracy,
          paper.gain,
        ]] as const).map(([name, curve, stated]) => ({
          quantity: `${name} done by 1/${Math.round(1 / paper.of)} of training`,
          paper: `${stated} % (mean of 11 models)`,
          measured: `${(100 * sharesDone(curve, [paper.of]).done[0]!).toFixed(0)} %`,
        }))
      ),
    {
      quantity: "entropy, first and last point (nats)",
      measured: `${entropy[0]!.value.toFixed(3)}, ${entropy.at(-1)!.value.toFixed(3)}`,
    },
  ];
}

function collapseSpec(collapse: Collapse, ends: CollapseAxes): Figure["spec"] {
  const panels = [
    {
      title: "Entropy (nats/token)",
      colour: COLOURS[1]!,
      curve: collapse.entropy,
      band: collapse.entropyBand,
      field: "H",
      end: ends.entropy,
    },
    {
      title: "Test accuracy (%)",
      colour: COLOURS[0]!,
      curve: collapse.accuracy,
      band: collapse.accuracyBand,
      field: "R",
      end: ends.accuracy,
    },
  ];
  return {
    vconcat: panels.map(({ title, colour, curve, band, field, end }, i) => {
      const isLast = i === panels.length - 1;
      const x = (field: string) => ({
        field,
        type: "quantitative" as const,
        title: isLast ? "Gradient step" : null,
        scale: { domain: [0, 1.01 * ends.step], nice: false },
        axis: { labels: isLast, tickCount: 6 },
      });
      const y = (field: string) => ({
        field,
        type: "quantitative" as const,
        title,
        scale: { domain: [0, 1.05 * end], nice: false },
        axis: { tickCount: 5 },
      });
      return {
        height: 95,
        layer: [
          {
            data: { values: segments(band) },
            mark: { type: "area" as const, opacity: 0.2, color: colour },
            encoding: {
              x: x("step"),
              y: y("low"),
              y2: { field: "high" },
              detail: { field: "segment" },
            },
          },
          ...(collapse.points.length === 0 ? [] : [{
            data: { values: [...collapse.points] },
            mark: { type: "point" as const, size: 7, opacity: 0.4, color: colour },
            encoding: { x: x("gradient"), y: y(field), tooltip: POINT_TOOLTIP },
          }]),
          {
            data: { values: segments(curve) },
            mark: { type: "line" as const, color: colour },
            encoding: { x: x("step"), y: y("value"), detail: { field: "segment" } },
          },
        ],
      };
    }),
    spacing: 10,
  };
}

/** The points of one model of Figure 1 right, with our fit and the line that the paper drew. */
export interface PaperModel extends FittedRuns {
  /** a and b of the paper's line. */
  readonly paper: { readonly a: number; readonly b: number };
}

/** Our fits to the digitised points of Figure 1 right, largest model first; each is called as `7B`. */
export function fitPaperPoints(): PaperModel[] {
  const points = paperRows("fig01_right_points.csv");
  const lines = paperRows("fig01_right_fit.csv");
  return lines.map(({ model, a, b }) => {
    // In order of falling entropy, which is nearly that of the steps; the image does not tell the steps.
    const pairs = points
      .filter((point) => point["model"] === model)
      .map((point) => ({
        entropy: Number(point["entropy"]),
        score: Number(point["accuracy_percent"]) / 100,
      }))
      .sort((p, q) => q.entropy - p.entropy)
      .map((pair, step) => ({ step, ...pair }));
    const run = `the paper's Qwen2.5 ${model}`;
    return { ...fitRuns(model!, [{ run, pairs }]), paper: { a: Number(a), b: Number(b) } };
  });
}

function right(study: StudyLogs): Figure[] {
  // In every figure a family's colours go from its smallest model to its largest.
  const models = (fitPaperPoints()).reverse();
  const laws = lawsBy(study.logs, ({ run }) => sizeOf(run.settings.model));
  const axes = lawAxes([...models, ...laws]);
  const figures: Figure[] = [{
    id: "fig01_right",
    title: "Figure 1, right",
    caption:
      `Test accuracy over policy entropy for five sizes of Qwen2.5 on math: the paper's points as far as they can be told apart, our fits to them, and the lines that the paper drew (black). ${LAW_PANEL_CAPTION} ${PAPER_ENTROPY}`,
    source: PAPER_SOURCE,
    spec: paperSpec(models, axes),
    measurements: models.flatMap((model) => withPaper(measureLaw(model), model.paper)),
  }];
  if (laws.length > 0) {
    figures.push(labFigure(study, {
      id: "fig01_right_lab",
      title: "Figure 1, right, in the lab",
      caption:
        `The same for the counterparts of these models on math, under GRPO: every validation, with one law for all seeds of a model. ${LAW_PANEL_CAPTION} ${PAPER_ENTROPY} ${LAB_ACCURACY}`,
      spec: lawPanel(laws, { axes, legendColumns: 5 }),
      measurements: laws.flatMap((law) => {
        const model = models.find(({ name }) => name === law.name)!;
        return withPaper(measureLaw(law), model.paper);
      }),
    }));
  }
  return figures;
}

function paperSpec(models: readonly PaperModel[], axes: LawAxes): Figure["spec"] {
  const panel = lawPanel(models, { axes, legendColumns: 5 });
  const lines = models.flatMap((model) =>
    lawCurve(model, { ...model.paper, ceiling: model.paper.b - model.paper.a })
  );
  return { ...panel, layer: [...panel.layer, blackLines(lines, "the paper's line", axes)] };
}

/** Beside the numbers of a law, those of the paper's line. */
function withPaper(
  measurements: readonly Measurement[],
  { a, b }: PaperModel["paper"],
): Measurement[] {
  return measurements.map((one) => ({
    ...one,
    paper: one.quantity.endsWith("a, b")
      ? `${fixed(a, 4)}, ${fixed(b, 4)} (read off its line)`
      : fixed(b - a, 4),
  }));
}
