/**
 * Table 1: the covariance is concentrated in very few tokens, so it is enough to act on those.
 */
import { max, mean, min } from "simple-statistics";
import type { Figure, Measurement } from "../analysis/figures/figure.ts";
import { COLOURS, logTicks } from "../analysis/figures/theme.ts";
import { paperRows } from "../analysis/paper_data.ts";
import { fixed } from "../formats/minus.ts";
import { overSeeds, signed } from "./courses.ts";
import { labFigure } from "./lab_figure.ts";
import { plainRuns } from "./plain_runs.ts";
import { readStudyLogs, type StudyLog, type StudyLogs } from "./study_log.ts";

/** Plain GRPO on the 7B counterpart, whose first step is before any update. */
export const RUNS = plainRuns(["qwen2.5-7b"], "math");

/** A group of tokens: those of highest covariance. */
interface Group {
  /** Its name in the paper. */
  readonly group: string;
  /** Its share of the tokens. */
  readonly share: number;
  /** Its mean covariance in the paper, in nats. */
  readonly value: number;
}

/** Table 1, from the paper and, beside it, from the lab's logs. */
export async function drawTable1(): Promise<Figure[]> {
  const groups = paperRows("table1.csv").map(({ group, mean_covariance }) => ({
    group: group!,
    value: Number(mean_covariance),
    share: group === "All" ? 1 : Number(/[\d.]+/.exec(group!)![0]) / 100,
  }));
  return [paperTable(groups), ...table1(groups, await readStudyLogs(RUNS))];
}

function paperTable(groups: readonly Group[]): Figure {
  return {
    id: "table1",
    title: "Table 1",
    caption:
      "Mean covariance of the tokens with the highest covariance, Qwen2.5-7B at step 1 (log scale). A few outliers carry values a thousand times the mean over all tokens.",
    source: "arXiv 2505.22617, Table 1, as printed",
    spec: dots(groups.map(({ group, value }) => ({ group, value, whose: PAPER }))),
    measurements: [
      {
        quantity:
          "sum over the top 0.02 %, 0.2 %, 2 % over the sum of all tokens, by the printed values",
        measured: carried(groups, groups.map(({ value }) => value)),
      },
    ],
  };
}

const PAPER = "the paper: Qwen2.5-7B";
const OURS = "the lab: its counterpart";

/** The lab's first step beside the paper's. */
export function table1(groups: readonly Group[], study: StudyLogs): Figure[] {
  const { logs } = study;
  if (logs.length === 0) return [];
  const values = groups.map(({ share }) => logs.map((log) => firstOf(log, share)));
  const tokens = logs.map(({ curves }) => curves.get("rollout/tokens")![0]!.value);
  const rows = groups.flatMap(({ group, value }, i) => {
    const own = mean(values[i]!);
    return [
      { group, value, whose: PAPER },
      // A logarithmic axis has no place for others.
      ...(own > 0 ? [{ group, value: own, whose: OURS }] : []),
    ];
  });
  const all = groups.findIndex(({ share }) => share === 1);
  return [labFigure(study, {
    id: "table1_lab",
    title: "Table 1 beside the lab's",
    caption:
      `Mean covariance of the tokens with the highest covariance at step 1, by the policy before its first update (log scale): the paper's, and the mean over the seeds of the counterpart of Qwen2.5-7B. A rollout of the lab has ${
        min(tokens)
      } to ${max(tokens)} tokens in groups with signal, so that its top 0.02 % is a single token.`,
    spec: dots(rows),
    measurements: [
      ...groups.map(({ group, value }, i): Measurement => ({
        quantity: `mean covariance, ${group} (nats)`,
        paper: String(value),
        measured: overSeeds(values[i]!, (value) => fixed(value, 3)),
      })),
      {
        quantity: "top 0.02 %, 0.2 %, 2 % over the mean of all tokens",
        paper: groups.slice(0, 3).map(({ value }) => `${(value / groups[all]!.value).toFixed(0)}×`)
          .join(", "),
        measured: values.slice(0, 3).map((own) => `${fixed(mean(own) / mean(values[all]!), 0)}×`)
          .join(", "),
      },
      {
        quantity: "sum over the top 0.02 %, 0.2 %, 2 % over the sum of all tokens",
        paper: `${carried(groups, groups.map(({ value }) => value))} (by the printed values)`,
        measured: carried(groups, values.map((own) => mean(own))),
      },
      {
        quantity: "mean covariance of the lower half of the tokens (nats)",
        paper: `${signed(lowerHalf(groups, groups.map(({ value }) => value)), 3)} (implied)`,
        measured: overSeeds(
          logs.map((_, seed) => lowerHalf(groups, values.map((own) => own[seed]!))),
          (value) => signed(value, 3),
        ),
      },
    ],
  })];
}

