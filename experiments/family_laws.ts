import type { FittedRuns } from "../analysis/fit_runs.ts";
import type { Figure } from "../analysis/figures/figure.ts";
import { LAW_PANEL_CAPTION, lawAxes, lawPanel } from "../analysis/figures/law_panel.ts";
import { PAPER_ENTROPY } from "../analysis/paper_data.ts";
import { LAB_ACCURACY, labFigure, lawsBy, measureLaw } from "./lab_figure.ts";
import { FAMILIES, sizeOf } from "./plain_runs.ts";
import type { StudyLogs } from "./study_log.ts";

/** The law of every model, a panel for each family: Figures 3 and 4. */
export function familyLaws(
  study: StudyLogs,
  { id, title, task }: { readonly id: string; readonly title: string; readonly task: string },
): Figure[] {
  const families = FAMILIES.map(({ start, label }) => ({
    label,
    laws: lawsBy(
      study.logs.filter(({ run }) => run.settings.model.startsWith(start)),
      ({ run }) => sizeOf(run.settings.model),
    ),
  })).filter(({ laws }) => laws.length > 0);
  if (families.length === 0) return [];
  const all = families.flatMap(({ label, laws }) =>
    laws.map((law): FittedRuns => ({ ...law, name: `${label} ${law.name}` }))
  );
  const axes = lawAxes(all);
  return [labFigure(study, {
    id,
    title,
    caption:
      `Test accuracy over policy entropy for the counterparts of the paper's models on ${task}, family by family, under GRPO without intervention; all panels have the same axes. ${LAW_PANEL_CAPTION} ${PAPER_ENTROPY} ${LAB_ACCURACY}`,
    spec: {
      columns: 2,
      spacing: 20,
      concat: families.map(({ label, laws }) =>
        lawPanel(laws, { axes, title: label, width: 150, height: 140 })
      ),
      resolve: {
        scale: { color: "independent", shape: "independent" },
        legend: { color: "independent", shape: "independent" },
      },
    },
    measurements: [
      {
        quantity: "models whose law is identified",
        paper: "all 11",
        measured: `${all.filter(({ fit }) => fit?.identified).length} of ${all.length}`,
      },
      ...all.flatMap(measureLaw),
    ],
  })];
}
