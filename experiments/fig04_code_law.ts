/**
 * Figure 4: the law of Figure 3 holds on code, too.
 */
import type { Figure } from "../analysis/figures/figure.ts";
import { familyLaws } from "./family_laws.ts";
import { BASE_MODEL_NAMES } from "./lab/families.ts";
import { plainRuns } from "./plain_runs.ts";
import { readStudyLogs, type StudyLogs } from "./study_log.ts";

/** GRPO on code: the counterparts of all 11 models. */
export const RUNS = plainRuns(BASE_MODEL_NAMES, "code");

/** Figure 4, from the logs that are there. */
export async function drawFigure4(): Promise<Figure[]> {
  return figure4(await readStudyLogs(RUNS));
}

/** Figure 4, from logs. */
export function figure4(study: StudyLogs): Figure[] {
  return familyLaws(study, { id: "fig04_lab", title: "Figure 4 in the lab", task: "code" });
}
