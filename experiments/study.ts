import { RUNS as CONDITIONS } from "./conditions.ts";
import { type StudyRun, studyRun } from "./lab/study/study_run.ts";
import { RUNS as FIGURE_1 } from "./fig01_collapse.ts";
import { RUNS as FIGURE_11 } from "./fig11_interventions.ts";

/** The runs of each figure and table, by the settings that are not the defaults. */
const RUNS: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>> = {
  fig1: FIGURE_1,
  fig11: FIGURE_11,
  conditions: CONDITIONS,
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
