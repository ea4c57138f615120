/**
 * Table 2: with Clip-Cov and KL-Cov the mean over seven math benchmarks rises by 2.0 points at 7B and
 * 6.4 at 32B over GRPO.
 */
import { mean } from "simple-statistics";
import type { Figure, Measurement } from "../analysis/figures/figure.ts";
import { meanInterval } from "../analysis/mean_interval.ts";
import { paperRows } from "../analysis/paper_data.ts";
import { fixed } from "../formats/minus.ts";
import { type Arm, ARM_MODELS, ARM_RUNS, ARMS, GRPO, logsWith } from "./arms.ts";
import { bySeed, overSeeds, plateau, signed } from "./courses.ts";
import { labFigure } from "./lab_figure.ts";
import { readStudyLogs, type StudyLog, type StudyLogs } from "./study_log.ts";

/** Five arms, two sizes, three seeds. */
export const RUNS = ARM_RUNS;

const BENCHMARKS = ["AIME24", "AIME25", "AMC", "MATH-500", "OMNI-MATH", "OlympiadBench", "Minerva"];
const HEADS: Record<string, string> = { OlympiadBench: "Olympiad", Avg: "Avg." };

/** Table 2, from the paper and from the lab's logs. */
export async function drawTable2(): Promise<Figure[]> {
  const rows = paperRows("table2.csv");
  return [paperTable(rows), ...table2(rows, await readStudyLogs(RUNS))];
}

type PaperRows = readonly Readonly<Record<string, string>>[];

function paperTable(rows: PaperRows): Figure {
  const models = Array.from(new Set(rows.map(({ model }) => model!)));
  const cells = rows.flatMap((row) => {
    const baseline = rows.find(({ model, method }) => model === row["model"] && method === "GRPO")!;
    const rivals = rows.filter(({ model }) => model === row["model"]);
    return [...BENCHMARKS, "Avg"].map((benchmark) => ({
      model: row["model"]!,
      method: labelOf(row["method"]!),
      benchmark: HEADS[benchmark] ?? benchmark,
      text: Number(row[benchmark]).toFixed(1),
      change: Number(row[benchmark]) - Number(baseline[benchmark]),
      best: rivals.every((rival) => Number(rival[benchmark]) <= Number(row[benchmark])),
    }));
  });
  const average = (model: string, method: string) => {
    const row = rows.find((row) => row["model"] === model && row["method"] === method)!;
    return { printed: Number(row["Avg"]), mean: mean(BENCHMARKS.map((name) => Number(row[name]))) };
  };
  return {
    id: "table2",
    title: "Table 2",
    caption:
      "Accuracy (%) on seven math benchmarks; the colour is the change against GRPO in points, bold is the best of a model.",
    source: "arXiv 2505.22617, Table 2, as printed",
    spec: tables(models, cells, 58),
    measurements: models.flatMap((model) => {
      const baseline = average(model, "GRPO");
      const best = average(model, "GRPO w. KL-Cov");
      return [
        {
          quantity: `${model}: KL-Cov above GRPO, by the printed averages (points)`,
          paper: model.endsWith("7B") ? "+2.0" : "+6.4",
          measured: signed(best.printed - baseline.printed),
        },
        {
          quantity: `${model}: the same by the plain mean of the seven printed columns`,
          measured: `${signed(best.mean - baseline.mean)} (${best.mean.toFixed(1)} against ${
            baseline.mean.toFixed(1)
          }; printed ${best.printed} against ${baseline.printed})`,
        },
      ];
    }),
  };
}

/** The lab's benchmarks by the names in its logs, in the order of the paper's columns. */
const LAB_BENCHMARKS = [
  { name: "aime24", head: "AIME24" },
  { name: "amc", head: "AMC" },
  { name: "math-500", head: "MATH-500" },
  { name: "omni-math", head: "OMNI-MATH" },
  { name: "olympiadbench", head: "Olympiad" },
];

const AVERAGE = "Avg.";

/** A method as we write it. */
function labelOf(method: string): string {
  return method.replace("GRPO w. ", "").replace("CLIP-Cov", "Clip-Cov");
}

/** The same of the lab's logs, beside the rows of the paper's table. */
export function table2(rows: PaperRows, study: StudyLogs): Figure[] {
  if (study.logs.length === 0) return [];
  const models = ARM_MODELS.map(({ model, label }) => ({
    label,
    arms: ARMS.map((arm) => ({ arm, logs: logsWith(study.logs, model, arm.settings) }))
      .filter(({ logs }) => logs.length > 0),
  })).filter(({ arms }) => arms.length > 0);
  return [labFigure(study, {
    id: "table2_lab",
    title: "Table 2 in the lab",
    caption:
      "Accuracy (%) of the counterparts on the lab's five benchmarks, named after the paper's and graded like them, by the paper's protocol; mean over the last fifth of training and over seeds, with the half width of the 95 % interval over seeds. The colour is the change against GRPO in points, from −16 to +16 as in the paper's table, bold is the best mean of a model. The fifth arm is GRPO with the clip range that the authors gave Clip-Cov.",
    spec: tables(
      models.map(({ label }) => label),
      models.flatMap(({ label, arms }) => cellsOf(label, arms)),
      74,
    ),
    measurements: models.flatMap(({ label, arms }) => gains(rows, label, arms)),
  })];
}

