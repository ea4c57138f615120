/**
 * Table 2: with Clip-Cov and KL-Cov the mean over seven math benchmarks rises by 2.0 points at 7B and
 * 6.4 at 32B over GRPO.
 */
import { mean } from "simple-statistics";
import type { Figure } from "../analysis/figures/figure.ts";
import { paperRows } from "../analysis/paper_data.ts";

const BENCHMARKS = ["AIME24", "AIME25", "AMC", "MATH-500", "OMNI-MATH", "OlympiadBench", "Minerva"];
const HEADS: Record<string, string> = { OlympiadBench: "Olympiad", Avg: "Avg." };

/** Table 2, from the paper. */
export async function drawTable2(): Promise<Figure[]> {
  const rows = await paperRows("table2.csv");
  const models = Array.from(new Set(rows.map(({ model }) => model!)));
  const cells = rows.flatMap((row) => {
    const baseline = rows.find(({ model, method }) => model === row["model"] && method === "GRPO")!;
    const rivals = rows.filter(({ model }) => model === row["model"]);
    return [...BENCHMARKS, "Avg"].map((benchmark) => ({
      model: row["model"]!,
      method: row["method"]!.replace("GRPO w. ", "").replace("CLIP-Cov", "Clip-Cov"),
      benchmark: HEADS[benchmark] ?? benchmark,
      score: Number(row[benchmark]),
      change: Number(row[benchmark]) - Number(baseline[benchmark]),
      best: rivals.every((rival) => Number(rival[benchmark]) <= Number(row[benchmark])),
    }));
  });
  const average = (model: string, method: string) => {
    const row = rows.find((row) => row["model"] === model && row["method"] === method)!;
    return { printed: Number(row["Avg"]), mean: mean(BENCHMARKS.map((name) => Number(row[name]))) };
  };
  return [{
    id: "table2",
    title: "Table 2",
    caption:
      "Accuracy (%) on seven math benchmarks; the colour is the change against GRPO in points, bold is the best of a model.",
    source: "arXiv 2505.22617, Table 2, as printed",
    spec: {
      vconcat: models.map((model) => table(model, cells.filter((cell) => cell.model === model))),
      spacing: 16,
    },
    measurements: models.flatMap((model) => {
      const baseline = average(model, "GRPO");
      const best = average(model, "GRPO w. KL-Cov");
      return [
        {
          quantity: `${model}: KL-Cov above GRPO, by the printed averages (points)`,
          paper: model.endsWith("7B") ? "+2.0" : "+6.4",
          measured: `+${(best.printed - baseline.printed).toFixed(1)}`,
        },
        {
          quantity: `${model}: the same by the plain mean of the seven printed columns`,
          measured: `+${(best.mean - baseline.mean).toFixed(1)} (${best.mean.toFixed(1)} against ${
            baseline.mean.toFixed(1)
          }; printed ${best.printed} against ${baseline.printed})`,
        },
      ];
    }),
  }];
}

function table(model: string, cells: { benchmark: string }[]) {
  const order = Array.from(new Set(cells.map(({ benchmark }) => benchmark)));
  return {
    title: model,
    data: { values: cells },
    width: 470,
    height: 92,
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
            scale: { domain: [-16, 0, 16], range: ["#E69F00", "#F7F7F7", "#56B4E9"] },
            legend: null,
          },
        },
      },
      {
        transform: [{ filter: "!datum.best" }],
        mark: { type: "text" as const },
        encoding: { text: { field: "score", type: "quantitative" as const, format: ".1f" } },
      },
      {
        transform: [{ filter: "datum.best" }],
        mark: { type: "text" as const, fontWeight: "bold" as const },
        encoding: { text: { field: "score", type: "quantitative" as const, format: ".1f" } },
      },
    ],
  };
}
