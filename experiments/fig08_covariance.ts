/**
 * Figure 8. Left: the step-wise loss of entropy follows the covariance of log-probability and advantage,
 * as the theory says. Right: the covariance is larger for prompts that are solved more often.
 */
import { mean, sampleCorrelation, sampleRankCorrelation } from "simple-statistics";
import type { LayerSpec } from "vega-lite/types_unstable/spec/index.js";
import type { Field } from "vega-lite/types_unstable/channeldef.js";
import { type Course, coursePanel } from "../analysis/figures/course_panel.ts";
import type { Figure, Measurement } from "../analysis/figures/figure.ts";
import { COLOURS, SHAPES } from "../analysis/figures/theme.ts";
import type { Interval } from "../analysis/interval.ts";
import { fitLine } from "../analysis/line.ts";
import { meanInterval } from "../analysis/mean_interval.ts";
import {
  type Band,
  bandOf,
  type Curve,
  PAPER_ENTROPY,
  PAPER_SOURCE,
  paperCurves,
} from "../analysis/paper_data.ts";
import { fixed, withMinus } from "../formats/minus.ts";
import { inWindows, logged } from "./courses.ts";
import { labFigure } from "./lab_figure.ts";
import { lineRelation } from "./line_relation.ts";
import { gradientStep, readStudyLogs, type StudyLog, type StudyLogs } from "./study_log.ts";

/**
 * One long run of one update a rollout. Its ratio is 1, so that without clip its gradient is that of A·ln π and no
 * PPO is left; no group is left out, because the theory's means are over all prompts; and steps are small, because it
 * is of first order.
 */
export const RUNS = [{
  model: "qwen2.5-7b",
  seed: 1,
  steps: 480,
  prompts: 128,
  minibatches: 1,
  learningRate: 5e-5,
  clipLow: null,
  clipHigh: null,
  dualClip: null,
  filterGroups: false,
}];

/** Figure 8, from the paper's digitised curves and from the lab's log. */
export async function drawFigure8(): Promise<Figure[]> {
  const ours = figure8(await readStudyLogs(RUNS));
  const named = (id: string) => ours.filter((figure) => figure.id === id);
  return [
    left(),
    ...named("fig08_left_lab"),
    ...named("fig08_slope_lab"),
    right(),
    ...named("fig08_right_lab"),
  ];
}

/** Our panels, of given logs. */
export function figure8(study: StudyLogs): Figure[] {
  return study.logs.flatMap((log) => [
    ourLeft(study, log),
    ourSlopes(study, log),
    ourRight(study, log),
  ]);
}

function left(): Figure {
  const curves = paperCurves("fig08_left.csv");
  const covariance = curves.get("covariance")!;
  const difference = curves.get("neg_entropy_diff")!;
  const at = new Map(difference.map(({ step, value }) => [step, value]));
  const common = covariance.filter(({ step }) => at.has(step));
  const x = common.map(({ value }) => value);
  const y = common.map(({ step }) => at.get(step)!);
  const early = (curve: Curve) =>
    mean(curve.filter(({ step }) => step <= 400).map(({ value }) => value));
  const late = (curve: Curve) =>
    mean(curve.filter(({ step }) => step >= 1600).map(({ value }) => value));
  return {
    id: "fig08_left",
    title: "Figure 8, left",
    caption:
      `The loss of entropy from one step to the next, and the covariance between log-probability and advantage, for Qwen2.5-7B with on-policy updates. Both are large early and fall together; the covariance stays positive. Bands are the ones of the paper. ${PAPER_ENTROPY}`,
    source: PAPER_SOURCE,
    spec: stacked([
      {
        quantity: "−ΔH (nats/token)",
        courses: [
          course("−ΔH of a step", 1, banded(difference, bandOf(curves, "neg_entropy_diff"))),
        ],
      },
      {
        quantity: "Covariance (nats)",
        courses: [
          course("covariance (Eqs. 8 and 9)", 0, banded(covariance, bandOf(curves, "covariance"))),
        ],
      },
    ]),
    measurements: [
      {
        quantity: "correlation of the two curves over common steps (Pearson; Spearman)",
        paper: "similar dynamics; no number",
        measured: `${fixed(sampleCorrelation(x, y), 2)}; ${
          fixed(sampleRankCorrelation(x, y), 2)
        } over ${common.length} steps`,
      },
      {
        quantity: "share of steps with positive covariance",
        paper: "stays positive",
        measured: `${(100 * mean(covariance.map(({ value }) => Number(value > 0)))).toFixed(0)} %`,
      },
      {
        quantity: "covariance, mean to step 400 and from step 1600",
        measured: `${fixed(early(covariance), 4)}, ${fixed(late(covariance), 4)}`,
      },
      {
        quantity: "−ΔH, mean to step 400 and from step 1600",
        measured: `${fixed(early(difference), 4)}, ${fixed(late(difference), 4)}`,
      },
    ],
  };
}

