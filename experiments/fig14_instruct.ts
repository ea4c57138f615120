/**
 * Figure 14: the law holds for models that have been tuned on instructions before, as for base models.
 */
import type { Figure } from "../analysis/figures/figure.ts";
import { LAW_PANEL_CAPTION, lawAxes, lawPanel } from "../analysis/figures/law_panel.ts";
import { PAPER_ENTROPY } from "../analysis/paper_data.ts";
import { LAB_ACCURACY, labFigure, lawsBy, measureLaw } from "./lab_figure.ts";
import { sizeOf } from "./plain_runs.ts";
import { readStudyLogs, type StudyLogs } from "./study_log.ts";

/** GRPO on math from the instruct variants of three sizes. */
export const RUNS = ["qwen2.5-1.5b", "qwen2.5-3b", "qwen2.5-7b"].map((model) => ({
  model,
  instruct: true,
}));

/** Figure 14, from the logs that are there. */
export async function drawFigure14(): Promise<Figure[]> {
  return figure14(await readStudyLogs(RUNS));
}

/** Figure 14, from logs. */
export function figure14(study: StudyLogs): Figure[] {
  if (study.logs.length === 0) return [];
  const laws = lawsBy(study.logs, ({ run }) => sizeOf(run.settings.model));
  return [labFigure(study, {
    id: "fig14_lab",
    title: "Figure 14 in the lab",
    caption:
      `The counterparts of three instruct models of Qwen2.5 trained by GRPO on math. ${LAW_PANEL_CAPTION} ${PAPER_ENTROPY} ${LAB_ACCURACY}`,
    spec: lawPanel(laws, { axes: lawAxes(laws) }),
    measurements: [
      {
        quantity: "models whose law is identified",
        paper: "all 3",
        measured: `${laws.filter(({ fit }) => fit?.identified).length} of ${laws.length}`,
      },
      ...laws.flatMap(measureLaw),
    ],
  })];
}