/** The mean covariance of a group at the first step of a run. */
function firstOf({ curves }: StudyLog, share: number): number {
  return curves.get(share === 1 ? "covariance/mean" : `covariance/top-${share}`)![0]!.value;
}

/** What the three smallest groups sum up to, over the sum of all tokens. */
function carried(groups: readonly Group[], values: readonly number[]): string {
  // The sum over a group is its share of the tokens times its mean; over all tokens, the overall mean.
  const all = values[groups.findIndex(({ share }) => share === 1)]!;
  return groups.slice(0, 3).map(({ share }, i) => `${fixed(share * values[i]! / all, 2)}×`)
    .join(", ");
}

/** The mean of the tokens that are not in the upper half. */
function lowerHalf(groups: readonly Group[], values: readonly number[]): number {
  const of = (share: number) => values[groups.findIndex((group) => group.share === share)]!;
  return 2 * of(1) - of(0.5);
}

/** A row for each group, a point for each value. */
function dots(
  rows: readonly { readonly group: string; readonly value: number; readonly whose: string }[],
): Figure["spec"] {
  const whose = [PAPER, OURS].filter((name) => rows.some((row) => row.whose === name));
  const values = rows.map(({ value }) => value);
  const domain = [min(values) / 3, max(values) * 1.6];
  const legend = whose.length === 1 ? null : { title: null };
  const looks = [{ colour: "#111", shape: "square" }, { colour: COLOURS[0]!, shape: "circle" }];
  return {
    data: {
      values: rows.map((row) => ({
        ...row,
        text: row.whose === PAPER ? String(row.value) : row.value.toPrecision(3),
      })),
    },
    height: 36 * new Set(rows.map(({ group }) => group)).size,
    width: 250,
    encoding: {
      y: {
        field: "group",
        type: "nominal",
        sort: null,
        title: null,
        axis: { ticks: false, domain: false },
      },
      x: {
        field: "value",
        type: "quantitative",
        title: "Mean covariance (nats, log scale)",
        scale: { type: "log", domain, nice: false },
        axis: { values: logTicks(domain[0]!, domain[1]!, [1]), format: "~g", grid: false },
      },
      color: {
        field: "whose",
        type: "nominal",
        scale: { domain: whose, range: looks.map(({ colour }) => colour).slice(0, whose.length) },
        legend,
      },
    },
    layer: [
      {
        mark: { type: "point", size: 60, opacity: 1 },
        encoding: {
          shape: {
            field: "whose",
            type: "nominal",
            scale: { domain: whose, range: looks.map(({ shape }) => shape).slice(0, whose.length) },
            legend,
          },
          tooltip: [
            { field: "whose", type: "nominal" },
            { field: "group", type: "nominal" },
            { field: "value", type: "quantitative", format: ".4f" },
          ],
        },
      },
      {
        transform: [{ filter: { field: "whose", equal: PAPER } }],
        mark: { type: "text", dy: -9 },
        encoding: { text: { field: "text", type: "nominal" } },
      },
      {
        transform: [{ filter: { field: "whose", equal: OURS } }],
        mark: { type: "text", dy: 11 },
        encoding: { text: { field: "text", type: "nominal" } },
      },
    ],
  };
}