interface ArmLogs {
  readonly arm: Arm;
  readonly logs: readonly StudyLog[];
}

/** The accuracy of a run on a benchmark, or its mean over them, over the last fifth of training, in percent. */
function accuracy(log: StudyLog, benchmark: string | undefined): number {
  const names = benchmark === undefined ? LAB_BENCHMARKS.map(({ name }) => name) : [benchmark];
  return mean(names.map((name) => {
    const key = [...log.curves.keys()].find((key) =>
      key.startsWith("val-core/") && key.includes(`/${name}/acc/mean@`)
    )!;
    return 100 * plateau(log, ({ curves }) => curves.get(key)!);
  }));
}

const COLUMNS: readonly { readonly name?: string; readonly head: string }[] = [
  ...LAB_BENCHMARKS,
  { head: AVERAGE },
];

function cellsOf(model: string, arms: readonly ArmLogs[]): Cell[] {
  return COLUMNS.flatMap(({ name, head }) => {
    const values = arms.map(({ logs }) => logs.map((log) => accuracy(log, name)));
    const means = values.map((own) => mean(own));
    const plain = means[arms.findIndex(({ arm }) => arm === GRPO)];
    return arms.map(({ arm }, i): Cell => {
      const interval = meanInterval(values[i]!);
      const half = interval === undefined ? "" : ` ± ${(interval[1] - means[i]!).toFixed(1)}`;
      return {
        model,
        method: arm.label,
        benchmark: head,
        text: `${means[i]!.toFixed(1)}${half}`,
        change: plain === undefined ? 0 : means[i]! - plain,
        best: means.every((other) => other <= means[i]!),
      };
    });
  });
}

/** GRPO's average, and each other arm's above it, seed by seed. */
function gains(rows: PaperRows, model: string, arms: readonly ArmLogs[]): Measurement[] {
  const plain = arms.find(({ arm }) => arm === GRPO)?.logs ?? [];
  const printed = (label: string) => {
    const row = rows.find((row) => row["model"] === model && labelOf(row["method"]!) === label);
    return row === undefined ? undefined : Number(row["Avg"]);
  };
  const other = printed(GRPO.label)!;
  const above = arms.filter(({ arm }) => arm !== GRPO).map(({ arm: { label }, logs }) => {
    const own = printed(label);
    return {
      quantity: `${model}: ${label} above GRPO, average (points)`,
      ...(own === undefined
        ? {}
        : { paper: `${signed(own - other)} (printed averages, one run each)` }),
      measured: overSeeds(
        bySeed(logs, plain, (run, other) => accuracy(run, undefined) - accuracy(other, undefined)),
        (value) => signed(value),
      ),
    };
  });
  if (plain.length === 0) return above;
  const average = plain.map((log) => accuracy(log, undefined));
  return [{
    quantity: `${model}: ${GRPO.label}, average (%)`,
    paper: `${other}`,
    measured: overSeeds(average, (value) => fixed(value, 1)),
  }, ...above];
}

/** A number of a table. */
interface Cell {
  readonly model: string;
  readonly method: string;
  readonly benchmark: string;
  readonly text: string;
  /** Against GRPO's, in points. */
  readonly change: number;
  /** Whether it is the best of its column. */
  readonly best: boolean;
}

/** A table for each model, its columns of a width. */
function tables(
  models: readonly string[],
  cells: readonly Cell[],
  columnWidth: number,
): Figure["spec"] {
  return {
    vconcat: models.map((model) =>
      table(model, cells.filter((cell) => cell.model === model), columnWidth)
    ),
    spacing: 16,
  };
}

function table(model: string, cells: readonly Cell[], columnWidth: number) {
  const order = Array.from(new Set(cells.map(({ benchmark }) => benchmark)));
  const methods = new Set(cells.map(({ method }) => method));
  return {
    title: model,
    data: { values: [...cells] },
    width: columnWidth * order.length,
    height: 23 * methods.size,
    encoding: {
      x: {
        field: "benchmark",
        type: "nominal" as const,
        sort: order,
        title: null,
        axis: { orient: "top" as const, labelAngle: 0, domain: false, ticks: false },
      },
      y: {
        field: "method",
        type: "nominal" as const,
        sort: null,
        title: null,
        axis: { domain: false, ticks: false },
      },
    },
    layer: [
      {
        mark: { type: "rect" as const, stroke: "white", strokeWidth: 2 },
        encoding: {
          color: {
            field: "change",
            type: "quantitative" as const,
            scale: { domain: [-16, 0, 16], range: ["#E69F00", "#F7F7F7", "#56B4E9"], clamp: true },
            legend: null,
          },
        },
      },
      {
        transform: [{ filter: "!datum.best" }],
        mark: { type: "text" as const },
        encoding: { text: { field: "text", type: "nominal" as const } },
      },
      {
        transform: [{ filter: "datum.best" }],
        mark: { type: "text" as const, fontWeight: "bold" as const },
        encoding: { text: { field: "text", type: "nominal" as const } },
      },
    ],
  };
}
