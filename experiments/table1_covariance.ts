/**
 * Table 1: the covariance is concentrated in very few tokens, so it is enough to act on those.
 */
import type { Figure } from "../analysis/figures/figure.ts";
import { COLOURS } from "../analysis/figures/theme.ts";
import { paperRows } from "../analysis/paper_data.ts";

/** Table 1, from the paper. */
export async function drawTable1(): Promise<Figure[]> {
  const rows = (await paperRows("table1.csv")).map(({ group, mean_covariance }) => ({
    group: group!,
    value: Number(mean_covariance),
    share: group === "All" ? 1 : Number(/[\d.]+/.exec(group!)![0]) / 100,
  }));
  const all = rows.find(({ group }) => group === "All")!.value;
  // The sum over a group is its share of the tokens times its mean; over all tokens, the overall mean.
  const carried = ({ share, value }: (typeof rows)[number]) => (share * value) / all;
  return [{
    id: "table1",
    title: "Table 1",
    caption:
      "Mean covariance of the tokens with the highest covariance, Qwen2.5-7B at step 1 (log scale). A few outliers carry values a thousand times the mean over all tokens.",
    source: "arXiv 2505.22617, Table 1, as printed",
    spec: {
      data: { values: rows },
      height: 150,
      width: 260,
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
          scale: { type: "log", domain: [0.0005, 10], nice: false },
          axis: { values: [0.001, 0.01, 0.1, 1, 10], format: "~g", grid: false },
        },
      },
      layer: [
        { mark: { type: "point", size: 60, color: COLOURS[0]!, opacity: 1 } },
        {
          mark: { type: "text", dx: -9, align: "right" },
          encoding: { text: { field: "value", type: "quantitative", format: "~g" } },
        },
      ],
    },
    measurements: [
      ...rows.map(({ group, value }) => ({
        quantity: `mean covariance, ${group}`,
        paper: String(value),
        measured: "not measured here: the paper publishes no tokens",
      })),
      {
        quantity:
          "sum over the top 0.02 %, 0.2 %, 2 % over the sum of all tokens, by the printed values",
        measured: rows.slice(0, 3).map((row) => `${carried(row).toFixed(2)}×`).join(", "),
      },
    ],
  }];
}
