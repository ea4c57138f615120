/**
 * Figure 2: most of the entropy is spent, and most of the accuracy gained, within the first twelfth of training (73 and
 * 76 %, mean over 11 models); nearly all within the first third (94 and 93 %).
 */
import { mean, sampleStandardDeviation } from "simple-statistics";
import type { Figure, Measurement } from "../analysis/figures/figure.ts";
import { COLOURS, CROSS } from "../analysis/figures/theme.ts";
import { PAPER_ENTROPY } from "../analysis/paper_data.ts";
import { sharesDone } from "../analysis/shares.ts";
import { counted } from "../formats/counted.ts";
import { fixed } from "../formats/minus.ts";
import { LAB_ACCURACY, labFigure } from "./lab_figure.ts";
import { BASE_MODEL_NAMES } from "./lab/families.ts";
import { plainRuns } from "./plain_runs.ts";
import { readStudyLogs, type StudyLog, type StudyLogs } from "./study_log.ts";

const TASKS = ["math", "code"] as const;

/** GRPO: the counterparts of all 11 models, on math and on code. */
export const RUNS = TASKS.flatMap((task) => plainRuns(BASE_MODEL_NAMES, task));

/** Of a smaller gain, three standard errors of a validation, no share can be told. */
const LEAST_GAIN = 0.03;

/** What is spent and what is gained, with the paper's shares by 1/12 and 1/3 of training. */
export const QUANTITIES = [
  {
    name: "entropy spent",
    colour: COLOURS[1]!,
    paper: [{ of: 1 / 12, done: 73 }, { of: 1 / 3, done: 94 }],
    curve: ({ curves }: StudyLog) => curves.get("train_entropy/all")!,
    changes: (change: number) => change < 0,
  },
  {
    name: "accuracy gained",
    colour: COLOURS[0]!,
    paper: [{ of: 1 / 12, done: 76 }, { of: 1 / 3, done: 93 }],
    curve: ({ pairs }: StudyLog) => pairs.map(({ step, score }) => ({ step, value: score })),
    changes: (change: number) => change >= LEAST_GAIN,
  },
];

type Quantity = typeof QUANTITIES[number];

/** Ends of the twelfths of training. */
const TWELFTHS = Array.from({ length: 13 }, (_, i) => i / 12);

/** Figure 2, from the logs that are there. */
export async function drawFigure2(): Promise<Figure[]> {
  return figure2(await readStudyLogs(RUNS));
}

/** Figure 2, from logs. */
export function figure2(study: StudyLogs): Figure[] {
  if (study.logs.length === 0) return [];
  const panels = TASKS.flatMap((task) => {
    const logs = study.logs.filter(({ run }) => run.settings.task === task);
    return QUANTITIES.map((quantity) => ({
      task,
      quantity,
      models: sharesOfModels(logs, quantity),
    })).filter(({ models }) => models.length > 0);
  });
  return [labFigure(study, {
    id: "fig02_lab",
    title: "Figure 2 in the lab",
    caption:
      `How much of all entropy that training spends, and of all accuracy that it gains, is done by each twelfth of training: every model (grey; mean over its seeds), their mean (line) and one standard deviation between models to either side (band). Crosses are the paper's means. Models that gain less than 3 points are left out of the gain. The start is the base model; every other value is a mean over 1/100 of training to either side. ${PAPER_ENTROPY} ${LAB_ACCURACY}`,
    spec: {
      columns: QUANTITIES.length,
      spacing: 20,
      concat: panels.map((panel) => panelOf(panel, highestOf(panels, panel.task))),
    },
    measurements: panels.flatMap(measure),
  })];
}

/** What a model has spent or gained at the end of each twelfth. */
export interface ModelShares {
  /** The model. */
  readonly model: string;
  /** The names of its runs. */
  readonly runs: string;
  /** From 0 to the whole, 1, mean over the runs; the first is before training. */
  readonly shares: readonly number[];
}

interface Panel {
  readonly task: string;
  readonly quantity: Quantity;
  readonly models: readonly ModelShares[];
}