/** The prompt accuracies of the paper's right panel. */
const ACCURACIES = [0.125, 0.5, 0.875];

function right(): Figure {
  const curves = paperCurves("fig08_right.csv");
  const groups = ACCURACIES.map((accuracy) => curves.get(`accuracy_${accuracy}`)!);
  const means = groups.map((curve) => mean(curve.map(({ value }) => value)));
  return {
    id: "fig08_right",
    title: "Figure 8, right",
    caption:
      "The covariance by how often a prompt is solved. Prompts that the policy solves more often show the larger covariance: confident tokens meet positive advantages there. Gaps are points hidden behind another curve in the paper's image.",
    source: PAPER_SOURCE,
    spec: rightSpec(groups),
    measurements: measureAccuracies(means),
  };
}

/** Rollouts over which our curves are averaged. */
const WINDOW = 10;

/** What the theory says of −ΔH, and where it is logged. */
const PREDICTORS = [
  { label: "Lemma 1", key: "theory/lemma_1", sign: -1, unit: "nats/token" },
  { label: "Theorem 1", key: "theory/theorem_1", sign: 1, unit: "nats" },
  { label: "Theorem 2", key: "theory/theorem_2", sign: 1, unit: "nats" },
  {
    label: "Theorem 1, responses (Eqs. 8 and 9)",
    key: "covariance/sequence",
    sign: 1,
    unit: "nats",
  },
  {
    label: "Theorem 2, responses",
    key: "covariance/sequence-advantage",
    sign: 1,
    unit: "nats",
  },
];

/** −ΔH of each update, at the states that it learnt from. */
function lossOfEntropy(log: StudyLog): Curve {
  return scaled(logged(log, "theory/entropy_change"), -1);
}

function ourLeft(study: StudyLogs, log: StudyLog): Figure {
  const curve = ({ key, sign }: typeof PREDICTORS[number]) =>
    overUpdates(log, scaled(logged(log, key), sign));
  const [lemma, first, second, ofResponses, ofResponsesSecond] = PREDICTORS as [
    Predictor,
    Predictor,
    Predictor,
    Predictor,
    Predictor,
  ];
  const entropy = logged(log, "actor/entropy");
  const change = logged(log, "theory/entropy_change");
  const whole = entropy[0]!.value - entropy.at(-1)!.value;
  // The last update comes after the last rollout whose entropy is known.
  const sum = (curve: Curve) => curve.slice(0, -1).reduce((total, { value }) => total + value, 0);
  const covariance = logged(log, ofResponses.key);
  const positive = mean(covariance.map(({ value }) => Number(value > 0)));
  return labFigure(study, {
    id: "fig08_left_lab",
    title: "Figure 8, left, in the lab",
    caption:
      `The same for the counterpart of Qwen2.5-7B: one update a rollout, without PPO's surrogate. −ΔH is what the update did to the entropy at the very states that it learnt from; over it lies what Lemma 1 says from the change of the tokens' log-probabilities. The covariances are those of Theorems 1 and 2, over the actions in a state and over the responses to a prompt. All are means over ${WINDOW} steps.`,
    spec: stacked([
      {
        quantity: "−ΔH (nats/token)",
        courses: [
          course("measured", 1, overUpdates(log, lossOfEntropy(log))),
          course("Lemma 1", 6, curve(lemma)),
        ],
      },
      {
        title: "Over the actions in a state",
        quantity: "Covariance (nats)",
        courses: [course("Theorem 1", 0, curve(first)), course("Theorem 2", 4, curve(second))],
      },
      {
        title: "Over the responses to a prompt",
        quantity: "Covariance (nats)",
        courses: [
          course("Theorem 1 (Eqs. 8 and 9)", 2, curve(ofResponses)),
          course("Theorem 2", 3, curve(ofResponsesSecond)),
        ],
      },
    ]),
    measurements: [
      {
        quantity: "share of steps with positive covariance (Eqs. 8 and 9)",
        paper: "stays positive",
        measured: `${(100 * positive).toFixed(0)} %; of means over ${WINDOW} steps ${
          (100 * mean(inWindows(covariance, WINDOW).map(({ value }) => Number(value > 0))))
            .toFixed(0)
        } %`,
      },
      {
        quantity:
          "loss of entropy over the run (nats/token): whole; at unchanged states; by Lemma 1",
        measured: `${fixed(whole, 4)}; ${fixed(-sum(change), 4)}; ${
          fixed(-sum(logged(log, lemma.key)), 4)
        }`,
      },
    ],
  });
}

