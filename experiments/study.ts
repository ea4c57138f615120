import { RUNS as CONDITIONS } from "./conditions.ts";
import { RUNS as FIGURE_1 } from "./fig01_collapse.ts";
import { RUNS as FIGURE_2 } from "./fig02_shares.ts";
import { RUNS as FIGURE_3 } from "./fig03_math_law.ts";
import { RUNS as FIGURE_4 } from "./fig04_code_law.ts";
import { RUNS as FIGURE_5 } from "./fig05_prediction.ts";
import { RUNS as FIGURE_6 } from "./fig06_algorithms.ts";
import { RUNS as FIGURE_7 } from "./fig07_scaling.ts";
import { RUNS as FIGURE_8 } from "./fig08_covariance.ts";
import { RUNS as FIGURE_9 } from "./fig09_entropy_bonus.ts";
import { RUNS as FIGURE_10 } from "./fig10_reference_kl.ts";
import { RUNS as FIGURE_11 } from "./fig11_interventions.ts";
import { RUNS as FIGURE_12 } from "./fig12_strength.ts";
import { RUNS as FIGURE_13 } from "./fig13_data.ts";
import { RUNS as FIGURE_14 } from "./fig14_instruct.ts";
import { type StudyRun, studyRun } from "./lab/study/study_run.ts";
import type { RunSettings } from "./study_log.ts";
import { RUNS as TABLE_1 } from "./table1_covariance.ts";
import { RUNS as TABLE_2 } from "./table2_benchmarks.ts";
import { RUNS as TUNING } from "./tuning.ts";

/** The runs of each figure and table, and of what else is measured, by the settings that are not the defaults. */
const RUNS: Readonly<Record<string, readonly RunSettings[]>> = {
  conditions: CONDITIONS,
  fig1: FIGURE_1,
  fig2: FIGURE_2,
  fig3: FIGURE_3,
  fig4: FIGURE_4,
  fig5: FIGURE_5,
  fig6: FIGURE_6,
  fig7: FIGURE_7,
  fig8: FIGURE_8,
  table1: TABLE_1,
  tuning: TUNING,
  fig9: FIGURE_9,
  fig10: FIGURE_10,
  fig11: FIGURE_11,
  table2: TABLE_2,
  fig12: FIGURE_12,
  fig13: FIGURE_13,
  fig14: FIGURE_14,
};

/** A run, and the figures and tables that are drawn from it. */
export interface FigureRun extends StudyRun {
  /** Their names, as of their tasks. */
  readonly figures: readonly string[];
}

/** All runs of the study, each once, in the order of the figures. */
export function studyRuns(): FigureRun[] {
  const runs = new Map<string, FigureRun & { figures: string[] }>();
  for (const [figure, list] of Object.entries(RUNS)) {
    for (const given of list) {
      const run = studyRun(given);
      runs.getOrInsertComputed(run.name, () => ({ ...run, figures: [] })).figures.push(figure);
    }
  }
  return [...runs.values()];
}