/** The shares of every model, but for those that change too little. */
export function sharesOfModels(
  logs: readonly StudyLog[],
  { curve, changes }: Quantity,
): ModelShares[] {
  const changing = logs.filter((log) => changes(sharesDone(curve(log), [1]).change));
  return Array.from(Map.groupBy(changing, ({ run }) => run.settings.model), ([model, own]) => {
    const all = own.map((log) => sharesDone(curve(log), TWELFTHS).done);
    return {
      model,
      runs: own.map(({ run }) => run.name).join(", "),
      shares: TWELFTHS.map((_, i) => mean(all.map((shares) => shares[i]!))),
    };
  });
}

/** Mean and standard deviation over models at the end of each twelfth of training, in percent. */
export function overModels(models: readonly ModelShares[]) {
  return TWELFTHS.map((_, twelfth) => {
    const values = models.map(({ shares }) => 100 * shares[twelfth]!);
    const spread = values.length < 2 ? 0 : sampleStandardDeviation(values);
    const middle = mean(values);
    return { twelfth, mean: middle, spread, low: middle - spread, high: middle + spread };
  });
}

/** The highest share of a task, in percent: panels beside one another have the same axis, so that they are in line. */
function highestOf(panels: readonly Panel[], task: string): number {
  const own = panels.filter((panel) => panel.task === task);
  return Math.max(...own.flatMap(({ models }) => [
    ...models.flatMap(({ shares }) => shares.map((share) => 100 * share)),
    ...overModels(models).map(({ high }) => high),
  ]));
}

function panelOf({ task, quantity, models }: Panel, highest: number) {
  const rows = models.flatMap(({ model, runs, shares }) =>
    shares.map((share, twelfth) => ({ model, run: runs, twelfth, share: 100 * share }))
  );
  const means = overModels(models);
  const paper = quantity.paper.map(({ of, done }) => ({ twelfth: 12 * of, mean: done }));
  const x = {
    field: "twelfth",
    type: "quantitative" as const,
    title: "Twelfths of training",
    scale: { domain: [0, 12], nice: false },
    axis: { values: [0, 1, 4, 8, 12] },
  };
  const y = (field: string) => ({
    field,
    type: "quantitative" as const,
    title: `${quantity.name[0]!.toUpperCase()}${quantity.name.slice(1)} (% of all)`,
    scale: { zero: true, domainMax: highest },
  });
  const tooltip = ["model", "run", "twelfth"].map((field) => ({ field, type: "nominal" as const }));
  return {
    width: 145,
    height: 130,
    title: task === "math" ? "Math" : "Code",
    layer: [
      {
        data: { values: means },
        mark: { type: "area" as const, opacity: 0.2, color: quantity.colour },
        encoding: { x, y: y("low"), y2: { field: "high" } },
      },
      {
        data: { values: rows },
        mark: {
          type: "line" as const,
          color: "#999",
          strokeWidth: 0.6,
          point: { size: 8, color: "#999" },
        },
        encoding: {
          x,
          y: y("share"),
          detail: { field: "model" },
          tooltip: [...tooltip, {
            field: "share",
            type: "quantitative" as const,
            format: ".1f",
            title: "share (%)",
          }],
        },
      },
      {
        data: { values: means },
        mark: {
          type: "line" as const,
          color: quantity.colour,
          point: { size: 18, color: quantity.colour },
        },
        encoding: { x, y: y("mean") },
      },
      ...(task === "math"
        ? [{
          data: { values: paper },
          mark: {
            type: "point" as const,
            shape: CROSS,
            filled: false,
            size: 50,
            strokeWidth: 1.6,
            opacity: 1,
            color: "#111",
          },
          encoding: { x, y: y("mean") },
        }]
        : []),
    ],
  };
}

function measure({ task, quantity, models }: Panel): Measurement[] {
  const means = overModels(models);
  return quantity.paper.map(({ of, done }) => {
    const { mean, spread } = means[Math.round(12 * of)]!;
    return {
      quantity: `${task}: ${quantity.name} by 1/${Math.round(1 / of)} of training`,
      ...(task === "math" ? { paper: `${done} %` } : {}),
      measured: `${fixed(mean, 0)} % (mean of ${
        counted(models.length, "model")
      }, standard deviation ${spread.toFixed(0)})`,
    };
  });
}