type Predictor = typeof PREDICTORS[number];

function ourSlopes(study: StudyLogs, log: StudyLog): Figure {
  const shown = PREDICTORS.slice(0, 3);
  return labFigure(study, {
    id: "fig08_slope_lab",
    title: "Figure 8, left, in the lab: slopes",
    caption:
      `−ΔH over what the theory says of it, a point for the mean of ${WINDOW} steps, with the line by least squares. Lemma 1 asks for a slope of 1; the slope of Theorems 1 and 2 is the step size of plain gradient ascent, which AdamW and the clipped gradient change from step to step. The covariances are of sampled tokens, and their noise draws slopes towards 0. Steps of the warm-up are left out. Intervals are 95 %, by the moving-block bootstrap over steps.`,
    spec: {
      columns: 1,
      spacing: 14,
      concat: shown.map((predictor) => scatter(log, predictor)),
    },
    measurements: PREDICTORS.flatMap((predictor) =>
      [1, WINDOW].map((width): Measurement => {
        const { x, y } = alignedWith(log, predictor, width);
        return {
          quantity: `${predictor.label}: correlation with −ΔH; slope; ${
            width === 1 ? "single steps" : `means over ${width} steps`
          }`,
          ...(width === 1 ? { paper: "matched; no number" } : {}),
          measured: relation(x, y),
        };
      })
    ),
  });
}

/** −ΔH and a predictor at the same steps, warm-up left out, averaged over windows. */
function alignedWith(log: StudyLog, { key, sign }: Predictor, width: number) {
  const isKept = ({ step }: Curve[number]) => step > log.run.settings.warmupSteps;
  const predictor = inWindows(scaled(logged(log, key), sign).filter(isKept), width);
  const loss = new Map(
    inWindows(lossOfEntropy(log).filter(isKept), width).map(({ step, value }) => [step, value]),
  );
  const both = predictor.filter(({ step }) => loss.has(step));
  return {
    steps: both.map(({ step }) => step),
    x: both.map(({ value }) => value),
    y: both.map(({ step }) => loss.get(step)!),
  };
}

/** How two series go together, with 95 % intervals. */
function relation(x: readonly number[], y: readonly number[]): string {
  const { correlation, correlationInterval, slope, slopeInterval } = lineRelation(x, y);
  const within = (value: number, ends: Interval, digits: (value: number) => string) =>
    `${digits(value)} [${ends.map(digits).join(", ")}]`;
  return `${within(correlation, correlationInterval, (value) => fixed(value, 2))}; ${
    within(slope, slopeInterval, (value) => withMinus(value.toPrecision(3)))
  }; ${x.length} points`;
}

function scatter(log: StudyLog, predictor: Predictor): LayerSpec<Field> {
  const { steps, x, y } = alignedWith(log, predictor, WINDOW);
  const { slope, intercept } = fitLine(x, y);
  const rows = x.map((value, i) => ({
    step: gradientStep(log, steps[i]!),
    predictor: value,
    loss: y[i]!,
  }));
  const ends = [Math.min(...x), Math.max(...x)].map((value) => ({
    predictor: value,
    loss: intercept + slope * value,
  }));
  const ofX = {
    field: "predictor",
    type: "quantitative" as const,
    title: `${predictor.label} (${predictor.unit})`,
    scale: { zero: false },
    axis: { tickCount: 6 },
  };
  const ofY = {
    field: "loss",
    type: "quantitative" as const,
    title: "−ΔH (nats/token)",
    scale: { zero: false },
    axis: { tickCount: 5 },
  };
  const tooltip = [
    { field: "step", type: "quantitative" as const },
    { field: "predictor", type: "quantitative" as const, format: ".5f", title: predictor.label },
    { field: "loss", type: "quantitative" as const, format: ".5f", title: "−ΔH" },
  ];
  return {
    width: 300,
    height: 130,
    layer: [
      {
        data: { values: rows },
        mark: { type: "point", color: COLOURS[0]! },
        encoding: { x: ofX, y: ofY, tooltip },
      },
      {
        data: { values: ends },
        mark: { type: "line", color: "#111", strokeWidth: 1.2 },
        encoding: { x: ofX, y: ofY },
      },
    ],
  };
}

