/**
 * Figure 13: a and b depend on the training data. The paper trains Qwen2.5-7B on four sets of math problems; the lab has
 * four mixtures of chains.
 */
import type { Figure } from "../analysis/figures/figure.ts";
import { LAW_PANEL_CAPTION, lawAxes, lawPanel } from "../analysis/figures/law_panel.ts";
import { PAPER_ENTROPY } from "../analysis/paper_data.ts";
import { LAB_ACCURACY, labFigure, lawsBy, measureLaw, measureOneLaw } from "./lab_figure.ts";
import { MIXTURES } from "./lab/tasks/task.ts";
import { readStudyLogs, type StudyLogs } from "./study_log.ts";

/** GRPO on each mixture of the math task. */
export const RUNS = MIXTURES.map((mixture) => ({ mixture }));

/** Figure 13, from the logs that are there. */
export async function drawFigure13(): Promise<Figure[]> {
  return figure13(await readStudyLogs(RUNS));
}

/** Figure 13, from logs. */
export function figure13(study: StudyLogs): Figure[] {
  if (study.logs.length === 0) return [];
  const laws = lawsBy(study.logs, ({ run }) => run.settings.mixture);
  return [labFigure(study, {
    id: "fig13_lab",
    title: "Figure 13 in the lab",
    caption:
      `The counterpart of Qwen2.5-7B trained by GRPO on four mixtures of the math task, tested on the same benchmarks. ${LAW_PANEL_CAPTION} ${PAPER_ENTROPY} ${LAB_ACCURACY}`,
    spec: lawPanel(laws, { axes: lawAxes(laws), legendColumns: 4 }),
    measurements: [
      ...laws.flatMap(measureLaw),
      ...measureOneLaw("mixtures", laws, "no: a and b change with the data"),
    ],
  })];
}
