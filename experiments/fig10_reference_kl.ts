/**
 * Figure 10: a KL penalty to the base model keeps the entropy stable, and the performance is worse for it.
 */
import type { Figure } from "../analysis/figures/figure.ts";
import { PAPER_ENTROPY } from "../analysis/paper_data.ts";
import { GRPO, REFERENCE_KL } from "./arms.ts";
import { WINDOW_CAPTION } from "./courses.ts";
import { LAB_ACCURACY, labFigure } from "./lab_figure.ts";
import { readStudyLogs, type StudyLogs } from "./study_log.ts";
import { inOrder, measureSweep, type Sweep, sweepPanels, sweepRuns } from "./sweep.ts";

const SWEEP: Sweep = {
  model: "qwen2.5-7b",
  levels: [
    { label: "β = 0", settings: GRPO.settings },
    ...inOrder([...REFERENCE_KL.paper, REFERENCE_KL.tuned]).map((referenceCoefficient) => ({
      label: `β = ${referenceCoefficient}${
        referenceCoefficient === REFERENCE_KL.tuned ? " (tuned)" : ""
      }`,
      settings: { intervention: "reference-kl", referenceCoefficient },
    })),
  ],
};

/** The paper's coefficients and the tuned one, on the 7B counterpart. */
export const RUNS = sweepRuns(SWEEP);

/** Figure 10, from the lab's logs; the paper's curves were not digitised. */
export async function drawFigure10(): Promise<Figure[]> {
  return figure10(await readStudyLogs(RUNS));
}

/** The same, of given logs. */
export function figure10(study: StudyLogs): Figure[] {
  if (study.logs.length === 0) return [];
  return [labFigure(study, {
    id: "fig10_lab",
    title: "Figure 10 in the lab",
    caption:
      `Entropy and test accuracy of the counterpart of Qwen2.5-7B on math under GRPO with a KL penalty of weight β to the base model: the paper's weights, and the one tuned for this task. ${WINDOW_CAPTION} ${PAPER_ENTROPY} ${LAB_ACCURACY}`,
    spec: { vconcat: sweepPanels(study, SWEEP), spacing: 10 },
    measurements: measureSweep(study, SWEEP, {
      entropy: "stable",
      accuracy: "below that of β = 0",
    }),
  })];
}