/** Parts of training over which means are taken for an interval. */
const PARTS = 10;

function ourRight(study: StudyLogs, log: StudyLog): Figure {
  const { steps, group } = log.run.settings;
  const groups = ACCURACIES.map((accuracy) =>
    logged(log, `covariance/difficulty/${accuracy * group}`)
  );
  const means = groups.map((curve) => mean(curve.map(({ value }) => value)));
  const parts = groups.map((curve) =>
    Map.groupBy(curve, ({ step }) => Math.ceil((PARTS * step) / steps))
  );
  const differences = Array.from({ length: PARTS }, (_, i) => {
    const [low, high] = [parts[0]!.get(i + 1), parts.at(-1)!.get(i + 1)];
    return low === undefined || high === undefined
      ? []
      : [mean(high.map(({ value }) => value)) - mean(low.map(({ value }) => value))];
  }).flat();
  const interval = meanInterval(differences);
  return labFigure(study, {
    id: "fig08_right_lab",
    title: "Figure 8, right, in the lab",
    caption:
      `The same for the counterpart of Qwen2.5-7B: the covariance of Theorem 1 over the ${group} responses to a prompt, by the share of them that is right; means over ${WINDOW} steps.`,
    spec: rightSpec(groups.map((curve) => overUpdates(log, curve))),
    measurements: [
      ...measureAccuracies(means),
      {
        quantity: `covariance at accuracy ${ACCURACIES.at(-1)} less that at ${
          ACCURACIES[0]
        }, mean over ${PARTS}ths of training`,
        measured: interval === undefined
          ? "too few"
          : `${fixed(mean(differences), 5)} [${
            interval.map((value) => fixed(value, 5)).join(", ")
          }]`,
      },
    ],
  });
}

/** A curve of steps averaged over windows, on the paper's axis. */
function overUpdates(log: StudyLog, curve: Curve): Curve {
  return inWindows(curve, WINDOW)
    .map(({ step, value }) => ({ step: gradientStep(log, step), value }));
}

function scaled(curve: Curve, factor: number): Curve {
  return curve.map(({ step, value }) => ({ step, value: factor * value }));
}

/** The mean covariance of the prompts with each accuracy, and whether they are in that order. */
function measureAccuracies(means: readonly number[]): Measurement[] {
  return [
    ...ACCURACIES.map((accuracy, i) => ({
      quantity: `mean covariance of prompts with accuracy ${accuracy}`,
      measured: fixed(means[i]!, 5),
    })),
    {
      quantity: "covariance grows with accuracy",
      paper: "yes",
      measured: isRising(means) ? "yes, in the means over all steps" : "no",
    },
  ];
}

function isRising(values: readonly number[]): boolean {
  return values.every((value, i) => i === 0 || value > values[i - 1]!);
}

/** A curve with its band, where both are known. */
function banded(curve: Curve, band: Band): Course["points"] {
  const at = new Map(band.map(({ step, ...ends }) => [step, ends]));
  return curve.map((point) => ({ ...point, ...at.get(point.step) }));
}

function course(series: string, look: number, points: Course["points"]): Course {
  return { series, colour: COLOURS[look]!, shape: SHAPES[look]!, points };
}

/** Panels over one another, each with its own legend. */
function stacked(
  panels: readonly {
    readonly title?: string;
    readonly quantity: string;
    readonly courses: readonly Course[];
  }[],
): Figure["spec"] {
  return {
    vconcat: panels.map(({ courses, ...panel }, i) =>
      coursePanel(courses, {
        ...panel,
        steps: i === panels.length - 1 ? "Gradient step" : undefined,
        zero: true,
        height: 105,
      })
    ),
    spacing: 8,
    resolve: { scale: { color: "independent", shape: "independent" } },
  };
}

function rightSpec(groups: readonly Curve[]): Figure["spec"] {
  return coursePanel(
    groups.map((curve, i) => course(`accuracy ${ACCURACIES[i]}`, [1, 4, 2][i]!, curve)),
    { quantity: "Covariance (nats)", steps: "Gradient step", zero: true, height: 190 },
  );
}
