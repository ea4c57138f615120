/**
 * Figure 3: on math, R = −a·exp(H) + b describes every model of four families through the whole of training. The paper's
 * own points, those of Qwen2.5, are in Figure 1, right.
 */
import type { Figure } from "../analysis/figures/figure.ts";
import { familyLaws } from "./family_laws.ts";
import { BASE_MODEL_NAMES } from "./lab/families.ts";
import { plainRuns } from "./plain_runs.ts";
import { readStudyLogs, type StudyLogs } from "./study_log.ts";

/** GRPO on math: the counterparts of all 11 models. */
export const RUNS = plainRuns(BASE_MODEL_NAMES, "math");

/** Figure 3, from the logs that are there. */
export async function drawFigure3(): Promise<Figure[]> {
  return figure3(await readStudyLogs(RUNS));
}

/** Figure 3, from logs. */
export function figure3(study: StudyLogs): Figure[] {
  return familyLaws(study, { id: "fig03_lab", title: "Figure 3 in the lab", task: "math" });
}
